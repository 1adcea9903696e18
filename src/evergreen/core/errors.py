"""The tree of errors, cut by what the caller can do about them.

    EvergreenError
    ├── NotFound      the thing named does not exist
    ├── Conflict      somebody else was first, or the same id came with another body
    ├── Invalid       the input is wrong; sending it again cannot help
    ├── Denied        the actor may not do this
    ├── Refused       a gate or a policy said no
    ├── Unavailable   try again later, or after making room
    └── Corrupt       stored bytes or records are not what they were

A message says what happened to which thing, then what was expected and found. What to do next is
the ``hint``. Faces translate by class; specific errors live beside their code.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = [
    "Conflict",
    "Corrupt",
    "Denied",
    "EvergreenError",
    "Invalid",
    "NotFound",
    "Refused",
    "Unavailable",
    "nearest",
]


class EvergreenError(Exception):
    """Root of all errors that Evergreen raises on purpose.

    ``facts`` are the same data as in the text, for machines: JSON values only.
    """

    def __init__(self, message: str, *, hint: str | None = None, **facts: Any) -> None:  # any JSON value
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:  # pickle's own protocol is untyped
        # Errors cross process boundaries, and the default would lose the keyword arguments.
        return (_rebuild, (type(self), self.message, self.hint, self.facts))


def _rebuild(cls: type[EvergreenError], message: str, hint: str | None, facts: dict[str, Any]) -> EvergreenError:
    error = cls.__new__(cls)
    EvergreenError.__init__(error, message, hint=hint, **facts)
    return error


class NotFound(EvergreenError):
    """The thing named does not exist."""


class Conflict(EvergreenError):
    """Somebody else was first, or one id came with two bodies."""


class Invalid(EvergreenError):
    """The input is wrong; sending it again cannot help."""


class Denied(EvergreenError):
    """The actor may not do this."""


class Refused(EvergreenError):
    """A gate or a policy said no."""


class Unavailable(EvergreenError):
    """Not now: retrying, or making room, may help."""


class Corrupt(EvergreenError):
    """Stored bytes or records are not what they were when written."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return a hint naming the closest of ``known``, or all of them when none is close.

    >>> nearest("roc_acu", ["roc_auc", "log_loss"])
    'did you mean "roc_auc"?'
    >>> nearest("zzz", ["roc_auc", "log_loss"])
    'known: log_loss, roc_auc'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"known: {', '.join(names)}" if names else None
