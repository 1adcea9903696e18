"""``record_step``: a step of a running pipeline has ended; its run and, for the cache, its result, in one commit."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from evergreen.core.clock import isoformat, moment
from evergreen.core.message import Command, Permission
from evergreen.journal.transaction import Transaction
from evergreen.runs.cache import keep_output
from evergreen.runs.run import MetricPoint, State, finish, read_state, start

__all__ = ["RecordStep", "RecordedStep", "record_step"]


class RecordStep(Command, frozen=True, kw_only=True):
    """Record the run of a step below ``parent``. ``output`` is its stored result, kept under ``cache_key``."""

    permission: ClassVar = Permission.CONTRIBUTE
    run_id: str
    parent: str
    name: str
    state: str
    started_at: str
    params: dict[str, Any] = {}  # JSON values
    cache_key: str | None = None
    output: str | None = None
    metrics: list[MetricPoint] = []
    cpu_seconds: float | None = None
    error: str | None = None


class RecordedStep(msgspec.Struct, frozen=True, kw_only=True):
    """The run's id."""

    run_id: str


def record_step(tx: Transaction, command: RecordStep) -> RecordedStep:
    """Write the run with its end, and keep the result of one that succeeded."""
    state = read_state(command.state)
    start(
        tx,
        command.run_id,
        command.name,
        parent=command.parent,
        params=command.params,
        used=(),
        started_at=isoformat(moment(command.started_at)),
    )
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
    return RecordedStep(run_id=command.run_id)
