"""``evergreen serve``: one endpoint's process. It follows the alias by its generation and never ticks."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette

from evergreen.core.errors import EvergreenError
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.faces.inference.app import make_app
from evergreen.faces.web.listen import bind, serve
from evergreen.serving.endpoint import Endpoint, Live
from evergreen.serving.predictor import Predictor, load_predictor
from evergreen.traffic.segment import SegmentWriter
from evergreen.versions.models import read_model
from evergreen.views.endpoints import Release, ShowEndpoint

__all__ = ["run_endpoint"]

FOLLOW_EVERY_S = 0.2
_log = logging.getLogger("evergreen.serve")


def run_endpoint(root: Path, project: str, name: str, host: str, port: int, *, ready: Callable[[str], None]) -> None:
    """Serve the endpoint until a signal comes; ``ready`` is called with the address once it answers."""
    client = open_local(root, project)
    state = client.send(ShowEndpoint(name=name))  # raises with near matches before a port is taken
    listener = bind(host, port)
    log = SegmentWriter(client.home.log_folder(project, name))
    endpoint = Endpoint(name, state.outputs, log)
    follower = _Follower(client, endpoint)
    follower.look()
    app = make_app(endpoint, client.home.clock)
    address = f"http://{host}:{listener.getsockname()[1]}"

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=follower.follow, args=(stop,), name="follower")
        thread.start()
        try:
            ready(f"{address}/endpoints/{name}/predict")  # fails where nobody reads the line any more
            yield
        finally:
            stop.set()
            thread.join()
            log.close()

    app.router.lifespan_context = lifespan
    serve(app, listener)
    client.home.close()


class _Follower:
    """Loads what the alias names, off the request path, and swaps it in once it is proved."""

    def __init__(self, client: LocalClient, endpoint: Endpoint) -> None:
        self._client = client
        self._endpoint = endpoint
        self._loaded: dict[int, Predictor] = {}

    def follow(self, stop: threading.Event) -> None:
        """Look for a new generation until ``stop`` is set; trouble leaves the present version in place."""
        while not stop.wait(FOLLOW_EVERY_S):
            try:
                self.look()
            except EvergreenError as error:
                _log.warning("endpoint %s stays as it is: %s", self._endpoint.name, error)
                stop.wait(1.0)
            except Exception:  # noqa: BLE001 - the thread's boundary: libraries fail at a model in any way
                _log.exception("endpoint %s stays as it is", self._endpoint.name)
                stop.wait(1.0)

    def look(self) -> None:
        """Swap in the present release if it is not the one that answers."""
        state = self._client.send(ShowEndpoint(name=self._endpoint.name))
        live, present = state.live, self._endpoint.live
        if live is None or (present is not None and present.generation == live.generation):
            return
        fallback = state.fallback if state.outputs.on_violation == "previous" else None
        wanted = [release for release in (live, fallback) if release is not None]
        self._loaded = {release.version: self._load(state.model, release) for release in wanted}
        self._endpoint.swap(
            Live(
                predictor=self._loaded[live.version],
                generation=live.generation,
                fallback=None if fallback is None else self._loaded[fallback.version],
            )
        )

    def _load(self, model: str, release: Release) -> Predictor:
        if release.version in self._loaded:
            return self._loaded[release.version]
        _log.info("loading %s@v%s", model, release.version)
        return load_predictor(self._client.get, read_model(self._client.get, release.manifest), release.version)
