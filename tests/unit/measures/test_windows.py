"""The test of means over windows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from evergreen.core.errors import Invalid
from evergreen.measures.windows import mean_shift

RANDOM = np.random.default_rng(7)


def test_without_correlation_it_is_students_two_sample_test() -> None:
    # Alternating residuals have a negative lag-1 correlation, which is held at 0.
    before = np.array([1.0, 2.0] * 10)
    after = np.array([1.4, 2.1] * 5)

    found = mean_shift(before, after)

    expected = stats.ttest_ind(after, before)
    assert found.correlation == 0
    assert found.degrees == 28
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p_either() == pytest.approx(expected.pvalue, rel=1e-9)


def test_correlated_windows_make_it_less_sure() -> None:
    noise = RANDOM.normal(size=60)
    smooth = np.convolve(noise, np.ones(5), mode="valid")
    shuffled = RANDOM.permutation(smooth)
    step = np.where(np.arange(smooth.size) < 40, 0.0, 3.0)

    calm = mean_shift((shuffled + step)[:40], (shuffled + step)[40:])
    slow = mean_shift((smooth + step)[:40], (smooth + step)[40:])

    assert slow.correlation > calm.correlation
    assert slow.degrees < calm.degrees
    assert slow.p_rise() > calm.p_rise()


def test_a_rise_and_a_fall_mirror_each_other() -> None:
    before, after = RANDOM.normal(size=20), RANDOM.normal(1, 1, size=10)

    up, down = mean_shift(before, after), mean_shift(-before, -after)

    assert up.difference == -down.difference
    assert up.p_rise() == pytest.approx(down.p_fall())
    assert up.p_rise() + up.p_fall() == pytest.approx(1)


def test_constant_windows_that_stay_have_not_moved() -> None:
    found = mean_shift(np.full(20, 0.1), np.full(9, 0.1))

    assert (found.statistic, found.p_either()) == (0.0, 1.0)


def test_constant_windows_that_jump_have_surely_moved() -> None:
    found = mean_shift(np.zeros(20), np.ones(9))

    assert found.statistic == math.inf
    assert found.p_rise() == 0


def test_units_do_not_matter() -> None:
    before, after = RANDOM.normal(size=20), RANDOM.normal(1, 1, size=10)

    assert mean_shift(before * 1e-9, after * 1e-9).p_rise() == pytest.approx(mean_shift(before, after).p_rise())


def test_too_few_windows_are_refused() -> None:
    with pytest.raises(Invalid, match="needs 7 windows on each side, found 20 and 6"):
        mean_shift(np.zeros(20), np.zeros(6))
