"""``renew_job``: a worker says that it is still at its job. Sent under the job's fence."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import msgspec

from evergreen.core.clock import isoformat, moment
from evergreen.core.errors import NotFound
from evergreen.core.message import Command, Permission
from evergreen.db.schema import job
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.jobs import LEASE_S

__all__ = ["RenewJob", "RenewedLease", "renew_job"]


class RenewJob(Command, frozen=True, kw_only=True):
    """Lengthen the lease of the job."""

    permission: ClassVar = Permission.WORK
    job_id: str


class RenewedLease(msgspec.Struct, frozen=True, kw_only=True):
    """Until when the lease holds, by the machine's clock."""

    lease_until: str


def renew_job(tx: Transaction, command: RenewJob) -> RenewedLease:
    """Write the new end of the lease."""
    lease_until = isoformat(moment(tx.recorded_at) + timedelta(seconds=LEASE_S))
    renewed = tx.connection.execute(
        job.update()
        .where(job.c.id == command.job_id, job.c.project == tx.project, job.c.state == "running")
        .values(lease_until=lease_until)
    )
    if renewed.rowcount != 1:
        raise NotFound(f"no job {command.job_id} is running")
    return RenewedLease(lease_until=lease_until)
