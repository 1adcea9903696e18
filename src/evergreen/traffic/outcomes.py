"""The truth that arrives later. Append-only: each value with when it became known; a correction is a new row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from evergreen.core.canonical import canonical_digest
from evergreen.core.clock import isoformat, moment
from evergreen.core.errors import Conflict, Invalid
from evergreen.db.schema import outcome
from evergreen.journal.transaction import Transaction

__all__ = ["Outcome", "known", "record"]

_AT_A_TIME = 500


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What turned out true for one prediction, and when that became known."""

    prediction_id: str
    value: float
    known_at: str


def record(tx: Transaction, endpoint: str, outcomes: Sequence[Outcome]) -> int:
    """Append ``outcomes`` and return how many were new. The same one again changes nothing.

    Raises:
        Invalid: a time has no zone, a value is not finite, or an id is empty or too long.
        Conflict: another value stands for the same prediction and time.
    """
    rows: list[dict[str, Any]] = []  # of the outcome table
    for number, item in enumerate(outcomes):
        if not 0 < len(item.prediction_id) <= 200:
            raise Invalid(
                f"$.outcomes[{number}].prediction_id has {len(item.prediction_id)} characters, expected 1 to 200"
            )
        if not math.isfinite(item.value):
            raise Invalid(f"$.outcomes[{number}].value is {item.value}, expected a finite number")
        rows.append(
            {
                "project": tx.project,
                "endpoint": endpoint,
                "prediction_id": item.prediction_id,
                "known_at": isoformat(moment(item.known_at)),
                "value": item.value,
                "recorded_at": tx.recorded_at,
            }
        )
    there = _values(tx.connection, tx.project, endpoint, [row["prediction_id"] for row in rows])
    fresh = []
    for row in rows:
        found = there.get((row["prediction_id"], row["known_at"]))
        if found is None:
            fresh.append(row)
            there[row["prediction_id"], row["known_at"]] = row["value"]
        elif found != row["value"]:
            raise Conflict(
                f"outcome of {row['prediction_id']} known at {row['known_at']} is {found} already, not {row['value']}",
                hint="send a correction with a later known_at",
            )
    if fresh:
        tx.connection.execute(insert(outcome), fresh)
        tx.emit("outcomes.recorded", endpoint=endpoint, count=len(fresh), digest=canonical_digest(fresh))
    return len(fresh)


def known(connection: Connection, project: str, endpoint: str, ids: Sequence[str], *, as_of: str) -> pl.DataFrame:
    """Return the newest value per id that was known at ``as_of``: columns prediction_id, value, known_at."""
    latest: dict[str, tuple[str, float]] = {}
    as_of = isoformat(moment(as_of))  # texts compare as times only in this one form
    for start in range(0, len(ids), _AT_A_TIME):
        query = select(outcome.c.prediction_id, outcome.c.known_at, outcome.c.value).where(
            outcome.c.project == project,
            outcome.c.endpoint == endpoint,
            outcome.c.prediction_id.in_(ids[start : start + _AT_A_TIME]),
            outcome.c.known_at <= as_of,
        )
        for row in connection.execute(query):
            if row.prediction_id not in latest or latest[row.prediction_id][0] < row.known_at:
                latest[row.prediction_id] = (row.known_at, row.value)
    return pl.DataFrame(
        {
            "prediction_id": list(latest),
            "value": [value for _, value in latest.values()],
            "known_at": [known_at for known_at, _ in latest.values()],
        },
        schema={"prediction_id": pl.String, "value": pl.Float64, "known_at": pl.String},
    )


def _values(connection: Connection, project: str, endpoint: str, ids: Sequence[str]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for start in range(0, len(ids), _AT_A_TIME):
        query = select(outcome.c.prediction_id, outcome.c.known_at, outcome.c.value).where(
            outcome.c.project == project,
            outcome.c.endpoint == endpoint,
            outcome.c.prediction_id.in_(ids[start : start + _AT_A_TIME]),
        )
        found.update({(row.prediction_id, row.known_at): row.value for row in connection.execute(query)})
    return found
