"""The server's application: one route for all messages, one for objects, and what probes ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evergreen.core.digest import Digest, digest_of, require_digest
from evergreen.core.errors import EvergreenError, Invalid, NotFound, nearest
from evergreen.core.message import Handler, Permission
from evergreen.faces.client.local import LocalClient, decode_message
from evergreen.faces.http.openapi import openapi_document
from evergreen.faces.web.answers import ERROR_ANSWERS, json_answer, problem_answer
from evergreen.faces.web.guard import Guard
from evergreen.lifecycle.dispatch import Dispatch
from evergreen.lifecycle.hold_objects import HoldObjects

__all__ = ["make_app"]


def _is_for_outside(handler: Handler) -> bool:
    """Say whether a client may send the message.

    One that says what it holds could name another project's bytes. A worker's messages hold under its claim, which
    does not travel over HTTP in this version: without one they could end a job that runs, or mark predictions as
    sealed that are not.
    """
    return handler.message is not HoldObjects and handler.message.permission is not Permission.WORK


def make_app(dispatch: Dispatch) -> Starlette:
    """Return the application that serves ``dispatch``."""
    outside = {name: handler for name, handler in dispatch.handlers.items() if _is_for_outside(handler)}
    document = openapi_document(outside.values())

    async def message(request: Request) -> Response:
        project, name = request.path_params["project"], request.path_params["message"]
        if name not in outside:
            raise NotFound(f'there is no message "{name[:80]}"', hint=nearest(name, outside))
        handler = outside[name]
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Invalid("a message is sent as application/json", hint="set the Content-Type header")
        sent = decode_message(await request.body(), handler.message)
        return json_answer(await run_in_threadpool(LocalClient(dispatch, project).send, sent))

    async def put_object(request: Request) -> Response:
        client, digest = LocalClient(dispatch, request.path_params["project"]), request.path_params["digest"]
        data = await request.body()
        if digest_of(data) != require_digest(digest):
            raise Invalid(f"the bytes hash to {digest_of(data)[:12]}, not to {digest[:12]}", hint="send them again")
        await run_in_threadpool(client.put, data)
        return Response(status_code=204)

    async def get_object(request: Request) -> Response:
        client, digest = LocalClient(dispatch, request.path_params["project"]), request.path_params["digest"]
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
        exception_handlers=ERROR_ANSWERS,
    )


def _explained(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except EvergreenError as error:
            return problem_answer(error)

    return answered
