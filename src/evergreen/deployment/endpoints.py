"""Endpoints follow an alias: when it moves, the version that it names is released there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, select

from evergreen.core.canonical import canonical
from evergreen.core.declaration import EndpointSection, Outputs
from evergreen.core.errors import Invalid, NotFound, nearest
from evergreen.core.reference import Reference
from evergreen.db.schema import endpoint, release
from evergreen.journal.transaction import Transaction
from evergreen.versions.aliases import Holder, holder

__all__ = ["EndpointRow", "declare_endpoints", "endpoint_row", "follow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """Where an endpoint takes its version from, and the bounds of its answers."""

    name: str
    model: str
    alias: str
    outputs: Outputs


def declare_endpoints(tx: Transaction, sections: Mapping[str, EndpointSection]) -> None:
    """Make the endpoints those of ``sections``; each releases what its alias names at once.

    Raises:
        Invalid: an endpoint that has answered would follow another alias. Its releases count that alias' moves.
    """
    before = {
        row.name: f"{row.model}@{row.alias}"
        for row in tx.connection.execute(
            select(endpoint)
            .join(release, (release.c.project == endpoint.c.project) & (release.c.endpoint == endpoint.c.name))
            .where(endpoint.c.project == tx.project)
        )
    }
    for name, section in sections.items():
        if section.model != before.get(name, section.model):
            raise Invalid(
                f'endpoint "{name}" follows {before[name]}; that it follows {section.model} from now on is not '
                "available in this version",
                hint=f"declare another endpoint for {section.model}",
            )
    tx.connection.execute(delete(endpoint).where(endpoint.c.project == tx.project))
    for name, section in sections.items():
        reference = Reference.parse(section.model)
        tx.connection.execute(
            endpoint.insert().values(
                project=tx.project,
                name=name,
                model=reference.name,
                alias=reference.alias,
                outputs=canonical(section.outputs).decode(),
            )
        )
        held = holder(tx.connection, tx.project, reference.name, reference.alias or "")
        if held is not None:
            _release(tx, name, held)


def follow(tx: Transaction, moved: Holder) -> list[str]:
    """Release the alias' new holder at each endpoint that follows it; return those endpoints."""
    names = list(
        tx.connection.execute(
            select(endpoint.c.name).where(
                endpoint.c.project == tx.project, endpoint.c.model == moved.name, endpoint.c.alias == moved.alias
            )
        ).scalars()
    )
    for name in names:
        _release(tx, name, moved)
    return names


def endpoint_row(connection: Connection, project: str, name: str) -> EndpointRow:
    """Return the endpoint called ``name``.

    Raises:
        NotFound: nothing of that name was applied.
    """
    rows = {row.name: row for row in connection.execute(select(endpoint).where(endpoint.c.project == project))}
    if name not in rows:
        raise NotFound(
            f'project "{project}" has no endpoint "{name}"',
            hint=nearest(name, rows) or 'declare it in evergreen.toml, then run "evergreen apply"',
        )
    row = rows[name]
    return EndpointRow(
        name=name, model=row.model, alias=row.alias, outputs=msgspec.json.decode(row.outputs, type=Outputs)
    )


def _release(tx: Transaction, name: str, held: Holder) -> None:
    there = tx.connection.execute(
        select(release.c.version).where(
            release.c.project == tx.project, release.c.endpoint == name, release.c.generation == held.generation
        )
    ).first()
    if there is not None:
        return
    tx.connection.execute(
        release.insert().values(
            project=tx.project, endpoint=name, generation=held.generation, version=held.version, at=tx.at
        )
    )
    tx.emit("endpoint.released", endpoint=name, model=held.name, version=held.version, generation=held.generation)
