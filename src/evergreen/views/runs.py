"""Runs with their parameters and metrics, and the cached results of steps."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.errors import Invalid, NotFound
from evergreen.core.message import Limit, Permission, Query
from evergreen.db import schema as t
from evergreen.runs.cache import cached_output

__all__ = [
    "CachedStep",
    "FindCachedStep",
    "ListRuns",
    "RunView",
    "ShowRun",
    "find_cached_step",
    "list_runs",
    "show_run",
]


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run; its steps are filled in by ``ShowRun`` only."""

    id: str
    name: str
    state: str
    parent: str | None
    at: str
    started_at: str
    ended_at: str | None
    cpu_seconds: float | None
    cache_key: str | None
    error: str | None
    actor: str
    params: dict[str, Any] = {}  # JSON values
    metrics: dict[str, float] = {}
    """The last value of each metric."""
    used: list[tuple[str, str]] = []
    made: list[str] = []
    steps: list[RunView] = []


class ListRuns(Query, frozen=True, kw_only=True):
    """Ask for the newest runs that are no steps."""

    permission: ClassVar = Permission.READ
    limit: Limit = 50


class ShowRun(Query, frozen=True, kw_only=True):
    """Ask for one run with its steps; a prefix of its id will do if it is the only one."""

    permission: ClassVar = Permission.READ
    run_id: str


class FindCachedStep(Query, frozen=True, kw_only=True):
    """Ask whether a step with this key has a result."""

    permission: ClassVar = Permission.READ
    cache_key: str


class CachedStep(msgspec.Struct, frozen=True, kw_only=True):
    """The stored result, or None."""

    output: str | None


def list_runs(connection: Connection, project: str, query: ListRuns) -> list[RunView]:
    """Return runs, newest first."""
    rows = connection.execute(
        select(t.run)
        .where(t.run.c.project == project, t.run.c.parent.is_(None))
        .order_by(t.run.c.started_at.desc())
        .limit(min(query.limit, 10_000))
    ).all()
    return [_view(connection, row) for row in rows]


def show_run(connection: Connection, project: str, query: ShowRun) -> RunView:
    """Return a run with its steps."""
    if not query.run_id.isalnum():
        raise Invalid(f'"{query.run_id[:80]}" is no run id', hint='run "evergreen runs"')
    rows = connection.execute(
        select(t.run).where(t.run.c.project == project, t.run.c.id.startswith(query.run_id)).limit(2)
    ).all()
    if not rows:
        raise NotFound(f'project "{project}" has no run {query.run_id}', hint='run "evergreen runs"')
    if len(rows) > 1:
        raise Invalid(f'"{query.run_id}" begins several run ids', hint="write more of it")
    view = _view(connection, rows[0])
    steps = connection.execute(select(t.run).where(t.run.c.parent == view.id).order_by(t.run.c.started_at)).all()
    return msgspec.structs.replace(view, steps=[_view(connection, row) for row in steps])


def find_cached_step(connection: Connection, project: str, query: FindCachedStep) -> CachedStep:
    """Return the stored result of the step."""
    return CachedStep(output=cached_output(connection, project, query.cache_key))


def _view(connection: Connection, row: Any) -> RunView:  # a row of the run table
    params = connection.execute(
        select(t.run_param.c.name, t.run_param.c.value)
        .where(t.run_param.c.run_id == row.id)
        .order_by(t.run_param.c.name)
    )
    metrics = connection.execute(
        select(t.run_metric.c.name, t.run_metric.c.value)
        .where(t.run_metric.c.run_id == row.id)
        .order_by(t.run_metric.c.name, t.run_metric.c.step)
    )
    used = connection.execute(
        select(t.lineage.c.source, t.lineage.c.role)
        .where(t.lineage.c.project == row.project, t.lineage.c.target == f"run:{row.id}")
        .order_by(t.lineage.c.source)
    )
    made = connection.execute(
        select(t.version.c.kind, t.version.c.name, t.version.c.number).where(t.version.c.run_id == row.id)
    )
    return RunView(
        id=row.id,
        name=row.name,
        state=row.state,
        parent=row.parent,
        at=row.at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        cpu_seconds=row.cpu_seconds,
        cache_key=row.cache_key,
        error=row.error,
        actor=row.actor,
        params={one.name: msgspec.json.decode(one.value) for one in params},
        metrics={one.name: one.value for one in metrics},
        used=[(one.source, one.role) for one in used],
        made=[f"{one.kind}:{one.name}@v{one.number}" for one in made],
    )
