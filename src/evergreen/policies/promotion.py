"""May this version take this alias? Decided from recorded evidence alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Decision", "PromotionFacts", "decide_promotion", "gate_passes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Yes, or no with every reason."""

    allowed: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFacts:
    """What the decision rests on. ``evidence`` is about this candidate and this gate, or None."""

    candidate: int
    holder: int | None
    held: bool
    archived: bool
    by_rule: bool
    has_gate: bool
    evidence_passed: bool | None
    evidence_champion: int | None
    evidence_failures: tuple[str, ...] = ()


def gate_passes(verdicts: Sequence[str]) -> bool:
    """Say whether a gate passes: nothing failed, erred or was inconclusive. Not-applicable statements do not bind."""
    return all(verdict in ("pass", "not applicable") for verdict in verdicts)


def decide_promotion(facts: PromotionFacts) -> Decision:
    """Decide on one promotion; all reasons against it are given, not the first only."""
    against = []
    if facts.archived:
        against.append("the version is archived")
    if facts.held and facts.by_rule:
        against.append('the alias is held since a roll-back; "evergreen resume" lets rules move it again')
    if facts.has_gate:
        if facts.evidence_passed is None:
            against.append("its gate has not been measured")
        elif facts.evidence_champion != facts.holder:
            against.append(
                f"its gate was measured against {_spell(facts.evidence_champion)}, the holder is {_spell(facts.holder)}"
            )
        elif not facts.evidence_passed:
            against.extend(facts.evidence_failures or ("its gate failed",))
    if against:
        return Decision(allowed=False, reasons=tuple(against))
    passed = "passed its gate" if facts.has_gate else "has no gate"
    against_whom = "" if facts.holder is None or not facts.has_gate else f" against version {facts.holder}"
    return Decision(allowed=True, reasons=(f"version {facts.candidate} {passed}{against_whom}",))


def _spell(version: int | None) -> str:
    return "nobody" if version is None else f"version {version}"
