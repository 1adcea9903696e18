"""``apply``: make the declared lifecycle the one that holds, with a snapshot of the code."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.checks.data import data_vocabulary
from evergreen.checks.gate import gate_vocabulary
from evergreen.core.canonical import canonical
from evergreen.core.declaration import Declaration
from evergreen.core.declaration_file import FILE, TASKS, broken, meaning_faults
from evergreen.core.digest import Digest
from evergreen.core.errors import Invalid
from evergreen.core.message import Command, Permission
from evergreen.core.vocabulary import check_text
from evergreen.db.schema import configuration
from evergreen.deployment.endpoints import declare_endpoints
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.configuration import applied_or_none
from evergreen.versions.version import Kind, register_once

__all__ = ["Apply", "ApplyResult", "apply", "expression_faults"]


class Apply(Command, frozen=True, kw_only=True):
    """Make ``declaration`` hold. ``code`` is the digest of the code manifest; its object must be held."""

    permission: ClassVar = Permission.MAINTAIN
    declaration: Declaration
    code: Digest


class ApplyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The number of the configuration that holds now, and whether it is a new one."""

    number: int
    code_version: int
    changed: bool


def apply(tx: Transaction, command: Apply) -> ApplyResult:
    """Write the configuration; the same one again changes nothing."""
    declaration = command.declaration
    if declaration.project.name != tx.project:
        raise Invalid(f'the configuration is for project "{declaration.project.name}", not "{tx.project}"')
    faults = [*meaning_faults(declaration), *expression_faults(declaration)]
    if faults:
        raise broken(FILE, faults)
    code = register_once(tx, Kind.CODE, tx.project, command.code)
    before = applied_or_none(tx.connection, tx.project)
    digest = declaration.digest
    if before is not None and before.digest == digest and before.code_version == code.number:
        return ApplyResult(number=before.number, code_version=code.number, changed=False)
    number = 1 if before is None else before.number + 1
    tx.connection.execute(
        configuration.insert().values(
            project=tx.project,
            number=number,
            digest=digest,
            document=canonical(declaration).decode(),
            code_version=code.number,
            at=tx.at,
        )
    )
    declare_endpoints(tx, declaration.endpoints)
    tx.emit("configuration.applied", number=number, digest=digest, code_version=code.number)
    return ApplyResult(number=number, code_version=code.number, changed=True)


def expression_faults(declaration: Declaration) -> list[str]:
    """Return the faults of all gates and checks, each with its path in the file."""
    faults = []
    for name, model in declaration.models.items():
        if model.task not in TASKS:
            continue  # a fault of its own; which words its gate may use is unknown then
        vocabulary = gate_vocabulary(model.task)
        for number, text in enumerate(model.gate):
            faults += [f"$.models.{name}.gate[{number}]: {fault}" for fault in check_text(text, vocabulary)]
    for name, dataset in declaration.datasets.items():
        for number, text in enumerate(dataset.checks):
            faults += [f"$.datasets.{name}.checks[{number}]: {fault}" for fault in check_text(text, data_vocabulary())]
    return faults
