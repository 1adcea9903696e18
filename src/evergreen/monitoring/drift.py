"""Do the inputs still look as they did when the model was trained? One test over all columns of one look.

Each column is followed by a few signals: shares and mean ranks of its rows, one value per window. A signal has
drifted when its mean over the latest windows left the reference by more than the reference's own variation from
window to window explains (``measures.windows``). Bonferroni over all signals keeps the stated rate under any
dependence between them. A significant move that is small is no alarm: the share of rows moved must pass a floor.

Not seen by design: a change of dependence between columns that leaves each column as it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evergreen.core.errors import Invalid
from evergreen.measures.grid import CategoryBins, Grid, NumericBins
from evergreen.measures.profile import Profile
from evergreen.measures.windows import MINIMUM_WINDOWS, mean_shift
from evergreen.monitoring.budget import LOOK_EVERY, SPANS

__all__ = ["EFFECT_FLOOR", "REFERENCE_NEEDED", "ColumnDrift", "DriftVerdict", "judge_drift"]

REFERENCE_NEEDED = 28
"""Reference windows needed before drift is judged."""

EFFECT_FLOOR = 0.1
"""Share of rows that must have moved, beyond what stretches of the reference show among themselves."""

_LEVELS = 15

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """How far one column moved.

    ``signal`` names its most telling signal (``rank``, ``spread``, ``missing``, or the name of a
    category), ``before`` and ``now`` are that signal's means, ``statistic`` its t, ``p_value`` adjusted for all
    signals of all columns and both spans. ``effect`` is the share of rows moved beyond the reference's own, over the
    latest ``windows`` windows.
    """

    name: str
    signal: str
    before: float
    now: float
    statistic: float
    p_value: float
    effect: float
    windows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftVerdict:
    """What one look says. ``look`` counts looks since the release: act once on each, whatever is asked again.

    ``columns`` are ranked: alarming ones first, then by p-value and effect. ``p_value`` is the smallest over the
    columns whose effect passes the floor, already adjusted, to be compared with ``alpha``; 1 when there is none.
    """

    verdict: Literal["ok", "drift", "inconclusive"]
    p_value: float
    alpha: float
    look: int
    columns: tuple[ColumnDrift, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    name: str
    reference: _Matrix
    current: _Matrix


def judge_drift(
    grid: Grid,
    reference: Sequence[Profile],
    current: Sequence[Profile],
    *,
    alpha: float,
    effect_floor: float = EFFECT_FLOOR,
) -> DriftVerdict:
    """Judge the latest windows against those that the model was trained on.

    A look happens each 7 windows with rows; between looks the verdict of the last look is repeated. Each look judges
    the latest 7 and the latest 28 windows (or all there are), each on half of ``alpha``. With ``alpha`` per look, the
    expected number of false alarms is at most ``alpha`` times the looks.

    Args:
        grid: the reference's grid, on which all profiles were made.
        reference: one profile per window of training rows, oldest first; at least 28 with rows.
        current: one profile per closed window since the version was released, oldest first, all of them.
        alpha: chance of a false alarm per look, see ``budget.alpha_per_look``.
        effect_floor: share of rows that must have moved.

    Raises:
        Invalid: when a profile was made on another grid.
    """
    for one in (*reference, *current):
        if one.grid != grid.digest:
            raise Invalid(f"cannot judge drift: a profile is on grid {one.grid[:12]}, expected {grid.digest[:12]}")
    before = [one for one in reference if one.rows]
    since = [one for one in current if one.rows]
    look = len(since) // LOOK_EVERY
    if len(before) < REFERENCE_NEEDED:
        return _inconclusive(alpha, look, f"{len(before)} reference windows with rows, drift needs {REFERENCE_NEEDED}")
    if look == 0:
        return _inconclusive(alpha, look, f"{len(since)} windows since the release, the first look is at {LOOK_EVERY}")
    judged = since[: look * LOOK_EVERY]
    columns = [
        min(pair, key=lambda one: _rank(one, alpha, effect_floor))
        for pair in zip(*(_judge_span(grid, before, judged[-span:]) for span in SPANS), strict=True)
    ]
    ranked = sorted(columns, key=lambda one: _rank(one, alpha, effect_floor))
    moved = [one for one in ranked if _has_moved(one, alpha, effect_floor)]
    return DriftVerdict(
        verdict="drift" if moved else "ok",
        p_value=min((one.p_value for one in columns if one.effect >= effect_floor), default=1.0),
        alpha=alpha,
        look=look,
        columns=tuple(ranked),
        reason=_reason(moved, len(columns)),
    )


def _has_moved(column: ColumnDrift, alpha: float, effect_floor: float) -> bool:
    return column.p_value <= alpha and column.effect >= effect_floor


def _rank(column: ColumnDrift, alpha: float, effect_floor: float) -> tuple[bool, float, float, str]:
    return not _has_moved(column, alpha, effect_floor), column.p_value, -column.effect, column.name


def _inconclusive(alpha: float, look: int, reason: str) -> DriftVerdict:
    return DriftVerdict(verdict="inconclusive", p_value=1.0, alpha=alpha, look=look, columns=(), reason=reason)


def _reason(moved: Sequence[ColumnDrift], columns: int) -> str:
    if not moved:
        return f"none of {columns} columns moved"
    named = "; ".join(
        f"{one.name} ({one.signal} {one.before:.3g} -> {one.now:.3g} over {one.windows} windows, "
        f"{one.effect:.0%} of rows moved)"
        for one in moved[:3]
    )
    more = f"; and {len(moved) - 3} more" if len(moved) > 3 else ""
    return f"{len(moved)} of {columns} columns moved: {named}{more}"


def _judge_span(grid: Grid, before: Sequence[Profile], latest: Sequence[Profile]) -> list[ColumnDrift]:
    signals = [_signals(grid, index, before, latest) for index in range(len(grid.columns))]
    tests = sum(len(found) for found in signals) * len(SPANS)
    return [
        _judge_column(bins.name, found, tests, _excess_moved(index, before, latest), len(latest))
        for index, (bins, found) in enumerate(zip(grid.columns, signals, strict=True))
    ]


def _judge_column(name: str, signals: Sequence[_Signal], tests: int, effect: float, windows: int) -> ColumnDrift:
    found = ColumnDrift(
        name=name, signal="", before=math.nan, now=math.nan, statistic=0.0, p_value=1.0, effect=effect, windows=windows
    )
    for signal in signals:
        old, new = (side[np.isfinite(side)] for side in (signal.reference, signal.current))
        if min(old.size, new.size) < MINIMUM_WINDOWS:
            continue
        shift = mean_shift(old, new)
        p_value = min(1.0, shift.p_either() * tests)
        if not found.signal or (p_value, -abs(shift.statistic)) < (found.p_value, -abs(found.statistic)):
            found = replace(
                found,
                signal=signal.name,
                before=float(old.mean()),
                now=float(new.mean()),
                statistic=shift.statistic,
                p_value=p_value,
            )
    return found


def _signals(grid: Grid, index: int, before: Sequence[Profile], latest: Sequence[Profile]) -> list[_Signal]:
    """Return the signals of one column; which ones there are depends on the grid and the reference only."""
    bins = grid.columns[index]
    old, new = _counts(index, before), _counts(index, latest)
    weights = _numeric_weights(old) if isinstance(bins, NumericBins) else _level_weights(bins, old)
    found = [
        _Signal(name=name, reference=_mean_weight(old, weight), current=_mean_weight(new, weight))
        for name, weight in weights
    ]
    rows_old, rows_new = _rows(before), _rows(latest)
    missing = _Signal(name="missing", reference=1 - old.sum(axis=1) / rows_old, current=1 - new.sum(axis=1) / rows_new)
    return [*found, missing]


def _counts(index: int, profiles: Sequence[Profile]) -> _Matrix:
    """Return (windows, bins) counts of one column."""
    return np.array([one.columns[index].counts for one in profiles], dtype=np.float64)


def _rows(profiles: Sequence[Profile]) -> _Matrix:
    return np.array([one.rows for one in profiles], dtype=np.float64)


def _mean_weight(counts: _Matrix, weight: _Matrix) -> _Matrix:
    """Return the mean weight of a window's rows that hold a value, NaN where none does."""
    present = counts.sum(axis=1)
    mean: _Matrix = np.divide(counts @ weight, present, out=np.full(present.shape, np.nan), where=present > 0)
    return mean


