"""Jobs: what waits, what runs, how it ended."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.message import Limit, Permission, Query
from evergreen.db import schema as t

__all__ = ["JobView", "ListJobs", "list_jobs"]


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job; ``result`` holds its error where it failed."""

    id: str
    kind: str
    lane: str
    state: str
    at: str
    attempts: int
    lease_until: str | None
    request: dict[str, Any]  # JSON values
    result: dict[str, Any] | None  # JSON values


class ListJobs(Query, frozen=True, kw_only=True):
    """Ask for jobs, newest first; with ``is_open``, only for those waiting or running."""

    permission: ClassVar = Permission.READ
    is_open: bool = False
    limit: Limit = 100


def list_jobs(connection: Connection, project: str, query: ListJobs) -> list[JobView]:
    """Return the jobs."""
    chosen = select(t.job).where(t.job.c.project == project)
    if query.is_open:
        chosen = chosen.where(t.job.c.state.in_(("waiting", "running")))
    rows = connection.execute(chosen.order_by(t.job.c.id.desc()).limit(min(query.limit, 10_000)))
    return [
        JobView(
            id=row.id,
            kind=row.kind,
            lane=row.lane,
            state=row.state,
            at=row.at,
            attempts=row.attempts,
            lease_until=row.lease_until,
            request=msgspec.json.decode(row.request),
            result=None if row.result is None else msgspec.json.decode(row.result),
        )
        for row in rows
    ]
