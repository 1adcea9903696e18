"""Tail probabilities and quantiles of the normal and Student's t distribution, for scalars.

Written out because importing ``scipy.stats`` costs more than a second at start.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from evergreen.core.errors import Invalid

__all__ = ["normal_quantile", "normal_survival", "student_quantile", "student_survival"]

_ROUNDING = 1e-16
_TINY = 1e-300


def normal_survival(value: float) -> float:
    """Return P(Z > value) for a standard normal Z, accurate in the far tail too.

    >>> round(normal_survival(1.959964), 6)
    0.025
    """
    return 0.5 * math.erfc(value / math.sqrt(2))


def normal_quantile(probability: float) -> float:
    """Return the z with P(Z <= z) = probability.

    Raises:
        Invalid: unless 0 < probability < 1.

    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    return _quantile(normal_survival, probability)


def student_survival(value: float, degrees: float) -> float:
    """Return P(T > value) for Student's t with that many degrees of freedom, which need not be whole.

    Half the regularised incomplete beta function I_x(degrees/2, 1/2) at x = degrees / (degrees + value^2)
    (Abramowitz and Stegun 1964, 26.7.1).

    Raises:
        Invalid: unless degrees > 0.

    >>> round(student_survival(2.228139, 10), 6)
    0.025
    """
    if not degrees > 0:
        raise Invalid(f"Student's t needs positive degrees of freedom, found {degrees}")
    if math.isinf(value):
        return 0.0 if value > 0 else 1.0
    square = value * value
    tail = 0.5 * _incomplete_beta_half(degrees / 2, degrees / (degrees + square), square / (degrees + square))
    return tail if value > 0 else 1 - tail


def student_quantile(probability: float, degrees: float) -> float:
    """Return the t with P(T <= t) = probability.

    Raises:
        Invalid: unless 0 < probability < 1 and degrees > 0.

    >>> round(student_quantile(0.975, 10), 6)
    2.228139
    """
    return _quantile(lambda value: student_survival(value, degrees), probability)


def _quantile(survival: Callable[[float], float], probability: float) -> float:
    """Invert a symmetric distribution's survival function by bisection, down to neighbouring floats."""
    if not 0 < probability < 1:
        raise Invalid(f"a quantile needs a probability between 0 and 1, found {probability}")
    if probability == 0.5:
        return 0.0
    # Solving for the smaller tail keeps its relative accuracy; 1 - probability is exact above one half.
    tail = min(probability, 1 - probability)
    low, high = 0.0, 1.0
    while survival(high) > tail:
        low, high = high, high * 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if survival(middle) > tail else (low, middle)
    return high if probability > 0.5 else -high


def _incomplete_beta_half(a: float, x: float, rest: float) -> float:
    """Return I_x(a, 1/2); ``rest`` is 1 - x, given apart so that it keeps its digits near x = 1."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    log_power = a * (math.log1p(-rest) if rest < 0.5 else math.log(x))
    front = math.exp(_log_gamma_step(a) - math.log(math.pi) / 2 + log_power) * math.sqrt(rest)
    if x < (a + 1) / (a + 2.5):
        return front * _beta_fraction(a, 0.5, x) / a
    return 1 - front * _beta_fraction(0.5, a, rest) * 2


def _log_gamma_step(a: float) -> float:
    """Return log(Gamma(a + 1/2) / Gamma(a)): the difference of two ``lgamma`` loses its digits for large a."""
    if a < 50:
        return math.lgamma(a + 0.5) - math.lgamma(a)
    series = (-1 / 8 + (1 / 128 + (5 / 1024 - 21 / (32768 * a)) / a) / a) / a
    return math.log(a) / 2 + math.log1p(series)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function by Lentz's method (A&S 1964, 26.5.8)."""
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    product = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            product *= c * d
        if abs(c * d - 1) < _ROUNDING * 4:
            break
    return product


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
