"""The configuration that holds: what was applied last."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.declaration import Declaration
from evergreen.core.digest import Digest
from evergreen.core.errors import NotFound, nearest
from evergreen.core.reference import Reference
from evergreen.db.schema import configuration

__all__ = ["Applied", "applied", "applied_or_none", "declared_model", "serving_aliases"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """An applied configuration and the code version that was applied with it."""

    number: int
    digest: Digest
    declaration: Declaration
    code_version: int
    at: str


def applied_or_none(connection: Connection, project: str) -> Applied | None:
    """Return the configuration that holds, or None before the first apply."""
    row = connection.execute(
        select(configuration).where(configuration.c.project == project).order_by(configuration.c.number.desc()).limit(1)
    ).first()
    if row is None:
        return None
    return Applied(
        number=row.number,
        digest=row.digest,
        declaration=msgspec.json.decode(row.document, type=Declaration),
        code_version=row.code_version,
        at=row.at,
    )


def applied(connection: Connection, project: str) -> Applied:
    """Return the configuration that holds.

    Raises:
        NotFound: nothing was applied yet.
    """
    found = applied_or_none(connection, project)
    if found is None:
        raise NotFound(f'nothing was applied to project "{project}" yet', hint='run "evergreen apply"')
    return found


def declared_model(found: Applied, name: str) -> None:
    """Raise ``NotFound`` unless the configuration declares the model."""
    if name not in found.declaration.models:
        raise NotFound(f'evergreen.toml declares no model "{name}"', hint=nearest(name, found.declaration.models))


def serving_aliases(declaration: Declaration, model: str) -> list[str]:
    """Return the aliases of ``model`` that endpoints follow, without repeats."""
    references = [Reference.parse(endpoint.model) for endpoint in declaration.endpoints.values()]
    return sorted({reference.alias for reference in references if reference.name == model and reference.alias})
