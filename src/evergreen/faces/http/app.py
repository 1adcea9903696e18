"""The server's application: one route for all messages, one for objects, and what probes ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evergreen.core.digest import Digest, digest_of, is_digest
from evergreen.core.errors import EvergreenError, Invalid, NotFound
from evergreen.faces.client.local import LocalClient, decode_message
from evergreen.faces.http.openapi import openapi_document
from evergreen.faces.web.answers import json_answer, problem_answer
from evergreen.faces.web.guard import Guard
from evergreen.lifecycle.dispatch import Dispatch
from evergreen.lifecycle.hold_objects import HoldObjects

__all__ = ["make_app"]

NOT_FROM_OUTSIDE = frozenset({HoldObjects.__name__})
"""Messages that only this side may send: a client that says what it holds could name another project's bytes."""


def make_app(dispatch: Dispatch) -> Starlette:
    """Return the application that serves ``dispatch``."""
    outside = [handler for handler in dispatch.handlers.values() if handler.name not in NOT_FROM_OUTSIDE]
    document = openapi_document(outside)

    async def message(request: Request) -> Response:
        project, name = request.path_params["project"], request.path_params["message"]
        if name in NOT_FROM_OUTSIDE:
            raise NotFound(f'there is no message "{name}"')
        handler = dispatch.handler(name)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Invalid("a message is sent as application/json", hint="set the Content-Type header")
        sent = decode_message(await request.body(), handler.message)
        return json_answer(await run_in_threadpool(LocalClient(dispatch, project).send, sent))

    async def put_object(request: Request) -> Response:
        client, digest = LocalClient(dispatch, request.path_params["project"]), request.path_params["digest"]
        data = await request.body()
        if not is_digest(digest) or digest_of(data) != digest:
            raise Invalid(f"the bytes hash to {digest_of(data)[:12]}, not to {digest[:12]}", hint="send them again")
        await run_in_threadpool(client.put, data)
        return Response(status_code=204)

    async def get_object(request: Request) -> Response:
        client, digest = LocalClient(dispatch, request.path_params["project"]), request.path_params["digest"]
        if not is_digest(digest):
            raise Invalid(f'"{digest[:80]}" is no digest')
        data = await run_in_threadpool(client.get, Digest(digest))
        return Response(data, media_type="application/octet-stream", headers={"x-content-type-options": "nosniff"})

    async def live(_: Request) -> Response:
        return json_answer({"live": True})

    async def openapi(_: Request) -> Response:
        return json_answer(document)

    return Starlette(
        routes=[
            Route("/livez", live),
            Route("/openapi.json", openapi),
            Route("/api/v1/projects/{project}/messages/{message}", _explained(message), methods=["POST"]),
            Route("/api/v1/projects/{project}/objects/{digest}", _explained(get_object), methods=["GET"]),
            Route("/api/v1/projects/{project}/objects/{digest}", _explained(put_object), methods=["PUT"]),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: _no_such_route},
    )


def _explained(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except EvergreenError as error:
            return problem_answer(error)

    return answered


async def _no_such_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    answer = problem_answer(NotFound(f"{request.method} {request.url.path} leads nowhere", hint="see /openapi.json"))
    answer.status_code = status
    return answer
