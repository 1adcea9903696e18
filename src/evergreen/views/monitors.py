"""What monitors have judged so far."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.digest import Digest
from evergreen.core.message import Permission, Query
from evergreen.db import schema as t

__all__ = ["EvidenceView", "ListEvidence", "ListWindows", "WindowView", "list_evidence", "list_windows"]


class WindowView(msgspec.Struct, frozen=True, kw_only=True):
    """One window of one version's traffic; ``outcomes`` and later fields are None until it is mature."""

    start: str
    end: str
    version: int
    predictions: int
    outcomes: int | None
    positives: int | None
    profile: Digest | None
    scores: Digest | None
    drift: str | None
    performance: str | None


class ListWindows(Query, frozen=True, kw_only=True):
    """Ask for the windows of a monitor, oldest first."""

    permission: ClassVar = Permission.READ
    monitor: str


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A gate's recorded measurement; ``report`` has the details."""

    id: str
    name: str
    alias: str
    candidate: int
    champion: int | None
    passed: bool
    report: Digest
    at: str


class ListEvidence(Query, frozen=True, kw_only=True):
    """Ask for what gates measured of a model, or of one version of it, newest first."""

    permission: ClassVar = Permission.READ
    name: str
    candidate: int | None = None


def list_windows(connection: Connection, project: str, query: ListWindows) -> list[WindowView]:
    """Return the windows of the monitor."""
    rows = connection.execute(
        select(t.monitor_window)
        .where(t.monitor_window.c.project == project, t.monitor_window.c.monitor == query.monitor)
        .order_by(t.monitor_window.c.start, t.monitor_window.c.version)
    )
    fields = WindowView.__struct_fields__
    return [WindowView(**{field: getattr(row, field) for field in fields}) for row in rows]


def list_evidence(connection: Connection, project: str, query: ListEvidence) -> list[EvidenceView]:
    """Return the evidence on the model."""
    chosen = select(t.evidence).where(t.evidence.c.project == project, t.evidence.c.name == query.name)
    if query.candidate is not None:
        chosen = chosen.where(t.evidence.c.candidate == query.candidate)
    fields = EvidenceView.__struct_fields__
    rows = connection.execute(chosen.order_by(t.evidence.c.at.desc(), t.evidence.c.candidate.desc()))
    return [EvidenceView(**{field: getattr(row, field) for field in fields}) for row in rows]
