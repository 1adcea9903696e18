"""Predictions and outcomes of an endpoint, for those who look back at them."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import Connection, func, select

from evergreen.core.digest import Digest
from evergreen.core.errors import Invalid
from evergreen.core.message import Permission, Query
from evergreen.db import schema as t
from evergreen.traffic.outcomes import known
from evergreen.traffic.predictions import batches

__all__ = ["FindBatches", "FindOutcomes", "KnownOutcomes", "TrafficBatches", "find_batches", "find_outcomes"]

MOST_IDS = 20_000


class FindBatches(Query, frozen=True, kw_only=True):
    """Ask for the sealed predictions of ``endpoint`` with start <= at < end; without bounds, for all."""

    permission: ClassVar = Permission.READ
    endpoint: str
    start: str = ""
    end: str = "9999"


class TrafficBatches(msgspec.Struct, frozen=True, kw_only=True):
    """Objects that hold those predictions, and the time of the endpoint's very first one."""

    digests: list[Digest]
    first_at: str | None


class FindOutcomes(Query, frozen=True, kw_only=True):
    """Ask for the outcomes of predictions as known at ``as_of``."""

    permission: ClassVar = Permission.READ
    endpoint: str
    ids: list[str]
    as_of: str


class KnownOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """Ids that have an outcome, with their values."""

    ids: list[str]
    values: list[float]


def find_batches(connection: Connection, project: str, query: FindBatches) -> TrafficBatches:
    """Return the batches that may hold such predictions."""
    table = t.prediction_batch
    first_at = connection.execute(
        select(func.min(table.c.first_at)).where(table.c.project == project, table.c.endpoint == query.endpoint)
    ).scalar()
    digests = batches(connection, project, query.endpoint, query.start, query.end)
    return TrafficBatches(digests=digests, first_at=first_at)


def find_outcomes(connection: Connection, project: str, query: FindOutcomes) -> KnownOutcomes:
    """Return what was known of those predictions at that time."""
    if len(query.ids) > MOST_IDS:
        raise Invalid(f"{len(query.ids)} ids at once, at most {MOST_IDS} fit", hint="ask in parts")
    table = known(connection, project, query.endpoint, query.ids, as_of=query.as_of)
    return KnownOutcomes(ids=table["prediction_id"].to_list(), values=table["value"].to_list())
