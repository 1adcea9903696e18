"""What is applied to a project, and how another declaration would differ."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.declaration import Declaration
from evergreen.core.digest import Digest
from evergreen.core.message import Permission, Query
from evergreen.db.schema import configuration, project, version

__all__ = ["AppliedConfiguration", "ShowConfiguration", "differences", "show_configuration"]


class ShowConfiguration(Query, frozen=True, kw_only=True):
    """Ask for the configuration that holds."""

    permission: ClassVar = Permission.READ


class AppliedConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration that holds; ``number`` is 0 and the rest empty before the first apply."""

    number: int = 0
    declaration: Declaration | None = None
    code_version: int = 0
    code: Digest | None = None
    now: str | None = None
    """The project's business clock, None where nobody set it."""


def show_configuration(connection: Connection, project_name: str, query: ShowConfiguration) -> AppliedConfiguration:  # noqa: ARG001
    """Return the newest configuration."""
    now = connection.execute(select(project.c.now).where(project.c.name == project_name)).scalar()
    row = connection.execute(
        select(configuration)
        .where(configuration.c.project == project_name)
        .order_by(configuration.c.number.desc())
        .limit(1)
    ).first()
    if row is None:
        return AppliedConfiguration(now=now)
    code = connection.execute(
        select(version.c.manifest).where(
            version.c.project == project_name, version.c.kind == "code", version.c.number == row.code_version
        )
    ).scalar_one()
    return AppliedConfiguration(
        number=row.number,
        declaration=msgspec.json.decode(row.document, type=Declaration),
        code_version=row.code_version,
        code=Digest(code),
        now=now,
    )


def differences(before: Declaration | None, after: Declaration) -> list[str]:
    """Return one line per value that ``after`` would add (+), change (~) or remove (-)."""
    old = {} if before is None else dict(_leaves(msgspec.to_builtins(before), ""))
    new = dict(_leaves(msgspec.to_builtins(after), ""))
    lines = []
    for path in sorted(old.keys() | new.keys()):
        if path not in old:
            lines.append(f"+ {path} = {_spell(new[path])}")
        elif path not in new:
            lines.append(f"- {path} = {_spell(old[path])}")
        elif old[path] != new[path]:
            lines.append(f"~ {path} = {_spell(old[path])} -> {_spell(new[path])}")
    return lines


def _leaves(value: Any, path: str) -> list[tuple[str, object]]:  # builtins
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{path}.{key}" if path else key)]
    if isinstance(value, list) and value:
        return [leaf for number, item in enumerate(value) for leaf in _leaves(item, f"{path}[{number}]")]
    return [] if value is None or value in ({}, []) else [(path, value)]


def _spell(value: object) -> str:
    return msgspec.json.encode(value).decode()
