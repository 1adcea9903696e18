"""One table between errors and HTTP: a status for each class, and the same class again on the other side."""

from __future__ import annotations

from typing import Any

import msgspec

from evergreen.core.errors import Conflict, Corrupt, Denied, EvergreenError, Invalid, NotFound, Refused, Unavailable

__all__ = ["STATUS", "Problem", "error_of", "problem_of", "status_of"]

STATUS: dict[type[EvergreenError], int] = {
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    Denied: 403,
    Refused: 409,
    Unavailable: 503,
    Corrupt: 500,
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error on the wire: RFC 9457, with our class, hint and facts."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    hint: str | None = None
    facts: dict[str, Any] = {}  # JSON values


def status_of(error: EvergreenError) -> int:
    """Return the HTTP status of an error."""
    return STATUS[_kind(error)]


def problem_of(error: EvergreenError) -> Problem:
    """Return what is sent for an error."""
    kind = _kind(error)
    return Problem(title=kind.__name__, status=STATUS[kind], detail=error.message, hint=error.hint, facts=error.facts)


def error_of(problem: Problem) -> EvergreenError:
    """Return the error that a problem tells of."""
    kinds = {kind.__name__: kind for kind in STATUS}
    return kinds.get(problem.title, Unavailable)(problem.detail, hint=problem.hint, **problem.facts)


def _kind(error: EvergreenError) -> type[EvergreenError]:
    return next((kind for kind in STATUS if isinstance(error, kind)), Corrupt)
