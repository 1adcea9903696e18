"""How often the monitoring rules alarm with nothing wrong, and how soon when something is.

    python -m benchmarks.alarms [--series 1000]

Prints two tables as Markdown. The rate is alarms per look, next to the stated one: of the test alone, and of the whole
rule, which also asks for an effect that matters. The 95 % upper bound is
Clopper and Pearson's (1934), on releases, taking the looks of one release as one another's copies: it errs upwards.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from scipy import stats

from evergreen.monitoring import drift, performance
from evergreen.monitoring.budget import alpha_per_look
from evergreen.testing.simulation import (
    CONDITIONS,
    NO_FLOORS,
    Condition,
    Outcome,
    simulate_drift,
    simulate_performance,
)

__all__ = ["main"]

STATED = alpha_per_look("1 per year", timedelta(days=1))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000, help="simulated releases for each line")
    series = parser.parse_args().series

    print("| rule | nothing wrong, but | stated | found | upper bound | found / stated |\n|---|---|---|---|---|---|")
    for alpha, drift_floor, floors in (
        (0.05, 0.0, NO_FLOORS),
        (STATED, 0.0, NO_FLOORS),
        (STATED, drift.EFFECT_FLOOR, performance.EFFECT_FLOORS),
    ):
        part = "test alone" if drift_floor == 0 else "whole rule"
        for condition in CONDITIONS:
            moved = simulate_drift(condition, series=series, alpha=alpha, effect_floor=drift_floor)
            _print_rate(f"drift, {part}", condition, alpha, moved)
            fallen = simulate_performance(condition, series=series, alpha=alpha, effect_floors=floors)
            _print_rate(f"performance, {part}", condition, alpha, fallen)

    print("\n| rule | change | windows differ by | alarmed by window 7 | 14 | 21 | 28 |\n|---|---|---|---|---|---|---|")
    few = max(series // 5, 20)
    for condition in (CONDITIONS[0], CONDITIONS[2], CONDITIONS[4]):
        for shift in (0.1, 0.3, 1.0):
            simulate = partial(simulate_drift, effect_floor=drift.EFFECT_FLOOR, shift=shift)
            _print_power("drift", f"{shift} sd in 1 of 4 columns", condition, simulate, few)
        for fall in (0.3, 0.5, 0.8):
            simulate = partial(simulate_performance, effect_floors=performance.EFFECT_FLOORS, fall=fall, looks=4)
            _print_power("performance", f"strength falls by {fall:.0%}", condition, simulate, few)


def _print_rate(rule: str, condition: Condition, alpha: float, found: Outcome) -> None:
    looks = len(found.alarms)
    rate = sum(found.alarms) / (found.series * looks)
    bound = stats.beta.ppf(0.95, rate * found.series + 1, found.series * (1 - rate))
    print(f"| {rule} | {condition.name} | {alpha:.4f} | {rate:.4f} | {bound:.4f} | {rate / alpha:.2f} |", flush=True)


def _print_power(rule: str, change: str, condition: Condition, simulate: Callable[..., Outcome], series: int) -> None:
    found = simulate(condition, series=series, alpha=STATED)
    share = [sum(found.first[: look + 1]) / series for look in range(4)]
    print(f"| {rule} | {change} | {condition.name} | {' | '.join(f'{one:.2f}' for one in share)} |", flush=True)


if __name__ == "__main__":
    main()