def _numeric_weights(reference: _Matrix) -> list[tuple[str, _Matrix]]:
    """Return the first two components of Neyman's smooth test (1937) on mid-ranks.

    A bin's mid-rank u is the share of reference rows below it plus half of its own. ``rank`` is u, 0.5 on average;
    ``spread`` is the second Legendre polynomial 6 u^2 - 6 u + 1, 0 on average, higher when rows move outwards.
    Both are bounded, so one absurd value moves them by no more than one row can. The share outside the reference's
    range is no signal of its own: in the reference it is 0 by construction, which no later window can match.
    """
    pooled = reference.sum(axis=0)
    total = max(float(pooled.sum()), 1.0)
    rank = (np.cumsum(pooled) - pooled / 2) / total
    return [("rank", rank), ("spread", 6 * rank**2 - 6 * rank + 1)]


def _level_weights(bins: CategoryBins, reference: _Matrix) -> list[tuple[str, _Matrix]]:
    """Return an indicator for each of the 15 most frequent names, and one for all others together."""
    pooled = reference.sum(axis=0)[:-1]
    top = np.argsort(-pooled, kind="stable")[:_LEVELS]
    unit = np.eye(bins.size)
    others = 1 - unit[top].sum(axis=0)
    return [*((bins.names[place], unit[place]) for place in top), ("(other)", others)]


def _excess_moved(index: int, before: Sequence[Profile], latest: Sequence[Profile]) -> float:
    """Return the share of rows moved, with what stretches of the reference show taken off.

    The share moved is the total variation distance between the bins (null and NaN as one more bin). Stretches are
    as long as ``latest`` and each is compared with the rest of the reference; their median distance holds sampling
    noise and ordinary variation. It is taken off in squares, as independent deviations add.
    """
    old, new = _with_missing(index, before), _with_missing(index, latest)
    pooled = old.sum(axis=0)
    length = min(len(latest), len(before) // 2)
    own = [
        _total_variation(part, pooled - part)
        for start in range(0, len(before) - length + 1, length)
        for part in [old[start : start + length].sum(axis=0)]
    ]
    moved = _total_variation(new.sum(axis=0), pooled)
    return math.sqrt(max(0.0, moved**2 - float(np.median(own)) ** 2))


def _with_missing(index: int, profiles: Sequence[Profile]) -> _Matrix:
    counts = _counts(index, profiles)
    return np.column_stack([counts, _rows(profiles) - counts.sum(axis=1)])


def _total_variation(first: _Matrix, second: _Matrix) -> float:
    return float(np.abs(first / first.sum() - second / second.sum()).sum() / 2)
