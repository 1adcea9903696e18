"""``promote``: give an alias to a version, if its recorded evidence and the policy allow it.

A refusal is a result, not an error: it is recorded, with every reason.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import select

from evergreen.core.errors import Conflict
from evergreen.core.message import Command, Permission
from evergreen.core.reference import checked_name
from evergreen.db.schema import evidence
from evergreen.deployment.endpoints import follow
from evergreen.governance.permissions import WORKER
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.configuration import applied, declared_model
from evergreen.lifecycle.record_evidence import gate_digest
from evergreen.policies.promotion import PromotionFacts, decide_promotion
from evergreen.versions.aliases import holder, move
from evergreen.versions.version import Kind, find_number

__all__ = ["Promote", "Promotion", "promote"]


class Promote(Command, frozen=True, kw_only=True):
    """Give ``name@alias`` to ``version`` if ``expected`` (None: nobody) holds it still.

    ``failures`` spells what failed in the evidence, for the record.
    """

    permission: ClassVar = Permission.RELEASE
    name: str
    version: int
    alias: str
    expected: int | None
    evidence_id: str | None = None
    failures: list[str] = []


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the alias moved, why or why not, and where the version is released now."""

    moved: bool
    reasons: list[str]
    version: int
    replaced: int | None
    endpoints: list[str] = []


def promote(tx: Transaction, command: Promote) -> Promotion:
    """Decide from rows alone, then move the alias and release, or record the refusal."""
    checked_name(command.alias, "alias")
    found = applied(tx.connection, tx.project)
    declared_model(found, command.name)
    candidate = find_number(tx.connection, tx.project, Kind.MODEL, command.name, command.version)
    held = holder(tx.connection, tx.project, command.name, command.alias)
    present = None if held is None else held.version
    if present != command.expected:
        raise Conflict(
            f"{command.name}@{command.alias} is held by version {present}, expected {command.expected}: it has moved",
            hint="measure the gate against the new holder, then promote again",
        )
    if present == command.version:
        reason = f"version {command.version} holds {command.name}@{command.alias} already"
        return Promotion(moved=False, reasons=[reason], version=command.version, replaced=present)
    gate = found.declaration.models[command.name].gate
    recorded = tx.connection.execute(
        select(evidence).where(
            evidence.c.project == tx.project,
            evidence.c.id == (command.evidence_id or ""),
            evidence.c.name == command.name,
            evidence.c.alias == command.alias,
            evidence.c.candidate == command.version,
            evidence.c.gate_digest == gate_digest(gate),
        )
    ).first()
    decision = decide_promotion(
        PromotionFacts(
            candidate=command.version,
            holder=present,
            held=held is not None and held.held,
            archived=candidate.archived,
            by_rule=tx.actor.partition(":")[0] == WORKER,
            has_gate=bool(gate),
            evidence_passed=None if recorded is None else recorded.passed,
            evidence_champion=None if recorded is None else recorded.champion,
            evidence_failures=tuple(command.failures),
        )
    )
    reasons = list(decision.reasons)
    if not decision.allowed:
        tx.emit(
            "promotion.refused",
            name=command.name,
            alias=command.alias,
            version=command.version,
            holder=present,
            reasons=reasons,
            evidence_id=command.evidence_id,
        )
        return Promotion(moved=False, reasons=reasons, version=command.version, replaced=present)
    moved = move(tx, command.name, command.alias, command.version, expected=command.expected, reason="; ".join(reasons))
    return Promotion(
        moved=True, reasons=reasons, version=command.version, replaced=present, endpoints=follow(tx, moved)
    )
