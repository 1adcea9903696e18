"""The client over HTTP. A request whose answer was lost is sent again as it is: ids make commands repeatable."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from evergreen.core.digest import Digest, digest_of, require_digest
from evergreen.core.errors import Corrupt, Unavailable
from evergreen.core.message import Handler, Message
from evergreen.faces.client.errors import Problem, error_of
from evergreen.lifecycle.verbs import VERBS
from evergreen.views.queries import VIEWS

__all__ = ["HttpClient", "message_path", "object_path"]

RETRY_FOR_S = 10.0


def message_path(project: str, message: str) -> str:
    """Return the path that a message is posted to."""
    return f"/api/v1/projects/{project}/messages/{message}"


def object_path(project: str, digest: str) -> str:
    """Return the path of an object's bytes."""
    return f"/api/v1/projects/{project}/objects/{digest}"


class HttpClient:
    """A client of one project on a server. Safe for threads."""

    def __init__(self, address: str, project: str, *, retry_for_s: float = RETRY_FOR_S) -> None:
        self.address = address.rstrip("/")
        self._project = project
        self._retry_for_s = retry_for_s
        self._handlers: dict[str, Handler] = {handler.name: handler for handler in (*VERBS, *VIEWS)}
        self._http = httpx.Client(base_url=self.address, timeout=60.0, trust_env=False)

    @property
    def project(self) -> str:
        """The project that messages are about."""
        return self._project

    def send(self, message: Message) -> Any:  # the message's result type
        """Run ``message`` on the server and return its result."""
        name = type(message).__name__
        body = msgspec.json.encode(message)
        answer = self._asked(
            lambda: self._http.post(
                message_path(self._project, name), content=body, headers={"content-type": "application/json"}
            )
        )
        return msgspec.json.decode(answer.content, type=self._handlers[name].result)

    def put(self, data: bytes) -> Digest:
        """Keep bytes for the project on the server."""
        digest = digest_of(data)
        self._asked(lambda: self._http.put(object_path(self._project, digest), content=data))
        return digest

    def get(self, digest: Digest) -> bytes:
        """Return bytes that the project holds, checked against their name."""
        require_digest(digest)
        data = self._asked(lambda: self._http.get(object_path(self._project, digest))).content
        if digest_of(data) != digest:
            raise Corrupt(f"object {digest[:12]} arrived damaged from {self.address}", hint="try again")
        return data

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _asked(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask, again while the server cannot be reached; raise the error that it answers with."""
        deadline = time.monotonic() + self._retry_for_s
        pause = 0.05
        while True:
            try:
                answer = ask()
                break
            except httpx.TransportError as error:
                if time.monotonic() + pause > deadline:
                    raise Unavailable(
                        f"cannot reach the server at {self.address}: {error}",
                        hint='is it running? start it with "evergreen server"',
                    ) from error
                time.sleep(pause)
                pause = min(1.0, pause * 2)
        if answer.is_success:
            return answer
        try:
            problem = msgspec.json.decode(answer.content, type=Problem)
        except msgspec.DecodeError:
            raise Unavailable(f"{self.address} answered {answer.status_code}: {answer.text[:200]}") from None
        raise error_of(problem)
