"""Why is this model live? The present release of an endpoint, and everything that led to it."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.digest import Digest
from evergreen.core.errors import NotFound
from evergreen.core.message import Permission, Query
from evergreen.core.reference import Reference
from evergreen.db import schema as t
from evergreen.deployment.endpoints import endpoint_row
from evergreen.versions.aliases import holder
from evergreen.versions.version import Kind, find
from evergreen.views.versions import FindVersion, VersionView, find_version

__all__ = ["ShowWhy", "Why", "show_why"]


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """The live version with what made it, what set that off, and what it was measured by.

    ``report`` is the gate's report object, ``trigger`` the rule's decision (None where a person asked).
    """

    endpoint: str
    model: str
    alias: str
    since: str
    reason: str
    actor: str
    generation: int
    held: bool
    version: VersionView
    replaced: int | None
    report: Digest | None
    trigger: dict[str, Any] | None  # JSON values
    alarm: dict[str, Any] | None  # JSON values
    releases: int


class ShowWhy(Query, frozen=True, kw_only=True):
    """Ask why the endpoint's version is live."""

    permission: ClassVar = Permission.READ
    endpoint: str


def show_why(connection: Connection, project: str, query: ShowWhy) -> Why:
    """Return the story of the present release.

    Raises:
        NotFound: no such endpoint, or nothing is released there.
    """
    row = endpoint_row(connection, project, query.endpoint)
    held = holder(connection, project, row.model, row.alias)
    if held is None:
        raise NotFound(
            f'endpoint "{query.endpoint}" has no release: nobody holds {row.model}@{row.alias}',
            hint=f'run "evergreen run {row.model}", then "evergreen promote {row.model} {row.alias}"',
        )
    moves = {
        one.generation: one
        for one in connection.execute(
            select(t.alias_move).where(
                t.alias_move.c.project == project, t.alias_move.c.name == row.model, t.alias_move.c.alias == row.alias
            )
        )
    }
    move = moves[held.generation]
    version = find(connection, project, Kind.MODEL, Reference(name=row.model, number=held.version))
    view = find_version(connection, project, FindVersion(kind="model", reference=str(version)))
    evidence = connection.execute(
        select(t.evidence)
        .where(
            t.evidence.c.project == project,
            t.evidence.c.name == row.model,
            t.evidence.c.candidate == held.version,
            t.evidence.c.alias == row.alias,
            t.evidence.c.passed,
        )
        .order_by(t.evidence.c.at.desc())
        .limit(1)
    ).first()
    trigger, alarm = _trigger(connection, project, view)
    before = moves.get(held.generation - 1)
    return Why(
        endpoint=query.endpoint,
        model=row.model,
        alias=row.alias,
        since=held.at,
        reason=move.reason,
        actor=move.actor,
        generation=held.generation,
        held=held.held,
        version=view,
        replaced=None if before is None else before.version,
        report=None if evidence is None else evidence.report,
        trigger=trigger,
        alarm=alarm,
        releases=len(moves),
    )


def _trigger(
    connection: Connection, project: str, version: VersionView
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:  # JSON values
    """Return the firing that set off the job which trained the version, and the alarm that the rule answered."""
    job_id = next((node.removeprefix("job:") for node, role in version.sources if role == "trained by"), None)
    if job_id is None:
        return None, None
    events = connection.execute(
        select(t.event.c.payload)
        .where(t.event.c.project == project, t.event.c.kind == "rule.fired")
        .order_by(t.event.c.number.desc())
    ).scalars()
    fired = next((one for one in map(msgspec.json.decode, events) if one.get("job_id") == job_id), None)
    request = connection.execute(select(t.job.c.request).where(t.job.c.id == job_id)).scalar()
    return fired, None if request is None else msgspec.json.decode(request)
