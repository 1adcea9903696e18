"""What long work and faces hold in their hands: one method for all messages, and bytes beside them.

There are two: in this process, and over HTTP. Both encode and decode alike and raise the same errors.
"""

from __future__ import annotations

from typing import Any, Protocol

from evergreen.core.digest import Digest
from evergreen.core.message import Message

__all__ = ["Client"]


class Client(Protocol):
    """A way to one project of one home.

    Safe for threads. A command that was acknowledged is durable; one whose answer was lost can be sent again as it is.
    """

    @property
    def project(self) -> str:
        """The project that messages are about."""
        ...

    def send(self, message: Message) -> Any:  # the message's result type
        """Run ``message`` and return its result, or raise what the verb or view raised."""
        ...

    def put(self, data: bytes) -> Digest:
        """Keep bytes for the project and return their name; the same bytes again cost little."""
        ...

    def get(self, digest: Digest) -> bytes:
        """Return bytes that the project holds, or raise ``NotFound``."""
        ...
