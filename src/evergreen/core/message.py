"""What can be asked of Evergreen: commands change, queries read; both are values.

A verb's file declares its command and one function; a view's file its query and one function. ``Handler``
ties the two and is what dispatch, the HTTP face and the OpenAPI document are made from.
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec

from evergreen.core.ids import new_id

__all__ = ["Command", "Fence", "Handler", "Limit", "Message", "Permission", "Query"]

Limit = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
"""At most how many things a query returns."""


class Permission(enum.Enum):
    """What an actor must be allowed to do for a message to be handled."""

    READ = "read"
    CONTRIBUTE = "contribute"
    """Data, runs, versions, outcomes."""
    RELEASE = "release"
    """Aliases: promote, roll back, resume."""
    MAINTAIN = "maintain"
    """Project settings, and ticks of its clock."""
    WORK = "work"
    """Jobs and their records: workers only."""


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of commands and queries. A subclass states the permission it needs, or Evergreen does not start."""

    permission: ClassVar[Permission]


class Command(Message, frozen=True, kw_only=True):
    """A change, made in one short transaction.

    ``command_id`` is made by the client: sent again, the stored result comes back and nothing happens twice.
    """

    command_id: str = msgspec.field(default_factory=new_id)


class Query(Message, frozen=True, kw_only=True):
    """A question; it changes nothing."""


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's claim on a job. Commands sent under it fail once another worker has taken the job over."""

    job_id: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A message type, what answers it, and the type of the answer."""

    message: type[Message]
    result: type[Any]  # a Struct, or a list of them
    function: Callable[..., Any]  # (transaction, command) or (connection, project, query) -> result

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Handler:
        """Read the message and result types off ``function``'s annotations.

        Raises:
            TypeError: the function does not take one message, or the message states no permission.
        """
        hints = typing.get_type_hints(function)
        result = hints.pop("return")
        messages = [hint for hint in hints.values() if isinstance(hint, type) and issubclass(hint, Message)]
        if len(messages) != 1:
            raise TypeError(f"{function.__name__} takes {len(messages)} messages, expected one")
        message = messages[0]
        if not isinstance(getattr(message, "permission", None), Permission):
            raise TypeError(f"{message.__name__} states no permission")
        return cls(message=message, result=result, function=function)

    @property
    def name(self) -> str:
        """The message's name, as clients write it."""
        return self.message.__name__

    @property
    def is_command(self) -> bool:
        """Whether the message changes anything."""
        return issubclass(self.message, Command)
