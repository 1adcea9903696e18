"""``record_evidence``: what a gate measured of a candidate, bound to the champion and the gate it was measured for."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import select

from evergreen.core.canonical import canonical_digest
from evergreen.core.digest import Digest
from evergreen.core.errors import Conflict
from evergreen.core.message import Command, Permission
from evergreen.db.schema import evidence
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.configuration import applied, declared_model
from evergreen.policies.promotion import gate_passes
from evergreen.versions.held import require_held
from evergreen.versions.version import Kind, find_number

__all__ = ["RecordEvidence", "RecordedEvidence", "gate_digest", "record_evidence"]


class RecordEvidence(Command, frozen=True, kw_only=True):
    """Record the verdicts of the applied gate's statements, in its order; ``report`` has what was measured."""

    permission: ClassVar = Permission.CONTRIBUTE
    evidence_id: str
    name: str
    alias: str
    candidate: int
    champion: int | None
    gate: list[str]
    verdicts: list[str]
    report: Digest


class RecordedEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence's id, and whether the gate passes by it."""

    evidence_id: str
    passed: bool


def gate_digest(gate: list[str]) -> Digest:
    """Name a gate, so that evidence for an older one is not taken for the present one."""
    return canonical_digest(gate)


def record_evidence(tx: Transaction, command: RecordEvidence) -> RecordedEvidence:
    """Write the evidence; whether it passes is decided here, not by whoever measured."""
    declared_model(applied(tx.connection, tx.project), command.name)
    find_number(tx.connection, tx.project, Kind.MODEL, command.name, command.candidate)
    require_held(tx.connection, tx.project, command.report)
    known = (evidence.c.project == tx.project) & (evidence.c.id == command.evidence_id)
    if tx.connection.execute(select(evidence.c.id).where(known)).first() is not None:
        raise Conflict(f"evidence {command.evidence_id} was recorded already", hint="give it an id of its own")
    passed = len(command.verdicts) == len(command.gate) and gate_passes(command.verdicts)
    tx.connection.execute(
        evidence.insert().values(
            project=tx.project,
            id=command.evidence_id,
            name=command.name,
            alias=command.alias,
            candidate=command.candidate,
            champion=command.champion,
            gate_digest=gate_digest(command.gate),
            passed=passed,
            report=command.report,
            at=tx.at,
        )
    )
    tx.emit(
        "gate.measured",
        id=command.evidence_id,
        name=command.name,
        alias=command.alias,
        candidate=command.candidate,
        champion=command.champion,
        passed=passed,
        verdicts=command.verdicts,
        report=command.report,
    )
    return RecordedEvidence(evidence_id=command.evidence_id, passed=passed)
