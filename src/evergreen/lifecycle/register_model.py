"""``register_model``: a trained model becomes the next version, with its code, environment and lineage."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import select

from evergreen.core.clock import moment
from evergreen.core.digest import Digest
from evergreen.core.message import Command, Permission
from evergreen.core.reference import checked_name
from evergreen.db.schema import alias_move, version
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.configuration import applied_or_none
from evergreen.policies.archiving import versions_to_archive
from evergreen.versions.aliases import holders
from evergreen.versions.version import Kind, Source, register, register_once

__all__ = ["RegisterModel", "RegisteredModel", "register_model"]


class RegisterModel(Command, frozen=True, kw_only=True):
    """Register ``manifest``; ``code`` and ``environment`` are manifests, ``sources`` further lineage with roles."""

    permission: ClassVar = Permission.CONTRIBUTE
    name: str
    manifest: Digest
    run_id: str
    code: Digest
    environment: Digest
    sources: list[tuple[str, str]] = []


class RegisteredModel(msgspec.Struct, frozen=True, kw_only=True):
    """The version's number, and which older versions were archived for it."""

    number: int
    archived: list[int]


def register_model(tx: Transaction, command: RegisterModel) -> RegisteredModel:
    """Register the version, then archive by the model's ``keep``."""
    checked_name(command.name, "model")
    sources = [Source(node=node, role=role) for node, role in command.sources]
    sources.append(Source(node=f"run:{command.run_id}", role="made by"))
    for kind, digest in ((Kind.CODE, command.code), (Kind.ENVIRONMENT, command.environment)):
        sources.append(Source(node=register_once(tx, kind, tx.project, digest).node, role=kind.value))
    made = register(tx, Kind.MODEL, command.name, command.manifest, run_id=command.run_id, sources=sources)
    return RegisteredModel(number=made.number, archived=_archive(tx, command.name, made.number))


def _archive(tx: Transaction, name: str, newest: int) -> list[int]:
    found = applied_or_none(tx.connection, tx.project)
    if found is None or name not in found.declaration.models:
        return []
    keep = found.declaration.models[name].keep
    of_model = (version.c.project == tx.project) & (version.c.kind == Kind.MODEL.value) & (version.c.name == name)
    rows = tx.connection.execute(select(version.c.number, version.c.at).where(of_model, ~version.c.archived)).all()
    numbers = versions_to_archive(
        [(row.number, moment(row.at)) for row in rows],
        now=moment(tx.at),
        keep_versions=keep.versions,
        keep_days=keep.days,
        needed={newest, *_needed(tx, name)},
    )
    for number in numbers:
        tx.connection.execute(version.update().where(of_model, version.c.number == number).values(archived=True))
        tx.emit("version.archived", kind=Kind.MODEL.value, name=name, number=number)
    return numbers


def _needed(tx: Transaction, name: str) -> set[int]:
    """Return holders of aliases and the versions that one roll-back would return to."""
    needed = set()
    for held in holders(tx.connection, tx.project, name):
        needed.add(held.version)
        moves = {
            row.generation: row
            for row in tx.connection.execute(
                select(alias_move).where(
                    alias_move.c.project == tx.project, alias_move.c.name == name, alias_move.c.alias == held.alias
                )
            )
        }
        previous = moves[held.generation].previous
        if previous is not None:
            needed.add(moves[previous].version)
    return needed
