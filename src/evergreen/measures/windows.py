"""Has the mean of a series of windows moved? One test, for windows that vary by more than their rows explain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evergreen.core.errors import Invalid
from evergreen.measures.tails import student_survival

__all__ = ["MINIMUM_WINDOWS", "MeanShift", "mean_shift"]

MINIMUM_WINDOWS = 7
"""Fewer values than this on either side say too little about the dispersion between windows."""

_HIGHEST_CORRELATION = 0.9
_FEWEST_DEGREES = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanShift:
    """How far the mean moved (``difference``, current minus reference) and how surely.

    ``statistic`` is Student's t with ``degrees`` of freedom; ``correlation`` is the correlation of neighbouring
    windows that was allowed for.
    """

    difference: float
    statistic: float
    degrees: float
    correlation: float

    def p_rise(self) -> float:
        """Return the chance of a rise at least this large when nothing changed."""
        return student_survival(self.statistic, self.degrees)

    def p_fall(self) -> float:
        """Return the chance of a fall at least this large when nothing changed."""
        return student_survival(-self.statistic, self.degrees)

    def p_either(self) -> float:
        """Return the chance of a move at least this large, up or down, when nothing changed."""
        return min(1.0, 2 * student_survival(abs(self.statistic), self.degrees))


def mean_shift(reference: NDArray[np.float64], current: NDArray[np.float64]) -> MeanShift:
    """Compare the means of two stretches of one series of windows.

    Student's two-sample t over windows, not rows: dispersion from window to window (weather, weekends, campaigns)
    is in the estimate, whatever its cause. Windows close in time resemble each other, so the variance of a mean is
    multiplied by (1 + r) / (1 - r) and the degrees of freedom divided by it, as for a first-order autoregression
    (Bayley and Hammersley 1946). r is the lag-1 autocorrelation within both stretches plus one standard error
    1 / sqrt(n), held within [0, 0.9], since estimating it without a margin is too sure too often.

    In simulation (``benchmarks/alarms.py``) the test keeps its rate for independent and dispersed windows, with a
    weekly season, and with autocorrelation up to 0.2. At 0.5 it exceeds small rates by 1.3 to 1.7 times, at 0.8 by
    up to ten times: such windows are too short for what varies, take longer ones.

    Args:
        reference: (m,) one value per window, oldest first.
        current: (k,) the same, later.

    Raises:
        Invalid: with fewer than 7 values on a side.
    """
    if min(reference.size, current.size) < MINIMUM_WINDOWS:
        raise Invalid(
            f"comparing means needs {MINIMUM_WINDOWS} windows on each side, found {reference.size} and {current.size}"
        )
    count = reference.size + current.size
    sides = (reference - reference.mean(), current - current.mean())
    squares = sum(float(np.dot(side, side)) for side in sides)
    difference = float(current.mean() - reference.mean())
    scale = max(float(np.abs(reference).max()), float(np.abs(current).max()))
    if squares <= count * (1e-12 * scale) ** 2:  # constant on both sides, up to rounding
        moved = abs(difference) > 1e-12 * scale
        return MeanShift(
            difference=difference,
            statistic=math.copysign(math.inf, difference) if moved else 0.0,
            degrees=float(count - 2),
            correlation=0.0,
        )
    lagged = sum(float(np.dot(side[1:], side[:-1])) for side in sides)
    correlation = min(max(lagged / squares + 1 / math.sqrt(count), 0.0), _HIGHEST_CORRELATION)
    inflation = (1 + correlation) / (1 - correlation)
    # Residuals of correlated windows hug their own mean, which makes the plain variance too small.
    variance = squares / (count - 2) * (1 + 2 * (inflation - 1) / count)
    error = math.sqrt(variance * inflation * (1 / reference.size + 1 / current.size))
    return MeanShift(
        difference=difference,
        statistic=difference / error,
        degrees=max((count - 2) / inflation, _FEWEST_DEGREES),
        correlation=correlation,
    )
