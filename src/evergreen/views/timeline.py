"""What happened, in order: the journal, read."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.message import Limit, Permission, Query
from evergreen.db.schema import event

__all__ = ["DECISIONS", "EventView", "ShowTimeline", "show_timeline"]

DECISIONS = (
    "configuration.applied",
    "dataset.failed_checks",
    "drift.detected",
    "performance.degraded",
    "rule.fired",
    "rule.skipped",
    "gate.measured",
    "promotion.refused",
    "alias.moved",
    "alias.rolled_back",
    "alias.resumed",
    "endpoint.released",
    "version.archived",
)
"""Kinds that tell what was decided and why, without the volume of runs and windows."""


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One event. ``at`` is business time, ``recorded_at`` the machine's."""

    number: int
    at: str
    recorded_at: str
    kind: str
    actor: str
    payload: dict[str, Any]  # JSON values


class ShowTimeline(Query, frozen=True, kw_only=True):
    """Ask for events numbered above ``after``; those of ``kinds``, or of all kinds."""

    permission: ClassVar = Permission.READ
    kinds: list[str] = []
    after: int = -1
    limit: Limit = 1000


def show_timeline(connection: Connection, project: str, query: ShowTimeline) -> list[EventView]:
    """Return the events, oldest first."""
    chosen = select(event).where(event.c.project == project, event.c.number > query.after).order_by(event.c.number)
    if query.kinds:
        chosen = chosen.where(event.c.kind.in_(query.kinds))
    return [
        EventView(
            number=row.number,
            at=row.at,
            recorded_at=row.recorded_at,
            kind=row.kind,
            actor=row.actor,
            payload=msgspec.json.decode(row.payload),
        )
        for row in connection.execute(chosen.limit(query.limit))
    ]
