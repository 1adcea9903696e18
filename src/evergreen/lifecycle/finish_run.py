"""``finish_run``: how a run ended, with its metrics and, for a step, its result for the cache."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.core.message import Command, Permission
from evergreen.journal.transaction import Transaction
from evergreen.runs.cache import keep_output
from evergreen.runs.run import MetricPoint, State, finish

__all__ = ["FinishRun", "FinishedRun", "finish_run"]


class FinishRun(Command, frozen=True, kw_only=True):
    """End the run ``run_id``. ``output`` is a step's result as stored, kept under ``cache_key``."""

    permission: ClassVar = Permission.CONTRIBUTE
    run_id: str
    state: str
    metrics: list[MetricPoint] = []
    cpu_seconds: float | None = None
    cache_key: str | None = None
    output: str | None = None
    error: str | None = None


class FinishedRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run's id and how it ended."""

    run_id: str
    state: str


def finish_run(tx: Transaction, command: FinishRun) -> FinishedRun:
    """Write the end, and keep the result of a step that succeeded."""
    state = State(command.state)
    finish(
        tx,
        command.run_id,
        state,
        metrics=command.metrics,
        cpu_seconds=command.cpu_seconds,
        cache_key=command.cache_key,
        error=command.error,
    )
    if state is State.SUCCEEDED and command.cache_key is not None and command.output is not None:
        keep_output(tx, command.cache_key, command.run_id, command.output)
    return FinishedRun(run_id=command.run_id, state=state.value)
