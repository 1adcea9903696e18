"""How a project stands: what is live, what is waiting, when the loop last turned."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import Connection, func, select

from evergreen.core.message import Permission, Query
from evergreen.db import schema as t
from evergreen.versions.aliases import holders

__all__ = ["EndpointStatus", "MonitorStatus", "ProjectStatus", "ShowStatus", "show_status"]


class EndpointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What answers at an endpoint since when; version None before the first release."""

    name: str
    reference: str
    version: int | None
    since: str | None
    held: bool
    predictions: int
    outcomes: int


class MonitorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The last window that a monitor judged, and its last verdicts."""

    name: str
    windows: int
    last_window: str | None
    drift: str | None
    performance: str | None


class ProjectStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The whole project at a glance. ``last_tick`` is the machine's time of the last tick, None if nobody ticks."""

    project: str
    now: str | None
    last_tick: str | None
    configuration: int
    datasets: dict[str, int]
    """Newest version of each."""
    models: dict[str, int]
    endpoints: list[EndpointStatus]
    monitors: list[MonitorStatus]
    waiting_jobs: int
    running_jobs: int
    failed_jobs: int
    events: int


class ShowStatus(Query, frozen=True, kw_only=True):
    """Ask how the project stands."""

    permission: ClassVar = Permission.READ


def show_status(connection: Connection, project: str, query: ShowStatus) -> ProjectStatus:  # noqa: ARG001 - no options
    """Return the status."""
    clock = connection.execute(select(t.project.c.now, t.project.c.ticked_at).where(t.project.c.name == project)).one()
    number = connection.execute(
        select(func.max(t.configuration.c.number)).where(t.configuration.c.project == project)
    ).scalar()
    states = select(t.job.c.state, func.count().label("jobs")).where(t.job.c.project == project)
    jobs: dict[str, int] = {row.state: row.jobs for row in connection.execute(states.group_by(t.job.c.state))}
    return ProjectStatus(
        project=project,
        now=clock.now,
        last_tick=clock.ticked_at,
        configuration=number or 0,
        datasets=_newest(connection, project, "dataset"),
        models=_newest(connection, project, "model"),
        endpoints=_endpoints(connection, project),
        monitors=_monitors(connection, project),
        waiting_jobs=jobs.get("waiting", 0),
        running_jobs=jobs.get("running", 0),
        failed_jobs=jobs.get("failed", 0),
        events=connection.execute(select(t.journal_head.c.size)).scalar_one(),
    )


def _newest(connection: Connection, project: str, kind: str) -> dict[str, int]:
    rows = connection.execute(
        select(t.version.c.name, func.max(t.version.c.number).label("newest"))
        .where(t.version.c.project == project, t.version.c.kind == kind)
        .group_by(t.version.c.name)
    )
    return {row.name: row.newest for row in rows}


def _endpoints(connection: Connection, project: str) -> list[EndpointStatus]:
    found = []
    for row in connection.execute(select(t.endpoint).where(t.endpoint.c.project == project)).all():
        live = connection.execute(
            select(t.release)
            .where(t.release.c.project == project, t.release.c.endpoint == row.name)
            .order_by(t.release.c.generation.desc())
            .limit(1)
        ).first()
        held = any(held.held for held in holders(connection, project, row.model) if held.alias == row.alias)
        predictions = connection.execute(
            select(func.sum(t.prediction_batch.c.rows)).where(
                t.prediction_batch.c.project == project, t.prediction_batch.c.endpoint == row.name
            )
        ).scalar()
        outcomes = connection.execute(
            select(func.count()).where(t.outcome.c.project == project, t.outcome.c.endpoint == row.name)
        ).scalar_one()
        found.append(
            EndpointStatus(
                name=row.name,
                reference=f"{row.model}@{row.alias}",
                version=None if live is None else live.version,
                since=None if live is None else live.at,
                held=held,
                predictions=predictions or 0,
                outcomes=outcomes,
            )
        )
    return found


def _monitors(connection: Connection, project: str) -> list[MonitorStatus]:
    table = t.monitor_window
    names = connection.execute(select(table.c.monitor).where(table.c.project == project).distinct()).scalars().all()
    found = []
    for name in names:
        rows = connection.execute(
            select(table).where(table.c.project == project, table.c.monitor == name).order_by(table.c.start)
        ).all()
        found.append(
            MonitorStatus(
                name=name,
                windows=len(rows),
                last_window=rows[-1].start,
                drift=next((row.drift for row in reversed(rows) if row.drift), None),
                performance=next((row.performance for row in reversed(rows) if row.performance), None),
            )
        )
    return found
