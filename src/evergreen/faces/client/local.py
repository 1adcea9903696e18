"""The client in this process. Messages and results are encoded and decoded as over HTTP, so both behave alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from evergreen.core.clock import Clock
from evergreen.core.digest import Digest, require_digest
from evergreen.core.errors import Invalid
from evergreen.core.message import Fence, Message
from evergreen.governance.permissions import OWNER
from evergreen.lifecycle.dispatch import Dispatch
from evergreen.lifecycle.hold_objects import HoldObjects
from evergreen.lifecycle.home import Home
from evergreen.lifecycle.verbs import VERBS
from evergreen.versions.held import is_held, require_held
from evergreen.views.queries import VIEWS

__all__ = ["LocalClient", "decode_message", "dispatch_for", "open_local"]


def dispatch_for(home: Home) -> Dispatch:
    """Return the dispatch of all verbs and views for ``home``."""
    return Dispatch(home, (*VERBS, *VIEWS))


class LocalClient:
    """A client of one project in a home that this process has open."""

    def __init__(self, dispatch: Dispatch, project: str, *, actor: str = OWNER, fence: Fence | None = None) -> None:
        self._dispatch = dispatch
        self._project = project
        self._actor = actor
        self._fence = fence

    @property
    def project(self) -> str:
        """The project that messages are about."""
        return self._project

    @property
    def home(self) -> Home:
        """The home behind it."""
        return self._dispatch.home

    def under(self, fence: Fence, actor: str) -> LocalClient:
        """Return a client whose commands hold only as long as the job is ``fence``'s."""
        return LocalClient(self._dispatch, self._project, actor=actor, fence=fence)

    def send(self, message: Message) -> Any:  # the message's result type
        """Run ``message`` and return its result."""
        handler = self._dispatch.handler(type(message).__name__)
        received = decode_message(msgspec.json.encode(message), handler.message)
        result = self._dispatch.handle(self._project, self._actor, received, self._fence)
        return msgspec.json.decode(msgspec.json.encode(result), type=handler.result)

    def put(self, data: bytes) -> Digest:
        """Keep bytes for the project: the bytes first, then the row."""
        digest = self.home.objects.put(data)
        with self.home.database.read() as connection:
            held = is_held(connection, self._project, digest)
        if not held:
            self.send(HoldObjects(sizes={digest: len(data)}))
        return digest

    def get(self, digest: Digest) -> bytes:
        """Return bytes that the project holds."""
        require_digest(digest)
        with self.home.database.read() as connection:
            require_held(connection, self._project, digest)
        return self.home.objects.get(digest)


def open_local(root: Path, project: str, *, create: bool = False, clock: Clock | None = None) -> LocalClient:
    """Open the home at ``root`` and return a client of ``project``."""
    return LocalClient(dispatch_for(Home.open(root, create=create, clock=clock)), project)


def decode_message(body: bytes, message: type[Message]) -> Message:
    """Read a message; every deviation from its type is refused.

    Raises:
        Invalid: names the place, what was expected and found.
    """
    try:
        return msgspec.json.decode(body, type=message)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
        raise Invalid(f"{message.__name__}: {error}", hint="see /openapi.json for its fields") from error
