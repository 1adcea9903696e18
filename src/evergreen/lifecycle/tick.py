"""``tick``: the project's business clock moves on, and monitors look at the windows that this closed.

A pure step: the same ticks on the same data give the same jobs on any machine.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec
from sqlalchemy import select

from evergreen.core.clock import duration, isoformat, moment
from evergreen.core.declaration import MonitorSection
from evergreen.core.errors import Invalid
from evergreen.core.message import Command, Permission
from evergreen.db.schema import job, project
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.configuration import applied_or_none
from evergreen.lifecycle.jobs import queue

__all__ = ["Tick", "Ticked", "tick"]


class Tick(Command, frozen=True, kw_only=True):
    """Set the business clock to ``now`` (ISO 8601 with a zone). It never goes back; the same moment again is fine."""

    permission: ClassVar = Permission.MAINTAIN
    now: str


class Ticked(msgspec.Struct, frozen=True, kw_only=True):
    """The business time, and the jobs that were queued for it."""

    now: str
    jobs: list[str]


def tick(tx: Transaction, command: Tick) -> Ticked:
    """Move the clock and queue a look for each monitor that has a window to judge."""
    now = moment(command.now)
    before = tx.connection.execute(select(project.c.now).where(project.c.name == tx.project)).scalar()
    if before is not None and now < moment(before):
        raise Invalid(f"the clock of {tx.project} is at {before}, it cannot go back to {isoformat(now)}")
    tx.at = isoformat(now)
    tx.connection.execute(
        project.update().where(project.c.name == tx.project).values(now=tx.at, ticked_at=tx.recorded_at)
    )
    found = applied_or_none(tx.connection, tx.project)
    jobs = []
    for name, monitor in (found.declaration.monitors if found else {}).items():
        if before is None or _windows_closed(monitor, moment(before)) != _windows_closed(monitor, now):
            lane = f"watch:{name}"
            if not _is_waiting(tx, lane):
                jobs.append(queue(tx, "watch", lane, {"monitor": name}))
    return Ticked(now=tx.at, jobs=jobs)


def _windows_closed(monitor: MonitorSection, now: datetime) -> tuple[int, int]:
    """Return how many windows since the epoch are closed, and how many have all their outcomes."""
    window = duration(monitor.window)
    late = timedelta(0) if monitor.outcomes is None else duration(monitor.outcomes.within)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (now - epoch) // window, (now - late - epoch) // window


def _is_waiting(tx: Transaction, lane: str) -> bool:
    """Say whether a look is queued that has not begun; it works at its own ``at``, so it is moved to this one."""
    waiting = tx.connection.execute(
        select(job.c.id).where(job.c.project == tx.project, job.c.lane == lane, job.c.state == "waiting")
    ).scalar()
    if waiting is None:
        return False
    tx.connection.execute(job.update().where(job.c.id == waiting).values(at=tx.at))
    return True
