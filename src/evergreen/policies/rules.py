"""Does a rule fire on an event? Each decision has its reason, refusals too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["RuleDecision", "RuleFacts", "decide_rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """What the decision rests on; times are business time."""

    now: datetime
    cooldown: timedelta
    last_fired: datetime | None
    """When a rule last set off the same verb for the same model: two rules share one cool-down."""
    is_held: bool
    is_busy: bool
    """Whether a job of the same kind for the same model is waiting or running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDecision:
    """Fire or not, and why."""

    fires: bool
    reason: str


def decide_rule(facts: RuleFacts) -> RuleDecision:
    """Decide whether the rule fires now."""
    if facts.is_held:
        return RuleDecision(fires=False, reason="the alias is held since a roll-back")
    if facts.is_busy:
        return RuleDecision(fires=False, reason="such a job is under way already")
    if facts.last_fired is not None and facts.now < facts.last_fired + facts.cooldown:
        days = facts.cooldown.total_seconds() / 86400
        return RuleDecision(
            fires=False, reason=f"it fired on {facts.last_fired:%Y-%m-%d}, less than {days:g} days ago (cool-down)"
        )
    return RuleDecision(fires=True, reason="the event happened and nothing stands against it")
