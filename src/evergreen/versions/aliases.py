"""Movable names for model versions, moved by compare-and-set, with the stack that a roll-back goes down."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from evergreen.core.errors import Conflict, NotFound
from evergreen.db.schema import alias as alias_table
from evergreen.db.schema import alias_move
from evergreen.journal.transaction import Transaction

__all__ = ["Holder", "holder", "holders", "move", "restore_previous", "set_held"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Which version holds an alias now. ``generation`` counts its moves; ``held`` keeps rules from moving it."""

    name: str
    alias: str
    version: int
    generation: int
    held: bool
    at: str


def holder(connection: Connection, project: str, name: str, alias: str) -> Holder | None:
    """Return the present holder of ``name@alias``, or None when nobody holds it."""
    row = connection.execute(
        select(alias_table).where(
            alias_table.c.project == project, alias_table.c.name == name, alias_table.c.alias == alias
        )
    ).first()
    return None if row is None else _holder(row)


def holders(connection: Connection, project: str, name: str) -> list[Holder]:
    """Return the holders of all aliases of ``name``."""
    query = select(alias_table).where(alias_table.c.project == project, alias_table.c.name == name)
    return [_holder(row) for row in connection.execute(query.order_by(alias_table.c.alias))]


def move(tx: Transaction, name: str, alias: str, version: int, *, expected: int | None, reason: str) -> Holder:
    """Give the alias to ``version`` if ``expected`` (a version, or None for nobody) holds it still.

    Raises:
        Conflict: somebody else moved it since.
    """
    before = holder(tx.connection, tx.project, name, alias)
    found = None if before is None else before.version
    if found != expected:
        raise Conflict(
            f"{name}@{alias} is held by {_spell(found)}, expected {_spell(expected)}: it was moved meanwhile",
            hint=f'look again with "evergreen models {name}", then decide anew',
            found=found,
            expected=expected,
        )
    previous = None if before is None else before.generation
    return _move(tx, name, alias, version, previous=previous, held=False, reason=reason, kind="alias.moved")


def restore_previous(tx: Transaction, name: str, alias: str, *, reason: str) -> tuple[Holder, Holder]:
    """Give the alias back to the holder before the present one, and hold it against rules.

    Return the holder before and after. A second call goes one holder further back.

    Raises:
        NotFound: nobody holds it, or nobody did before.
    """
    before = holder(tx.connection, tx.project, name, alias)
    if before is None:
        raise NotFound(f'model "{name}" has no alias "{alias}"', hint=f'run "evergreen models {name}"')
    moves = {
        row.generation: row
        for row in tx.connection.execute(
            select(alias_move).where(
                alias_move.c.project == tx.project, alias_move.c.name == name, alias_move.c.alias == alias
            )
        )
    }
    previous = moves[before.generation].previous
    if previous is None:
        raise NotFound(
            f"{name}@{alias} cannot be rolled back: {_spell(before.version)} is its first holder",
            hint=f'promote another version: "evergreen promote {name}@vN {alias}"',
        )
    target = moves[previous]
    after = _move(
        tx,
        name,
        alias,
        target.version,
        previous=target.previous,
        held=True,
        reason=reason,
        kind="alias.rolled_back",
    )
    return before, after


def set_held(tx: Transaction, name: str, alias: str, *, held: bool) -> Holder:
    """Hold the alias against rules, or let them move it again."""
    before = holder(tx.connection, tx.project, name, alias)
    if before is None:
        raise NotFound(f'model "{name}" has no alias "{alias}"', hint=f'run "evergreen models {name}"')
    tx.connection.execute(
        alias_table.update()
        .where(alias_table.c.project == tx.project, alias_table.c.name == name, alias_table.c.alias == alias)
        .values(held=held)
    )
    tx.emit("alias.held" if held else "alias.resumed", name=name, alias=alias)
    after = holder(tx.connection, tx.project, name, alias)
    return after or before


def _move(
    tx: Transaction, name: str, alias: str, version: int, *, previous: int | None, held: bool, reason: str, kind: str
) -> Holder:
    before = holder(tx.connection, tx.project, name, alias)
    generation = 1 if before is None else before.generation + 1
    row = {"version": version, "generation": generation, "held": held, "at": tx.at}
    if before is None:
        tx.connection.execute(alias_table.insert().values(project=tx.project, name=name, alias=alias, **row))
    else:
        tx.connection.execute(
            alias_table.update()
            .where(alias_table.c.project == tx.project, alias_table.c.name == name, alias_table.c.alias == alias)
            .values(**row)
        )
    tx.connection.execute(
        alias_move.insert().values(
            project=tx.project,
            name=name,
            alias=alias,
            generation=generation,
            version=version,
            previous=previous,
            reason=reason,
            actor=tx.actor,
            at=tx.at,
        )
    )
    tx.emit(
        kind,
        name=name,
        alias=alias,
        version=version,
        generation=generation,
        held=held,
        replaced=None if before is None else before.version,
        reason=reason,
    )
    return Holder(name=name, alias=alias, version=version, generation=generation, held=held, at=tx.at)


def _holder(row: object) -> Holder:
    fields = row._mapping  # type: ignore[attr-defined]  # a SQLAlchemy row
    return Holder(**{field: fields[field] for field in ("name", "alias", "version", "generation", "held", "at")})


def _spell(version: int | None) -> str:
    return "nobody" if version is None else f"version {version}"
