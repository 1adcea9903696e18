"""From a promise like "1 per year" to the chance of a false alarm that each look may take.

Expectations add, whether or not looks are independent: with ``alpha`` per look, at most ``alpha`` times the number
of looks false alarms are expected. Nothing more is used, so overlapping windows and correlated columns are fine.
"""

from __future__ import annotations

import re
from datetime import timedelta

from evergreen.core.errors import Invalid

__all__ = ["LOOK_EVERY", "SHARES", "SPANS", "alpha_per_look"]

LOOK_EVERY = 7
"""Windows between two looks. A daily series is then judged once a week, on whole weeks: a weekly season cancels out,
and seven times more of the budget is left for each look."""

SPANS = (7, 28)
"""A look judges the latest 7 windows (a break shows soon) and the latest 28 (a slow slide shows at all)."""

SHARES = {"drift": 0.5, "performance": 0.5}
"""How the two rules of a monitor part its budget."""

_PERIODS = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "quarter": timedelta(days=91),
    "year": timedelta(days=365),
}
_PROMISE = re.compile(r"\s*(?P<count>\d+(?:\.\d+)?)\s+per\s+(?P<period>[a-z]+)\s*")
_HIGHEST_ALPHA = 0.05


def alpha_per_look(false_alarms: str, window: timedelta, share: float = 0.5) -> float:
    """Return the chance of a false alarm that one look of one rule may take, at most 0.05.

    Args:
        false_alarms: "COUNT per PERIOD", the expected number for the whole monitor; PERIOD is day, week, month (30
            days), quarter (91 days) or year (365 days).
        window: length of one window.
        share: the rule's part of the budget.

    Raises:
        Invalid: when the promise cannot be read, or is not positive.

    >>> round(alpha_per_look("1 per year", timedelta(days=1)), 5)
    0.00959
    """
    found = _PROMISE.fullmatch(false_alarms)
    if found is None or found["period"] not in _PERIODS or float(found["count"]) == 0:
        raise Invalid(
            f'cannot read false_alarms "{false_alarms}"',
            hint=f'write it like "1 per year"; periods: {", ".join(_PERIODS)}',
        )
    if window <= timedelta(0):
        raise Invalid(f"a window must last longer than nothing, found {window}")
    looks = _PERIODS[found["period"]] / (window * LOOK_EVERY)
    return min(float(found["count"]) * share / looks, _HIGHEST_ALPHA)
