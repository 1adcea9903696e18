"""The rules keep the rate they state, and still find what they should. The large run is ``benchmarks/alarms.py``."""

from __future__ import annotations

import pytest
from scipy import stats

from evergreen.monitoring.performance import EFFECT_FLOORS
from evergreen.testing.simulation import CONDITIONS, Condition, Outcome, simulate_drift, simulate_performance

ALPHA = 0.1
"""Higher than in use, so that few releases are enough to see a rate that is too high."""

KEPT = [one for one in CONDITIONS if one.correlation <= 0.5]


def upper_bound(found: Outcome) -> float:
    """Return the 95 % upper bound of the rate per look (Clopper and Pearson 1934).

    Looks of one release overlap, so each release counts as one trial: the bound errs upwards.
    """
    alarms = sum(found.alarms) / len(found.alarms)
    return float(stats.beta.ppf(0.95, alarms + 1, found.series - alarms))


@pytest.mark.parametrize("condition", KEPT, ids=lambda one: one.name)
def test_drift_keeps_its_false_alarm_rate(condition: Condition) -> None:
    found = simulate_drift(condition, series=80, alpha=ALPHA, columns=2, looks=4, reference=35, rows=120)

    assert upper_bound(found) <= 2 * ALPHA


@pytest.mark.parametrize("condition", KEPT, ids=lambda one: one.name)
def test_performance_keeps_its_false_alarm_rate(condition: Condition) -> None:
    found = simulate_performance(condition, series=120, alpha=ALPHA, looks=4, rows=120)

    assert upper_bound(found) <= 2 * ALPHA


def test_a_shift_of_half_a_deviation_in_one_column_is_drift_within_two_looks() -> None:
    found = simulate_drift(
        CONDITIONS[0], series=20, alpha=0.01, shift=0.5, columns=2, looks=2, reference=35, effect_floor=0.1
    )

    assert sum(found.first) == found.series


def test_dispersion_delays_the_alarm_but_a_large_shift_is_found() -> None:
    dispersion = Condition(name="dispersion", dispersion=0.3)

    found = simulate_drift(dispersion, series=20, alpha=0.01, shift=1.0, columns=2, looks=4, reference=35)

    assert sum(found.first) >= 0.9 * found.series


def test_a_model_that_lost_half_its_strength_is_found_within_four_looks() -> None:
    found = simulate_performance(CONDITIONS[0], series=40, alpha=0.01, fall=0.5, looks=4, effect_floors=EFFECT_FLOORS)

    assert sum(found.first) >= 0.9 * found.series
