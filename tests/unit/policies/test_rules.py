from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evergreen.policies.rules import RuleFacts, decide_rule

NOW = datetime(2024, 3, 10, tzinfo=UTC)
CLEAR = RuleFacts(now=NOW, cooldown=timedelta(days=3), last_fired=None, is_held=False, is_busy=False)


def test_a_rule_fires_where_nothing_stands_against_it() -> None:
    assert decide_rule(CLEAR).fires


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_held": True}, "held since a roll-back"),
        ({"is_busy": True}, "under way already"),
        ({"last_fired": NOW - timedelta(days=3, seconds=-1)}, "less than 3 days ago"),
        ({"last_fired": NOW}, "fired on 2024-03-10"),
    ],
)
def test_a_rule_is_skipped_with_its_reason(change: dict[str, object], words: str) -> None:
    decision = decide_rule(replace(CLEAR, **change))  # type: ignore[arg-type]  # fields by name

    assert not decision.fires
    assert words in decision.reason


def test_a_rule_fires_again_when_its_cool_down_is_over() -> None:
    assert decide_rule(replace(CLEAR, last_fired=NOW - timedelta(days=3))).fires
