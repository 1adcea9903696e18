"""Answers in JSON, and errors as RFC 9457 problems."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from evergreen.core.errors import EvergreenError
from evergreen.faces.client.errors import problem_of

__all__ = ["json_answer", "problem_answer"]


def json_answer(value: Any, status: int = 200) -> Response:  # a Struct, or JSON values
    """Return ``value`` as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def problem_answer(error: EvergreenError) -> Response:
    """Return what is answered for ``error``."""
    problem = problem_of(error)
    return Response(msgspec.json.encode(problem), problem.status, media_type="application/problem+json")
