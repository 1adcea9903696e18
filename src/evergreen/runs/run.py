"""A run is one execution. A pipeline's run has its steps' runs as children.

Parameters and metrics are rows for now; a run's end is written once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from evergreen.core.canonical import canonical
from evergreen.core.errors import Conflict, Invalid, NotFound, nearest
from evergreen.db.schema import lineage, run, run_metric, run_param
from evergreen.journal.transaction import Transaction

__all__ = ["MetricPoint", "State", "finish", "read_state", "start"]


class State(enum.Enum):
    """Where a run stands. ``cached`` ended without running: an earlier result was taken."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CACHED = "cached"


def read_state(text: str) -> State:
    """Return the state of that name.

    Raises:
        Invalid: there is none.
    """
    try:
        return State(text)
    except ValueError:
        raise Invalid(f'"{text}" is no state of a run', hint=nearest(text, [one.value for one in State])) from None


class MetricPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a metric at a step (0 where there are no steps)."""

    name: str
    value: float
    step: int = 0


def start(
    tx: Transaction,
    run_id: str,
    name: str,
    *,
    parent: str | None,
    params: Mapping[str, Any],  # JSON values
    used: Sequence[tuple[str, str]],
    started_at: str | None = None,
) -> None:
    """Write that a run began; ``used`` are lineage nodes with their roles. It began now, if not told when."""
    if tx.connection.execute(select(run.c.id).where(run.c.id == run_id)).first() is not None:
        raise Conflict(f"run {run_id} was started already", hint="give each run an id of its own")
    tx.connection.execute(
        run.insert().values(
            id=run_id,
            project=tx.project,
            parent=parent,
            name=name,
            state=State.RUNNING.value,
            actor=tx.actor,
            at=tx.at,
            started_at=started_at or tx.recorded_at,
        )
    )
    if params:
        tx.connection.execute(
            run_param.insert(),
            [{"run_id": run_id, "name": key, "value": canonical(value).decode()} for key, value in params.items()],
        )
    for node, role in sorted(set(used)):
        tx.connection.execute(
            lineage.insert().values(project=tx.project, source=node, target=f"run:{run_id}", role=role)
        )
    tx.emit("run.started", id=run_id, name=name, parent=parent)


def finish(
    tx: Transaction,
    run_id: str,
    state: State,
    *,
    metrics: Sequence[MetricPoint],
    cpu_seconds: float | None,
    cache_key: str | None,
    error: str | None,
) -> None:
    """Write how a run ended.

    Raises:
        NotFound: no such run in this project.
        Conflict: it has ended already.
        Invalid: ``state`` is no end.
    """
    if state is State.RUNNING:
        raise Invalid(f'run {run_id} cannot end as "running"', hint="use succeeded, failed or cached")
    found = tx.connection.execute(select(run.c.state).where(run.c.id == run_id, run.c.project == tx.project)).scalar()
    if found is None:
        raise NotFound(f'project "{tx.project}" has no run {run_id}', hint='run "evergreen runs"')
    if found != State.RUNNING.value:
        raise Conflict(f"run {run_id} has ended already: {found}")
    tx.connection.execute(
        run.update()
        .where(run.c.id == run_id)
        .values(state=state.value, ended_at=tx.recorded_at, cpu_seconds=cpu_seconds, cache_key=cache_key, error=error)
    )
    if metrics:
        latest = {(point.name, point.step): point.value for point in metrics}
        tx.connection.execute(
            run_metric.insert(),
            [{"run_id": run_id, "name": name, "step": step, "value": value} for (name, step), value in latest.items()],
        )
    tx.emit("run.ended", id=run_id, state=state.value)
