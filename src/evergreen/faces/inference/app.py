"""The endpoint's application: predict, describe itself, and say when it is ready.

Ready means proved: the live version's files have their digests and its golden requests got their answers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evergreen.core.clock import Clock, isoformat, moment
from evergreen.core.errors import EvergreenError, Invalid, NotFound, Unavailable
from evergreen.faces.web.answers import ERROR_ANSWERS, json_answer, problem_answer
from evergreen.faces.web.guard import Guard
from evergreen.faces.web.messages import Description, PredictAnswer, Prediction, PredictRequest
from evergreen.serving.endpoint import Endpoint

__all__ = ["make_app"]


FIRST_YEAR, LAST_YEAR = 1990, 2200


def make_app(endpoint: Endpoint, clock: Clock) -> Starlette:
    """Return the application of one endpoint."""
    decoder = msgspec.json.Decoder(PredictRequest)

    async def predict(request: Request) -> Response:
        # In the event loop on purpose: one prediction costs less than handing it to a thread.
        try:
            _require_name(request, endpoint)
            try:
                asked = decoder.decode(await request.body())
            except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
                raise Invalid(
                    f"the request is malformed: {error}", hint='send {"rows": [{"id": "...", INPUT: VALUE, ...}]}'
                ) from error
            return json_answer(_answer(endpoint, asked.rows, isoformat(clock.now())))
        except EvergreenError as error:
            return problem_answer(error)

    async def describe(request: Request) -> Response:
        try:
            _require_name(request, endpoint)
            live = endpoint.live
            if live is None:
                raise Unavailable(f'endpoint "{endpoint.name}" has no released version', hint="promote one first")
            return json_answer(
                Description(
                    endpoint=endpoint.name,
                    model=live.predictor.name,
                    version=live.predictor.version,
                    generation=live.generation,
                    contract=live.predictor.contract,
                )
            )
        except EvergreenError as error:
            return problem_answer(error)

    async def alive(_: Request) -> Response:
        return json_answer({"live": True})

    async def ready(_: Request) -> Response:
        is_ready = endpoint.live is not None
        return json_answer({"live": True, "ready": is_ready}, 200 if is_ready else 503)

    return Starlette(
        routes=[
            Route("/endpoints/{name}/predict", predict, methods=["POST"]),
            Route("/endpoints/{name}", describe, methods=["GET"]),
            Route("/livez", alive),
            Route("/readyz", ready),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers=ERROR_ANSWERS,
    )


def _answer(endpoint: Endpoint, rows: list[dict[str, Any]], now: str) -> PredictAnswer:  # decoded JSON
    ids, times = [], []
    for number, row in enumerate(rows):
        row_id, at = row.pop("id", None), row.pop("at", None)
        if not isinstance(row_id, str):
            raise Invalid(f"$.rows[{number}].id: expected text, found {msgspec.json.encode(row_id).decode()[:40]}")
        if at is not None and not isinstance(at, str):
            raise Invalid(f"$.rows[{number}].at: expected a moment, found {msgspec.json.encode(at).decode()[:40]}")
        ids.append(row_id)
        try:
            times.append(now if at is None else isoformat(_sensible(moment(at))))
        except Invalid as error:
            raise Invalid(f"$.rows[{number}].at: {error.message}", hint=error.hint) from error
    live = endpoint.live
    given = endpoint.answer(ids, times, rows)
    return PredictAnswer(
        model=live.predictor.name if live else "",
        version=given.version,
        predictions=[
            Prediction(id=row_id, probability=value) for row_id, value in zip(ids, given.predictions, strict=True)
        ],
        fallbacks=given.fallbacks,
    )


def _sensible(at: datetime) -> datetime:
    """Return ``at``, unless no business was done then: one such row would make a monitor walk through centuries."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise Invalid(f"the year {at.year} is not between {FIRST_YEAR} and {LAST_YEAR}", hint="leave `at` out for now")
    return at


def _require_name(request: Request, endpoint: Endpoint) -> None:
    name = request.path_params["name"]
    if name != endpoint.name:
        raise NotFound(f'this process serves endpoint "{endpoint.name}", not "{name[:80]}"')
