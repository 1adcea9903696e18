"""``finish_job``: a worker says how its job ended. Sent under the job's fence, so a late zombie changes nothing."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from evergreen.core.canonical import canonical
from evergreen.core.errors import NotFound
from evergreen.core.message import Command, Permission
from evergreen.db.schema import job
from evergreen.journal.transaction import Transaction

__all__ = ["FinishJob", "FinishedJob", "finish_job"]


class FinishJob(Command, frozen=True, kw_only=True):
    """Write the job's result, or its error."""

    permission: ClassVar = Permission.WORK
    job_id: str
    result: dict[str, Any] = {}  # JSON values
    error: str | None = None


class FinishedJob(msgspec.Struct, frozen=True, kw_only=True):
    """The state it ended in."""

    state: str


def finish_job(tx: Transaction, command: FinishJob) -> FinishedJob:
    """End a running job."""
    state = "succeeded" if command.error is None else "failed"
    result = command.result if command.error is None else {"error": command.error}
    done = tx.connection.execute(
        job.update()
        .where(job.c.id == command.job_id, job.c.project == tx.project, job.c.state == "running")
        .values(state=state, result=canonical(result).decode(), finished_at=tx.recorded_at, lease_until=None)
    )
    if done.rowcount != 1:
        raise NotFound(f"no job {command.job_id} is running")
    tx.emit("job.ended", id=command.job_id, state=state, error=command.error)
    return FinishedJob(state=state)
