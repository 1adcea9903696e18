"""``evergreen server``: the API, one worker child under supervision, and the loop that moves the clock."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from sqlalchemy import select
from starlette.applications import Starlette

from evergreen.core.clock import isoformat
from evergreen.core.errors import EvergreenError
from evergreen.db.schema import project
from evergreen.execution.fresh import PARENT
from evergreen.faces.client.local import LocalClient, dispatch_for
from evergreen.faces.http.app import make_app
from evergreen.faces.web.listen import bind, serve
from evergreen.lifecycle.dispatch import Dispatch
from evergreen.lifecycle.home import Home
from evergreen.lifecycle.tick import Tick

__all__ = ["run_server"]

TICK_EVERY_S = 30.0
_log = logging.getLogger("evergreen.server")


def run_server(root: Path, host: str, port: int, *, wall_clock: bool, ready: Callable[[str], None]) -> None:
    """Serve the home at ``root`` until a signal comes.

    With ``wall_clock`` the business clock follows the machine's; without, only ``Tick`` messages move it, as a replay
    of the past wants. ``ready`` is called with the address once it answers.
    """
    listener = bind(host, port)
    home = Home.open(root, create=True)
    dispatch = dispatch_for(home)
    app = make_app(dispatch)
    address = f"http://{host}:{listener.getsockname()[1]}"

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stop = threading.Event()
        threads = [threading.Thread(target=_supervise, args=(home.root, stop), name="supervisor")]
        if wall_clock:
            threads.append(threading.Thread(target=_tick, args=(dispatch, stop), name="loop"))
        for thread in threads:
            thread.start()
        try:
            ready(address)  # fails where nobody reads the line any more
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    app.router.lifespan_context = lifespan
    serve(app, listener)
    home.close()


def _supervise(root: Path, stop: threading.Event) -> None:
    """Keep one worker running; start it again when it dies, more slowly each time it dies at once."""
    pause = 0.1
    environment = {**os.environ, PARENT: str(os.getpid())}
    # One thread a job: small batches and windows lose more to OpenMP's hand-over than they gain.
    environment.setdefault("OMP_NUM_THREADS", "1")
    log = root / "worker.log"
    while not stop.is_set():
        with log.open("ab") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "evergreen.faces.worker", str(root)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        lived = 0.0
        while worker.poll() is None and not stop.wait(0.1):
            lived += 0.1
        if stop.is_set():
            worker.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(timeout=10)
            if worker.poll() is None:
                worker.kill()
                worker.wait()
            return
        _log.warning("the worker ended with %s, see %s; starting it again", worker.returncode, log)
        pause = 0.1 if lived > 5.0 else min(10.0, pause * 2)
        stop.wait(pause)


def _tick(dispatch: Dispatch, stop: threading.Event) -> None:
    """Move every project's clock to the machine's time, again and again."""
    home = dispatch.home
    while True:
        try:
            with home.database.read() as connection:
                names = list(connection.execute(select(project.c.name)).scalars())
            for name in names:
                LocalClient(dispatch, name).send(Tick(now=isoformat(home.clock.now())))
        except EvergreenError as error:
            _log.warning("cannot tick: %s", error)
        if stop.wait(TICK_EVERY_S):
            return
