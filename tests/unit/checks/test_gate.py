import numpy as np
import pytest

from evergreen.checks.gate import Scored, measure_gate, metrics_of

TASK = "binary-classification"
OUTCOME = np.tile([0.0, 1.0], 100)
GOOD = np.where(OUTCOME == 1, 0.9, 0.1)
BAD = np.full(200, 0.5)
PAGE = np.repeat(["home", "sale"], 100)


def _scored(candidate: np.ndarray = GOOD, champion: np.ndarray | None = BAD) -> Scored:
    return Scored(outcome=OUTCOME, candidate=candidate, champion=champion, groups={"page": PAGE})


def test_a_better_candidate_passes_and_the_margin_says_by_how_much() -> None:
    [check] = measure_gate(["roc_auc >= champion.roc_auc + 0.1"], _scored(), TASK)

    assert check.verdict == "pass"
    assert check.measured == {"roc_auc": 1.0, "champion.roc_auc": 0.5}
    assert check.margin == pytest.approx(0.4)


def test_a_worse_candidate_fails() -> None:
    [check] = measure_gate(["log_loss <= champion.log_loss"], _scored(candidate=BAD, champion=GOOD), TASK)

    assert check.verdict == "fail"
    assert check.margin is not None
    assert check.margin < 0


def test_without_a_champion_a_comparison_does_not_apply_and_absolute_ones_bind() -> None:
    compared, absolute = measure_gate(
        ["roc_auc >= champion.roc_auc", "roc_auc >= 0.9"], _scored(candidate=BAD, champion=None), TASK
    )

    assert compared.verdict == "not applicable"
    assert compared.reason == "nobody holds the alias yet, so there is no champion"
    assert absolute.verdict == "fail"


def test_without_rows_nothing_is_concluded_but_the_number_of_rows_is_known() -> None:
    empty = np.empty(0)
    scored = Scored(outcome=empty, candidate=empty, champion=None, groups={})

    metric, rows = measure_gate(["roc_auc >= 0.5", "rows >= 100"], scored, TASK)

    assert metric.verdict == "inconclusive"
    assert rows.verdict == "fail"


def test_with_one_class_only_the_area_is_not_defined() -> None:
    scored = Scored(outcome=np.ones(50), candidate=np.full(50, 0.9), champion=None, groups={})

    [check] = measure_gate(["roc_auc >= 0.5"], scored, TASK)

    assert check.verdict == "inconclusive"
    assert "roc_auc" not in metrics_of(scored.outcome, scored.candidate, TASK)


def test_the_worst_slice_is_measured_and_not_the_whole() -> None:
    mixed = np.where(PAGE == "home", GOOD, 1 - GOOD)

    [check] = measure_gate(["worst_slice(roc_auc, by=['page']) >= 0.5"], _scored(candidate=mixed), TASK)

    assert check.verdict == "fail"
    assert list(check.measured.values()) == [0.0]


def test_a_slice_by_what_the_model_does_not_take_is_inconclusive() -> None:
    [check] = measure_gate(["worst_slice(roc_auc, by=['carrier']) >= 0.5"], _scored(), TASK)

    assert check.verdict == "inconclusive"
    assert "no input 'carrier'" in (check.reason or "")


def test_slices_that_are_too_small_are_inconclusive() -> None:
    scored = Scored(outcome=OUTCOME, candidate=GOOD, champion=None, groups={"page": np.arange(200).astype(str)})

    [check] = measure_gate(["worst_slice(roc_auc, by=['page']) >= 0.5"], scored, TASK)

    assert check.verdict == "inconclusive"


def test_how_evenly_groups_are_selected_is_measured() -> None:
    one_sided = np.where(PAGE == "home", 0.9, 0.1)

    [check] = measure_gate(["selection_rate_ratio(by='page') >= 0.8"], _scored(candidate=one_sided), TASK)

    assert check.verdict == "fail"
