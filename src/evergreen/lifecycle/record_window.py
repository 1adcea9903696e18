"""``record_window``: a monitor's verdicts on a window of traffic; an alarm is an event, and rules answer it."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy.dialects.sqlite import insert

from evergreen.core.digest import Digest
from evergreen.core.message import Command, Permission
from evergreen.db.schema import monitor_window
from evergreen.journal.transaction import Transaction
from evergreen.versions.held import require_held

__all__ = ["Judgement", "RecordWindow", "RecordedWindow", "record_window"]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict (ok, drift, degraded, inconclusive) with what it rests on."""

    verdict: str
    reason: str
    p_value: float | None = None
    alpha: float | None = None


class RecordWindow(Command, frozen=True, kw_only=True):
    """Record what was found on one window of one version: ``drift`` when it closed, ``performance`` once mature."""

    permission: ClassVar = Permission.WORK
    monitor: str
    endpoint: str
    model: str
    version: int
    is_live: bool
    start: str
    end: str
    predictions: int
    outcomes: int | None = None
    positives: int | None = None
    profile: Digest | None = None
    scores: Digest | None = None
    drift: Judgement | None = None
    performance: Judgement | None = None


class RecordedWindow(msgspec.Struct, frozen=True, kw_only=True):
    """The alarms that this window set off."""

    alarms: list[str]


_ALARMS = {"drift": "drift.detected", "degraded": "performance.degraded"}


def record_window(tx: Transaction, command: RecordWindow) -> RecordedWindow:
    """Write the window's row. Only the live version's alarms are events: an older one's traffic is past."""
    for digest in (command.profile, command.scores):
        if digest is not None:
            require_held(tx.connection, tx.project, digest)
    found = {
        "outcomes": command.outcomes,
        "positives": command.positives,
        "profile": command.profile,
        "scores": command.scores,
        "drift": command.drift and command.drift.verdict,
        "performance": command.performance and command.performance.verdict,
    }
    known = {name: value for name, value in found.items() if value is not None}
    row = {"end": command.end, "predictions": command.predictions, **known}
    tx.connection.execute(
        insert(monitor_window)
        .values(project=tx.project, monitor=command.monitor, start=command.start, version=command.version, **row)
        .on_conflict_do_update(index_elements=["project", "monitor", "start", "version"], set_=row)
    )
    tx.emit(
        "window.judged",
        monitor=command.monitor,
        version=command.version,
        start=command.start,
        end=command.end,
        predictions=command.predictions,
        **known,
    )
    alarms = []
    for judgement in (command.drift, command.performance):
        if judgement is not None and judgement.verdict in _ALARMS and command.is_live:
            kind = _ALARMS[judgement.verdict]
            alarms.append(kind)
            tx.emit(
                kind,
                monitor=command.monitor,
                endpoint=command.endpoint,
                model=command.model,
                version=command.version,
                start=command.start,
                end=command.end,
                reason=judgement.reason,
                p_value=judgement.p_value,
                alpha=judgement.alpha,
            )
    return RecordedWindow(alarms=alarms)
