"""Immutable, named, numbered things: one table for datasets, code, environments, models and reports."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from evergreen.core.digest import Digest
from evergreen.core.errors import NotFound, nearest
from evergreen.core.reference import Reference
from evergreen.db.schema import alias as alias_table
from evergreen.db.schema import lineage, version
from evergreen.journal.transaction import Transaction
from evergreen.versions.held import require_held

__all__ = ["Kind", "Source", "Version", "find", "find_number", "newest", "register", "register_once"]


class Kind(enum.Enum):
    """What a version is of."""

    DATASET = "dataset"
    CODE = "code"
    ENVIRONMENT = "environment"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version's row. ``manifest`` names the object that describes it."""

    kind: Kind
    name: str
    number: int
    manifest: Digest
    usable: bool
    archived: bool
    run_id: str | None
    actor: str
    at: str

    def __str__(self) -> str:
        return f"{self.name}@v{self.number}"

    @property
    def node(self) -> str:
        """Its name in lineage: ``model:delay@v3``."""
        return f"{self.kind.value}:{self.name}@v{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that a version was made from: a lineage node and what it was used as."""

    node: str
    role: str


def register(
    tx: Transaction,
    kind: Kind,
    name: str,
    manifest: Digest,
    *,
    usable: bool = True,
    run_id: str | None = None,
    sources: Sequence[Source] = (),
) -> Version:
    """Give ``manifest`` the next number of ``name``, with its lineage."""
    require_held(tx.connection, tx.project, manifest)
    highest = tx.connection.execute(
        select(func.max(version.c.number)).where(
            version.c.project == tx.project, version.c.kind == kind.value, version.c.name == name
        )
    ).scalar()
    made = Version(
        kind=kind,
        name=name,
        number=(highest or 0) + 1,
        manifest=manifest,
        usable=usable,
        archived=False,
        run_id=run_id,
        actor=tx.actor,
        at=tx.at,
    )
    tx.connection.execute(
        version.insert().values(
            project=tx.project,
            kind=kind.value,
            name=name,
            number=made.number,
            manifest=manifest,
            usable=usable,
            archived=False,
            run_id=run_id,
            actor=tx.actor,
            at=tx.at,
            recorded_at=tx.recorded_at,
        )
    )
    for source in {(source.node, source.role) for source in sources}:
        tx.connection.execute(
            lineage.insert().values(project=tx.project, source=source[0], target=made.node, role=source[1])
        )
    tx.emit(
        "version.registered",
        kind=kind.value,
        name=name,
        number=made.number,
        manifest=manifest,
        usable=usable,
        run_id=run_id,
    )
    return made


def register_once(tx: Transaction, kind: Kind, name: str, manifest: Digest) -> Version:
    """Return the newest version of ``name`` if it is made of ``manifest``, else register that."""
    top = newest(tx.connection, tx.project, kind, name)
    return top if top is not None and top.manifest == manifest else register(tx, kind, name, manifest)


def newest(connection: Connection, project: str, kind: Kind, name: str, *, usable_only: bool = False) -> Version | None:
    """Return the version with the highest number, if there is one."""
    query = (
        select(version)
        .where(version.c.project == project, version.c.kind == kind.value, version.c.name == name)
        .order_by(version.c.number.desc())
        .limit(1)
    )
    if usable_only:
        query = query.where(version.c.usable)
    row = connection.execute(query).first()
    return None if row is None else _version(row._mapping)


def find_number(connection: Connection, project: str, kind: Kind, name: str, number: int) -> Version:
    """Return version ``number`` of ``name``.

    Raises:
        NotFound: there is none; the hint names what there is.
    """
    row = connection.execute(
        select(version).where(
            version.c.project == project,
            version.c.kind == kind.value,
            version.c.name == name,
            version.c.number == number,
        )
    ).first()
    if row is None:
        top = newest(connection, project, kind, name)
        if top is None:
            raise _no_such_name(connection, project, kind, name)
        raise NotFound(f'{kind.value} "{name}" has no version {number}', hint=f"its versions are 1 to {top.number}")
    return _version(row._mapping)


def find(connection: Connection, project: str, kind: Kind, reference: Reference) -> Version:
    """Return the version that ``reference`` names; without alias or number, the newest.

    Raises:
        NotFound: the name, number or alias does not exist; the hint has near matches.
    """
    if reference.number is not None:
        return find_number(connection, project, kind, reference.name, reference.number)
    if reference.alias is None:
        top = newest(connection, project, kind, reference.name)
        if top is None:
            raise _no_such_name(connection, project, kind, reference.name)
        return top
    rows = connection.execute(
        select(alias_table.c.alias, alias_table.c.version).where(
            alias_table.c.project == project, alias_table.c.name == reference.name
        )
    ).all()
    for row in rows:
        if row.alias == reference.alias:
            return find_number(connection, project, kind, reference.name, row.version)
    if newest(connection, project, kind, reference.name) is None:
        raise _no_such_name(connection, project, kind, reference.name)
    raise NotFound(
        f'{kind.value} "{reference.name}" has no alias "{reference.alias}"',
        hint=nearest(reference.alias, [row.alias for row in rows])
        or f'no alias is set yet: run "evergreen promote {reference.name} {reference.alias}"',
    )


def _no_such_name(connection: Connection, project: str, kind: Kind, name: str) -> NotFound:
    names = connection.execute(
        select(version.c.name).where(version.c.project == project, version.c.kind == kind.value).distinct()
    ).scalars()
    return NotFound(f'project "{project}" has no {kind.value} "{name}"', hint=nearest(name, names))


def _version(row: object) -> Version:
    fields = dict(row)  # type: ignore[call-overload]  # a SQLAlchemy row mapping
    return Version(
        kind=Kind(fields["kind"]),
        name=fields["name"],
        number=fields["number"],
        manifest=Digest(fields["manifest"]),
        usable=fields["usable"],
        archived=fields["archived"],
        run_id=fields["run_id"],
        actor=fields["actor"],
        at=fields["at"],
    )
