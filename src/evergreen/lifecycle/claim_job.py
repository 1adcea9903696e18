"""``claim_job``: a worker takes the oldest job whose lane is free, under a lease with a new fencing token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import msgspec
from sqlalchemy import func, select

from evergreen.core.clock import isoformat, moment
from evergreen.core.message import Command, Fence, Permission
from evergreen.db.schema import job
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.jobs import LEASE_S, MOST_ATTEMPTS

__all__ = ["ClaimJob", "ClaimedJob", "claim_job"]


class ClaimJob(Command, frozen=True, kw_only=True):
    """Take the next job of the project, if there is one. A running job whose lease lapsed counts as waiting."""

    permission: ClassVar = Permission.WORK


class ClaimedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job and the claim on it; ``fence`` is None when there is nothing to do."""

    fence: Fence | None = None
    kind: str = ""
    request: dict[str, Any] = {}  # JSON values
    at: str = ""
    attempt: int = 0


def claim_job(tx: Transaction, command: ClaimJob) -> ClaimedJob:
    """Give out the oldest job that can run now."""
    is_live = (job.c.state == "running") & (job.c.lease_until > tx.recorded_at)
    busy = select(job.c.lane).where(job.c.project == tx.project, is_live)
    oldest = (
        select(func.min(job.c.id))
        .where(job.c.project == tx.project, job.c.state.in_(("waiting", "running")))
        .group_by(job.c.lane)
    )
    row = tx.connection.execute(
        select(job).where(job.c.id.in_(oldest), job.c.lane.not_in(busy)).order_by(job.c.id).limit(1)
    ).first()
    if row is None:
        return ClaimedJob()
    if row.attempts >= MOST_ATTEMPTS:
        error = f"its worker died {row.attempts} times"
        tx.connection.execute(
            job.update()
            .where(job.c.id == row.id)
            .values(state="failed", result=msgspec.json.encode({"error": error}).decode(), finished_at=tx.recorded_at)
        )
        tx.emit("job.ended", id=row.id, state="failed", error=error)
        return claim_job(tx, command)
    lease_until = isoformat(moment(tx.recorded_at) + timedelta(seconds=LEASE_S))
    tx.connection.execute(
        job.update()
        .where(job.c.id == row.id)
        .values(state="running", fence=row.fence + 1, attempts=row.attempts + 1, lease_until=lease_until)
    )
    return ClaimedJob(
        fence=Fence(job_id=row.id, token=row.fence + 1),
        kind=row.kind,
        request=msgspec.json.decode(row.request),
        at=row.at,
        attempt=row.attempts + 1,
    )
