"""Score counts give the metrics of their rows, and add up exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evergreen.core.errors import Corrupt, Invalid
from evergreen.measures import metrics
from evergreen.measures.scores import ScoreCounts, count_scores, merge_all_scores, merge_scores

Rows = list[tuple[int, float]]
rows = st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), max_size=30)


def of(content: Rows) -> ScoreCounts:
    return count_scores([outcome for outcome, _ in content], [score for _, score in content])


def sample(base: float, size: int = 50_000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(8)
    probability = random.beta(2 * base / (1 - base), 2, size)
    return (random.random(size) < probability).astype(np.float64), probability


@given(rows, rows)
def test_merging_two_counts_equals_counting_both_at_once(first: Rows, second: Rows) -> None:
    assert merge_scores(of(first), of(second)) == of(first + second) == merge_scores(of(second), of(first))


@given(rows)
def test_score_counts_survive_encoding(content: Rows) -> None:
    assert ScoreCounts.decode(of(content).encode()) == of(content)


@pytest.mark.parametrize("base", [0.01, 0.2, 0.5])
def test_roc_auc_is_within_a_thousandth_of_the_exact_one(base: float) -> None:
    outcome, probability = sample(base)

    assert count_scores(outcome, probability).roc_auc() == pytest.approx(
        metrics.roc_auc(outcome, probability), abs=1e-3
    )


def test_other_metrics_are_exact_to_the_fixed_point() -> None:
    outcome, probability = sample(0.2)

    found = count_scores(outcome, probability)

    # Each row is rounded to 2**-20, so means differ by at most half of that.
    assert found.log_loss() == pytest.approx(metrics.log_loss(outcome, probability), abs=1e-6)
    assert found.brier() == pytest.approx(metrics.brier(outcome, probability), abs=1e-6)
    assert found.calibration_error() == pytest.approx(metrics.calibration_error(outcome, probability), abs=1e-6)
    assert found.base_rate() == outcome.mean()
    assert found.rows == outcome.size


def test_the_deviation_of_the_loss_is_that_of_the_rows() -> None:
    outcome, probability = sample(0.2)
    loss = -np.log(np.where(outcome == 1, probability, 1 - probability))

    assert count_scores(outcome, probability).log_loss_deviation() == pytest.approx(loss.std(), abs=1e-5)


def test_certainties_at_both_ends_are_counted() -> None:
    found = of([(1, 1.0), (0, 0.0)])

    assert (found.ones[-1], found.zeros[0]) == (1, 1)
    assert found.roc_auc() == 1.0


def test_no_rows_are_neutral_and_have_no_metrics() -> None:
    assert merge_all_scores([]) == of([]) == ScoreCounts()
    with pytest.raises(Invalid, match="without rows"):
        ScoreCounts().log_loss()


def test_one_class_has_no_roc_auc() -> None:
    with pytest.raises(Invalid, match="2 ones and 0 zeros"):
        of([(1, 0.5), (1, 0.6)]).roc_auc()


@pytest.mark.parametrize(
    ("outcome", "probability", "message"),
    [([2], [0.5], "0 and 1"), ([1], [1.5], "from 0 to 1"), ([1], [float("nan")], "from 0 to 1"), ([1], [], "length")],
)
def test_bad_rows_are_refused(outcome: list[float], probability: list[float], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        count_scores(outcome, probability)


def test_bytes_that_are_no_counts_are_corrupt() -> None:
    with pytest.raises(Corrupt, match="no score counts"):
        ScoreCounts.decode(b"\x00")
