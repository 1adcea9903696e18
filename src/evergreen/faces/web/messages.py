"""What an endpoint takes and gives over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from evergreen.versions.contract import Contract

__all__ = ["Description", "PredictAnswer", "PredictRequest", "Prediction"]


class PredictRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows to answer: each with its inputs, an ``id`` of its own and, if it is not now, the time ``at`` which it is."""

    rows: list[dict[str, Any]]


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one row."""

    id: str
    probability: float


class PredictAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answers in the order of the rows, and the version that gave them."""

    model: str
    version: int
    predictions: list[Prediction]
    fallbacks: int = 0


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What the endpoint answers with, and what it accepts."""

    endpoint: str
    model: str
    version: int
    generation: int
    contract: Contract
