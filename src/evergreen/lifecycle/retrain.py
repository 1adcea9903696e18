"""``retrain``: queue a job that trains a new version, measures its gate and promotes it if that passes."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from evergreen.core.message import Command, Permission
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.configuration import applied, declared_model
from evergreen.lifecycle.jobs import queue
from evergreen.lifecycle.rules import retrain_lane

__all__ = ["QueuedJob", "Retrain", "retrain"]


class Retrain(Command, frozen=True, kw_only=True):
    """Retrain ``model`` on the applied code; ``params`` are parameters of its pipeline."""

    permission: ClassVar = Permission.RELEASE
    model: str
    params: dict[str, Any] = {}  # JSON values
    reason: str = "asked for"


class QueuedJob(msgspec.Struct, frozen=True, kw_only=True):
    """The job's id."""

    job_id: str


def retrain(tx: Transaction, command: Retrain) -> QueuedJob:
    """Queue the job in the model's lane."""
    declared_model(applied(tx.connection, tx.project), command.model)
    request = {"model": command.model, "params": command.params, "reason": command.reason}
    return QueuedJob(job_id=queue(tx, "retrain", retrain_lane(command.model), request))
