"""The worst group, even selection, and the groups that are too small to judge."""

from __future__ import annotations

import numpy as np
import pytest

from evergreen.core.errors import Invalid
from evergreen.measures.metrics import METRICS, accuracy, roc_auc
from evergreen.measures.slices import selection_rate_ratio, worst_slice

RANDOM = np.random.default_rng(3)
OUTCOME = RANDOM.integers(0, 2, 400)
GROUP = np.repeat(["east", "north", "south", "west"], 100)
# Informative everywhere but in the south.
PREDICTION = np.where(GROUP == "south", RANDOM.random(400), np.clip(OUTCOME * 0.5 + RANDOM.random(400) * 0.6, 0, 1))


def test_the_worst_slice_is_the_minimum_of_a_metric_where_higher_is_better() -> None:
    found = worst_slice(METRICS["roc_auc"], OUTCOME, PREDICTION, {"side": GROUP})

    south = GROUP == "south"
    assert (found.by, found.label, found.rows, found.judged) == ("side", "south", 100, 4)
    assert found.value == roc_auc(OUTCOME[south], PREDICTION[south])


def test_the_worst_slice_is_the_maximum_of_a_metric_where_lower_is_better() -> None:
    found = worst_slice(METRICS["log_loss"], OUTCOME, PREDICTION, {"side": GROUP})

    assert found.label == "south"


def test_every_grouping_is_searched() -> None:
    odd = np.where(np.arange(400) % 2 == 1, "odd", "even")
    found = worst_slice(METRICS["accuracy"], OUTCOME, PREDICTION, {"parity": odd, "side": GROUP})

    assert found.judged == 6
    assert found.value == min(
        accuracy(OUTCOME[rows], PREDICTION[rows])
        for rows in [*(odd == name for name in ("odd", "even")), *(name == GROUP for name in np.unique(GROUP))]
    )


def test_groups_below_the_minimum_are_skipped_and_counted() -> None:
    labels = np.where(np.arange(400) < 29, "tiny", "rest")

    found = worst_slice(METRICS["accuracy"], OUTCOME, PREDICTION, {"size": labels})

    assert (found.label, found.judged, found.skipped) == ("rest", 1, 1)


def test_no_group_with_enough_rows_gives_no_value() -> None:
    found = worst_slice(METRICS["roc_auc"], OUTCOME[:20], PREDICTION[:20], {"side": GROUP[:20]})

    assert found.value is None
    assert found.skipped == 1


def test_a_group_with_one_class_is_skipped_where_the_metric_needs_both() -> None:
    labels = np.where(OUTCOME == 1, "late", "early")

    assert worst_slice(METRICS["roc_auc"], OUTCOME, PREDICTION, {"late": labels}).value is None
    assert worst_slice(METRICS["brier"], OUTCOME, PREDICTION, {"late": labels}).value is not None


def test_labels_may_be_objects_with_nulls() -> None:
    labels = np.array([None, "x"] * 200, dtype=object)

    assert worst_slice(METRICS["brier"], OUTCOME, PREDICTION, {"mixed": labels}).judged == 2


def test_a_grouping_of_another_length_is_refused() -> None:
    with pytest.raises(Invalid, match='cannot group by "side"'):
        worst_slice(METRICS["brier"], OUTCOME, PREDICTION, {"side": GROUP[:10]})


def test_selection_rate_ratio_compares_lowest_with_highest() -> None:
    chosen = np.concatenate([np.ones(40), np.zeros(60), np.ones(80), np.zeros(20)])

    found = selection_rate_ratio(chosen, np.repeat(["a", "b"], 100))

    assert found.value == pytest.approx(0.5)
    assert (found.lowest, found.highest) == ("a", "b")


def test_selection_rate_ratio_of_one_group_has_no_value() -> None:
    assert selection_rate_ratio(np.ones(100), np.repeat(["a", "b"], [90, 10])).value is None


def test_selecting_nobody_treats_all_groups_alike() -> None:
    assert selection_rate_ratio(np.zeros(100), np.repeat(["a", "b"], 50)).value == 1.0
