"""Versions and who holds which alias."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.digest import Digest
from evergreen.core.errors import Invalid, nearest
from evergreen.core.message import Limit, Permission, Query
from evergreen.core.reference import Reference
from evergreen.db import schema as t
from evergreen.versions.aliases import holder, holders
from evergreen.versions.version import Kind, Version, find, newest

__all__ = [
    "AliasHolder",
    "FindVersion",
    "ListVersions",
    "NewestVersion",
    "ShowHolder",
    "VersionView",
    "find_version",
    "list_versions",
    "newest_version",
    "show_holder",
]


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version as seen from outside; ``number`` 0 stands for none."""

    kind: str = ""
    name: str = ""
    number: int = 0
    manifest: Digest = Digest("")
    usable: bool = True
    archived: bool = False
    run_id: str | None = None
    actor: str = ""
    at: str = ""
    aliases: list[str] = []
    sources: list[tuple[str, str]] = []
    """What it was made from: lineage nodes with their roles."""


class FindVersion(Query, frozen=True, kw_only=True):
    """Ask for the version that a reference such as ``delay@production`` names."""

    permission: ClassVar = Permission.READ
    kind: str
    reference: str


class NewestVersion(Query, frozen=True, kw_only=True):
    """Ask for the newest usable version of a name; there may be none."""

    permission: ClassVar = Permission.READ
    kind: str
    name: str


class ListVersions(Query, frozen=True, kw_only=True):
    """Ask for all versions of a kind, or of one name, newest first."""

    permission: ClassVar = Permission.READ
    kind: str
    name: str | None = None
    limit: Limit = 1000


class ShowHolder(Query, frozen=True, kw_only=True):
    """Ask which version holds an alias."""

    permission: ClassVar = Permission.READ
    name: str
    alias: str


class AliasHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of an alias; ``version`` is None when nobody holds it."""

    version: int | None = None
    generation: int = 0
    held: bool = False


def find_version(connection: Connection, project: str, query: FindVersion) -> VersionView:
    """Return the version, or raise ``NotFound`` with near matches."""
    return _view(connection, project, find(connection, project, _kind(query.kind), Reference.parse(query.reference)))


def newest_version(connection: Connection, project: str, query: NewestVersion) -> VersionView:
    """Return the newest usable version, or number 0."""
    top = newest(connection, project, _kind(query.kind), query.name, usable_only=True)
    return VersionView() if top is None else _view(connection, project, top)


def list_versions(connection: Connection, project: str, query: ListVersions) -> list[VersionView]:
    """Return versions, newest first."""
    kind = _kind(query.kind)
    chosen = select(t.version).where(t.version.c.project == project, t.version.c.kind == kind.value)
    if query.name is not None:
        find(connection, project, kind, Reference(name=query.name))
        chosen = chosen.where(t.version.c.name == query.name)
    rows = connection.execute(
        chosen.order_by(t.version.c.name, t.version.c.number.desc()).limit(min(query.limit, 10_000))
    ).all()
    return [
        VersionView(
            kind=row.kind,
            name=row.name,
            number=row.number,
            manifest=row.manifest,
            usable=row.usable,
            archived=row.archived,
            run_id=row.run_id,
            actor=row.actor,
            at=row.at,
            aliases=_aliases(connection, project, kind, row.name, row.number),
        )
        for row in rows
    ]


def show_holder(connection: Connection, project: str, query: ShowHolder) -> AliasHolder:
    """Return the holder of the alias."""
    held = holder(connection, project, query.name, query.alias)
    if held is None:
        return AliasHolder()
    return AliasHolder(version=held.version, generation=held.generation, held=held.held)


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise Invalid(f'"{text}" is no kind of version', hint=nearest(text, [kind.value for kind in Kind])) from None


def _aliases(connection: Connection, project: str, kind: Kind, name: str, number: int) -> list[str]:
    if kind is not Kind.MODEL:
        return []
    return [held.alias for held in holders(connection, project, name) if held.version == number]


def _view(connection: Connection, project: str, version: Version) -> VersionView:
    sources = connection.execute(
        select(t.lineage.c.source, t.lineage.c.role)
        .where(t.lineage.c.project == project, t.lineage.c.target == version.node)
        .order_by(t.lineage.c.source)
    ).all()
    return VersionView(
        kind=version.kind.value,
        name=version.name,
        number=version.number,
        manifest=version.manifest,
        usable=version.usable,
        archived=version.archived,
        run_id=version.run_id,
        actor=version.actor,
        at=version.at,
        aliases=_aliases(connection, project, version.kind, version.name, version.number),
        sources=[(row.source, row.role) for row in sources],
    )
