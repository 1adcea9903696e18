"""Metrics against scikit-learn, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as peer

from evergreen.core.errors import Invalid, NotFound
from evergreen.measures.metrics import (
    METRICS,
    Metric,
    Task,
    accuracy,
    brier,
    calibration_error,
    find_metric,
    log_loss,
    mae,
    rmse,
    roc_auc,
)

# Both sides sum the same float64 terms in another order, so they agree to rounding: n * 2**-53 at most.
ROUNDING = 1e-12

Floats = NDArray[np.float64]


@pytest.fixture(name="rows")
def _rows() -> tuple[Floats, Floats]:
    random = np.random.default_rng(1)
    probability = random.beta(2, 5, 5000).round(2)  # rounded, so that there are ties
    outcome = (random.random(5000) < probability).astype(np.float64)
    return outcome, probability


def test_roc_auc_with_ties_agrees_with_scikit_learn(rows: tuple[Floats, Floats]) -> None:
    assert roc_auc(*rows) == pytest.approx(peer.roc_auc_score(*rows), rel=ROUNDING)


def test_log_loss_agrees_with_scikit_learn_inside_the_clip(rows: tuple[Floats, Floats]) -> None:
    outcome, probability = rows
    inside = np.clip(probability, 0.001, 0.999)

    assert log_loss(outcome, inside) == pytest.approx(peer.log_loss(outcome, inside), rel=ROUNDING)


def test_log_loss_of_a_wrong_certainty_is_finite() -> None:
    assert log_loss([1, 0], [0.0, 0.0]) == pytest.approx(np.log(1e6) / 2, rel=1e-5)


def test_brier_and_accuracy_agree_with_scikit_learn(rows: tuple[Floats, Floats]) -> None:
    outcome, probability = rows

    assert brier(*rows) == pytest.approx(peer.brier_score_loss(*rows), rel=ROUNDING)
    assert accuracy(*rows) == pytest.approx(peer.accuracy_score(outcome, probability >= 0.5), rel=ROUNDING)


def test_mae_and_rmse_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(2)
    outcome, prediction = random.normal(size=1000), random.normal(size=1000)

    assert mae(outcome, prediction) == pytest.approx(peer.mean_absolute_error(outcome, prediction), rel=ROUNDING)
    assert rmse(outcome, prediction) == pytest.approx(peer.root_mean_squared_error(outcome, prediction), rel=ROUNDING)


def test_calibration_error_agrees_with_a_loop_over_the_bins(rows: tuple[Floats, Floats]) -> None:
    outcome, probability = rows
    expected = 0.0
    for low in range(10):
        inside = (probability * 10 >= low) & ((probability * 10 < low + 1) | (low == 9))
        if inside.any():
            expected += inside.mean() * abs(outcome[inside].mean() - probability[inside].mean())

    assert calibration_error(*rows) == pytest.approx(expected, rel=1e-9)


def test_calibration_error_of_a_probability_of_one_falls_into_the_last_bin() -> None:
    assert calibration_error([1, 1], [1.0, 1.0]) == 0.0


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_every_metric_refuses_empty_input(metric: Metric) -> None:

    with pytest.raises(Invalid, match="undefined without rows"):
        metric.function([], [])


def test_roc_auc_of_one_class_is_refused_with_the_class_named() -> None:
    with pytest.raises(Invalid, match="all 3 outcomes are 1"):
        roc_auc([1, 1, 1], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("outcome", "probability", "message"),
    [
        ([0, 2], [0.1, 0.2], "outcomes of 0 and 1"),
        ([0, 1], [0.1, 1.2], "from 0 to 1"),
        ([0, 1], [0.1, float("nan")], "finite"),
        ([0, 1, 1], [0.1, 0.2], "one length"),
    ],
)
def test_bad_input_is_refused_with_a_reason(outcome: list[float], probability: list[float], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        brier(outcome, probability)


def test_an_unknown_metric_hints_at_the_nearest() -> None:
    with pytest.raises(NotFound) as caught:
        find_metric("roc_acu")

    assert caught.value.hint == 'did you mean "roc_auc"?'


def test_a_metric_of_another_task_is_refused() -> None:
    with pytest.raises(Invalid, match="is for regression"):
        find_metric("rmse", Task.BINARY)


def test_a_better_prediction_is_better_by_the_stated_direction() -> None:
    outcome = np.array([0, 1, 0, 1, 1, 0])
    good, bad = np.where(outcome == 1, 0.8, 0.2), np.where(outcome == 1, 0.3, 0.6)

    for metric in METRICS.values():
        gain = metric.function(outcome, good) - metric.function(outcome, bad)
        assert (gain > 0) == metric.higher_is_better, metric.name
