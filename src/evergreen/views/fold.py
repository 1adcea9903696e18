"""The journal against the tables: what the events alone say must be what the tables say.

The listed set: versions, aliases with their moves, releases, evidence, final states of runs and jobs, rules' decisions
and configurations. Not leases, volume (metrics, predictions, outcomes) or results of jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.digest import digest_of
from evergreen.db import schema as t
from evergreen.views.timeline import EventView

__all__ = ["Facts", "differences", "facts_of_events", "facts_of_tables"]

Facts = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]  # subject -> key -> values, as the columns have them
_SUBJECTS = ("version", "alias", "alias_move", "release", "evidence", "run", "job", "firing", "configuration")
_OPEN = "open"  # a job or run that has not ended: who works at it is a lease's matter


def differences(connection: Connection, project: str) -> list[str]:
    """Return one line for each fact on which the tables and the events of ``project`` do not agree."""
    query = select(t.event).where(t.event.c.project == project).order_by(t.event.c.number)
    told = facts_of_events(
        EventView(
            number=row.number,
            at=row.at,
            recorded_at=row.recorded_at,
            kind=row.kind,
            actor=row.actor,
            payload=msgspec.json.decode(row.payload),
        )
        for row in connection.execute(query)
    )
    found = facts_of_tables(connection, project)
    lines = []
    for subject in _SUBJECTS:
        for key in sorted(told[subject].keys() | found[subject].keys(), key=repr):
            by_events, by_table = told[subject].get(key), found[subject].get(key)
            if by_events != by_table:
                name = " ".join(map(str, key))
                lines.append(f"{subject} {name}: the events say {_spell(by_events)}, the table {_spell(by_table)}")
    return lines


def facts_of_events(events: Iterable[EventView]) -> Facts:
    """Return what the events, in their order, come to."""
    facts: Facts = {subject: {} for subject in _SUBJECTS}
    for event in events:
        _apply(facts, event, event.payload)
    return facts


def _apply(facts: Facts, event: EventView, told: Mapping[str, Any]) -> None:  # JSON values
    match event.kind:
        case "version.registered":
            values = (told["manifest"], told["usable"], told["run_id"], event.actor, event.at, False)
            facts["version"][told["kind"], told["name"], told["number"]] = values
        case "version.archived":
            version = (told["kind"], told["name"], told["number"])
            facts["version"][version] = (*facts["version"].get(version, ())[:-1], True)
        case "alias.moved" | "alias.rolled_back":
            alias = (told["name"], told["alias"])
            facts["alias"][alias] = (told["version"], told["generation"], told["held"], event.at)
            facts["alias_move"][*alias, told["generation"]] = (told["version"], told["reason"], event.actor, event.at)
        case "alias.held" | "alias.resumed":
            alias = (told["name"], told["alias"])
            number, generation, _, at = facts["alias"].get(alias, (None, None, None, None))
            facts["alias"][alias] = (number, generation, event.kind == "alias.held", at)
        case "endpoint.released":
            facts["release"][told["endpoint"], told["generation"]] = (told["version"], event.at)
        case "gate.measured":
            names = ("name", "alias", "candidate", "champion", "passed", "report")
            facts["evidence"][told["id"],] = (*(told[name] for name in names), event.at)
        case "run.started":
            facts["run"][told["id"],] = (told["name"], told["parent"], event.actor, event.at, _OPEN)
        case "run.ended":
            facts["run"][told["id"],] = (*facts["run"].get((told["id"],), ())[:-1], told["state"])
        case "job.queued":
            facts["job"][told["id"],] = (told["job"], told["lane"], told["request"], _OPEN)
        case "job.ended":
            facts["job"][told["id"],] = (*facts["job"].get((told["id"],), ())[:-1], told["state"])
        case "rule.fired" | "rule.skipped":
            fired, target = event.kind == "rule.fired", f"{told['do']}:{told['model']}"
            facts["firing"][told["cause"], told["rule"]] = (fired, told["reason"], told["job_id"], target, event.at)
        case "configuration.applied":
            facts["configuration"][told["number"],] = (told["digest"], told["code_version"], event.at)


def facts_of_tables(connection: Connection, project: str) -> Facts:
    """Return the same facts as the tables have them."""

    def rows(table: Any) -> Any:  # SQLAlchemy tables and rows are untyped
        return connection.execute(select(table).where(table.c.project == project)).all()

    return {
        "version": {
            (row.kind, row.name, row.number): (row.manifest, row.usable, row.run_id, row.actor, row.at, row.archived)
            for row in rows(t.version)
        },
        "alias": {(row.name, row.alias): (row.version, row.generation, row.held, row.at) for row in rows(t.alias)},
        "alias_move": {
            (row.name, row.alias, row.generation): (row.version, row.reason, row.actor, row.at)
            for row in rows(t.alias_move)
        },
        "release": {(row.endpoint, row.generation): (row.version, row.at) for row in rows(t.release)},
        "evidence": {
            (row.id,): (row.name, row.alias, row.candidate, row.champion, row.passed, row.report, row.at)
            for row in rows(t.evidence)
        },
        "run": {
            (row.id,): (row.name, row.parent, row.actor, row.at, _OPEN if row.state == "running" else row.state)
            for row in rows(t.run)
        },
        "job": {
            (row.id,): (
                row.kind,
                row.lane,
                msgspec.json.decode(row.request),
                _OPEN if row.state in ("waiting", "running") else row.state,
            )
            for row in rows(t.job)
        },
        "firing": {
            (row.cause, row.rule): (row.fired, row.reason, row.job_id, row.target, row.at) for row in rows(t.firing)
        },
        "configuration": {  # the digest of the document itself: an edit of it shows
            (row.number,): (digest_of(row.document.encode()), row.code_version, row.at) for row in rows(t.configuration)
        },
    }


def _spell(values: tuple[Any, ...] | None) -> str:
    return "nothing" if values is None else ", ".join(str(value)[:60] for value in values)
