from dataclasses import replace

import pytest

from evergreen.policies.promotion import PromotionFacts, decide_promotion, gate_passes

ALLOWED = PromotionFacts(
    candidate=2,
    holder=1,
    held=False,
    archived=False,
    by_rule=False,
    has_gate=True,
    evidence_passed=True,
    evidence_champion=1,
)


def test_a_version_that_passed_against_the_holder_is_promoted() -> None:
    decision = decide_promotion(ALLOWED)

    assert decision.allowed
    assert decision.reasons == ("version 2 passed its gate against version 1",)


def test_the_first_version_passes_against_nobody() -> None:
    decision = decide_promotion(replace(ALLOWED, holder=None, evidence_champion=None))

    assert decision.allowed
    assert decision.reasons == ("version 2 passed its gate",)


def test_without_a_gate_no_evidence_is_needed() -> None:
    decision = decide_promotion(replace(ALLOWED, has_gate=False, evidence_passed=None, evidence_champion=None))

    assert decision.allowed
    assert decision.reasons == ("version 2 has no gate",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"archived": True}, "the version is archived"),
        ({"evidence_passed": None}, "its gate has not been measured"),
        ({"evidence_champion": 7}, "its gate was measured against version 7, the holder is version 1"),
        ({"evidence_champion": None}, "its gate was measured against nobody, the holder is version 1"),
        ({"evidence_passed": False}, "its gate failed"),
        ({"evidence_passed": False, "evidence_failures": ("auc is 0.4",)}, "auc is 0.4"),
    ],
)
def test_a_promotion_is_refused_with_its_reason(change: dict[str, object], reason: str) -> None:
    decision = decide_promotion(replace(ALLOWED, **change))  # type: ignore[arg-type]  # fields by name

    assert not decision.allowed
    assert decision.reasons == (reason,)


def test_a_held_alias_moves_for_a_person_and_not_for_a_rule() -> None:
    held = replace(ALLOWED, held=True)

    assert decide_promotion(held).allowed
    assert not decide_promotion(replace(held, by_rule=True)).allowed


def test_all_reasons_are_given() -> None:
    decision = decide_promotion(replace(ALLOWED, archived=True, held=True, by_rule=True, evidence_passed=None))

    assert len(decision.reasons) == 3


@pytest.mark.parametrize(
    ("verdicts", "passes"),
    [
        ([], True),
        (["pass", "not applicable"], True),
        (["pass", "fail"], False),
        (["inconclusive"], False),
        (["error"], False),
        (["passed"], False),
    ],
)
def test_a_gate_passes_only_where_nothing_stands_against_it(verdicts: list[str], passes: bool) -> None:
    assert gate_passes(verdicts) is passes
