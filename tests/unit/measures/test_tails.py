"""Tails and quantiles against scipy."""

from __future__ import annotations

import pytest
from scipy import stats

from evergreen.core.errors import Invalid
from evergreen.measures.tails import normal_quantile, normal_survival, student_quantile, student_survival

# Relative, far into the tail. Ours: continued fraction to 4e-16, then rounding in exp and log of numbers up to some
# hundreds, hence about 1e-13; scipy's own t has the looser digits at a million degrees.
TOLERANCE = 1e-9


@pytest.mark.parametrize("degrees", [0.5, 1, 3, 4.7, 13, 88, 150, 10_000, 1_000_000])
def test_student_survival_agrees_with_scipy(degrees: float) -> None:
    for value in (-40, -8, -1, -0.001, 0, 0.001, 0.1, 1, 3, 8, 30):
        assert student_survival(value, degrees) == pytest.approx(stats.t.sf(value, degrees), rel=TOLERANCE, abs=1e-290)


@pytest.mark.parametrize("degrees", [0.5, 1, 3, 4.7, 13, 88, 10_000])
def test_student_quantile_agrees_with_scipy(degrees: float) -> None:
    for probability in (1e-10, 1e-4, 0.1, 0.49, 0.6, 0.999):
        expected = stats.t.ppf(probability, degrees)
        assert student_quantile(probability, degrees) == pytest.approx(expected, rel=TOLERANCE)


def test_normal_survival_and_quantile_agree_with_scipy() -> None:
    for value in (-10, -1, 0, 0.5, 3, 8, 37):
        assert normal_survival(value) == pytest.approx(stats.norm.sf(value), rel=TOLERANCE)
    for probability in (1e-200, 1e-10, 0.1, 0.9, 0.9999):
        assert normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), rel=TOLERANCE)


def test_the_median_is_zero_and_infinity_has_no_tail() -> None:
    assert normal_quantile(0.5) == student_quantile(0.5, 3) == 0
    assert student_survival(float("inf"), 3) == 0
    assert student_survival(float("-inf"), 3) == 1


@pytest.mark.parametrize("probability", [0.0, 1.0, -1.0, float("nan")])
def test_a_quantile_outside_the_open_interval_is_refused(probability: float) -> None:
    with pytest.raises(Invalid, match="between 0 and 1"):
        normal_quantile(probability)


def test_degrees_must_be_positive() -> None:
    with pytest.raises(Invalid, match="positive degrees"):
        student_survival(1.0, 0.0)
