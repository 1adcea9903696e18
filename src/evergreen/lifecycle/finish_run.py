"""``finish_run``: how a run ended, with its metrics."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.core.message import Command, Permission
from evergreen.journal.transaction import Transaction
from evergreen.runs.run import MetricPoint, finish, read_state

__all__ = ["FinishRun", "FinishedRun", "finish_run"]


class FinishRun(Command, frozen=True, kw_only=True):
    """End the run ``run_id``."""

    permission: ClassVar = Permission.CONTRIBUTE
    run_id: str
    state: str
    metrics: list[MetricPoint] = []
    cpu_seconds: float | None = None
    error: str | None = None


class FinishedRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run's id and how it ended."""

    run_id: str
    state: str


def finish_run(tx: Transaction, command: FinishRun) -> FinishedRun:
    """Write the end."""
    state = read_state(command.state)
    finish(
        tx,
        command.run_id,
        state,
        metrics=command.metrics,
        cpu_seconds=command.cpu_seconds,
        cache_key=None,
        error=command.error,
    )
    return FinishedRun(run_id=command.run_id, state=state.value)
