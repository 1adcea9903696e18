"""Answers in JSON, and all errors as RFC 9457 problems: ours, unknown paths, and what nobody expected."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from evergreen.core.errors import EvergreenError
from evergreen.faces.client.errors import Problem, problem_of

__all__ = ["ERROR_ANSWERS", "json_answer", "problem_answer"]

_log = logging.getLogger("evergreen.web")


def json_answer(value: Any, status: int = 200) -> Response:  # a Struct, or JSON values
    """Return ``value`` as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def problem_answer(error: EvergreenError) -> Response:
    """Return what is answered for ``error``."""
    return _answer(problem_of(error))


async def _no_such_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _unexpected(request, error)
    detail = f"{request.method} {request.url.path} leads nowhere"
    answer = _answer(Problem(title="NotFound", status=error.status_code, detail=detail, hint="see /openapi.json"))
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed: %r", request.method, request.url.path, error)
    detail = "the server failed at this request, which is a fault of its own: its log says more"
    return _answer(Problem(title="InternalError", status=500, detail=detail))


def _answer(problem: Problem) -> Response:
    return Response(msgspec.json.encode(problem), problem.status, media_type="application/problem+json")


ERROR_ANSWERS: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    HTTPException: _no_such_route,
    Exception: _unexpected,
}
"""For applications: what is answered where no handler of ours was reached, or one failed. No text of the error."""
