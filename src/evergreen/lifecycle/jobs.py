"""Job rows: queued by commands, claimed by workers under a lease with a fencing token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from evergreen.core.canonical import canonical
from evergreen.core.ids import new_id
from evergreen.db.schema import job
from evergreen.journal.transaction import Transaction

__all__ = ["LEASE_S", "MOST_ATTEMPTS", "is_busy", "queue"]

LEASE_S = 10.0
MOST_ATTEMPTS = 5


def queue(tx: Transaction, kind: str, lane: str, request: Mapping[str, Any]) -> str:  # JSON values
    """Queue a job and return its id. Jobs of one lane run one at a time, oldest first."""
    job_id = new_id()
    tx.connection.execute(
        job.insert().values(
            id=job_id,
            project=tx.project,
            kind=kind,
            lane=lane,
            request=canonical(request).decode(),
            state="waiting",
            at=tx.at,
            fence=0,
            attempts=0,
            recorded_at=tx.recorded_at,
        )
    )
    tx.emit("job.queued", id=job_id, job=kind, lane=lane, request=dict(request))
    return job_id


def is_busy(tx: Transaction, lane: str) -> bool:
    """Say whether a job of the lane is waiting or running."""
    query = select(job.c.id).where(
        job.c.project == tx.project, job.c.lane == lane, job.c.state.in_(("waiting", "running"))
    )
    return tx.connection.execute(query.limit(1)).first() is not None
