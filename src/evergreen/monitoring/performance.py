"""Does the model still do as well as it did? One test on outcomes as they mature, over two statistics of each window.

Ranking: the area under the ROC curve within a window. Whatever a window shares as a whole (a storm that delays
everybody) moves base rate and log loss wildly, but leaves the ranking within the window, so a fall means that the
model has lost touch, not that the weather was bad.

Calibration: the mean prediction less the share of outcomes. It moves with the storms, which the test allows for as
dispersion, but a model that goes on predicting a summer in autumn is off in the same direction day after day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evergreen.measures.scores import ScoreCounts
from evergreen.measures.windows import MeanShift, mean_shift
from evergreen.monitoring.budget import LOOK_EVERY, SPANS

__all__ = ["EFFECT_FLOORS", "REFERENCE_NEEDED", "PerformanceVerdict", "completes_look", "judge_performance"]

REFERENCE_NEEDED = 14
"""Reference windows needed before performance is judged."""

EFFECT_FLOORS = {"roc_auc": 0.02, "calibration_gap": 0.05}
"""Smaller moves are no alarm, however sure: a fall of the area, a move of the gap in either direction."""

_FEWEST_OF_A_CLASS = 10

_Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceVerdict:
    """What one look says. ``look`` counts looks since the release: act once on each, whatever is asked again.

    ``statistic`` is the one that alarmed, else the more telling one; ``reference_value`` and ``current_value`` are its
    means over windows, None when inconclusive. ``p_value`` is adjusted for both statistics and both spans.
    ``windows`` are the matured windows judged, ``unusable`` those left out for having too few rows of a class.
    """

    verdict: Literal["ok", "degraded", "inconclusive"]
    statistic: str
    reference_value: float | None
    current_value: float | None
    p_value: float
    alpha: float
    look: int
    windows: int
    unusable: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One statistic over one span: how surely and how far it got worse."""

    statistic: str
    p_value: float
    harm: float
    before: _Series
    latest: _Series

    def is_alarm(self, alpha: float, floors: Mapping[str, float]) -> bool:
        return self.p_value <= alpha and self.harm >= floors[self.statistic]


def judge_performance(
    reference: Sequence[ScoreCounts],
    current: Sequence[ScoreCounts],
    *,
    alpha: float,
    effect_floors: Mapping[str, float] = EFFECT_FLOORS,
) -> PerformanceVerdict:
    """Judge the latest matured windows against held-out ones and the version's own earlier ones.

    A look happens each 7 usable windows; between looks the verdict of the last look is repeated. Each look judges two
    statistics over the latest 7 and the latest 28 windows (or all there are) and multiplies each p-value by four
    (Bonferroni). With ``alpha`` per look, the expected number of false alarms is at most ``alpha`` times the looks.

    Args:
        reference: one count per window of held-out rows later than training, oldest first; at least 14 usable.
        current: one count per matured window since the version was released, oldest first, all of them. Those
            older than the ones judged join the reference.
        alpha: chance of a false alarm per look, see ``budget.alpha_per_look``.
        effect_floors: the moves that matter, by statistic.

    A window is usable with at least 10 rows of either class.
    """
    held_out = [one for one in reference if _is_usable(one)]
    matured = [one for one in current if _is_usable(one)]
    unusable = len(current) - len(matured)
    look = len(matured) // LOOK_EVERY
    judged = matured[: look * LOOK_EVERY]
    if len(held_out) < REFERENCE_NEEDED or look == 0:
        return PerformanceVerdict(
            verdict="inconclusive",
            statistic="roc_auc",
            reference_value=None,
            current_value=None,
            p_value=1.0,
            alpha=alpha,
            look=look,
            windows=len(judged),
            unusable=unusable,
            reason=_what_is_missing(len(held_out), len(matured), unusable),
        )
    found = min(
        (
            _judge_span(statistic, [*held_out, *judged[:-span]], judged[-span:])
            for statistic in EFFECT_FLOORS
            for span in SPANS
        ),
        key=lambda one: (not one.is_alarm(alpha, effect_floors), one.p_value),
    )
    is_degraded = found.is_alarm(alpha, effect_floors)
    was, now = float(found.before.mean()), float(found.latest.mean())
    return PerformanceVerdict(
        verdict="degraded" if is_degraded else "ok",
        statistic=found.statistic,
        reference_value=was,
        current_value=now,
        p_value=found.p_value,
        alpha=alpha,
        look=look,
        windows=int(found.latest.size),
        unusable=unusable,
        reason=(
            f"{_WORDS[found.statistic]} went from {was:.3f} ({found.before.size} reference windows) "
            f"to {now:.3f} (last {found.latest.size} windows), p = {found.p_value:.2g}"
        ),
    )


_WORDS = {
    "roc_auc": "mean roc_auc within a window",
    "calibration_gap": "mean prediction less share of outcomes",
}


def _judge_span(statistic: str, before: Sequence[ScoreCounts], latest: Sequence[ScoreCounts]) -> _Found:
    value = {"roc_auc": ScoreCounts.roc_auc, "calibration_gap": ScoreCounts.calibration_gap}[statistic]
    old, new = np.array([value(one) for one in before]), np.array([value(one) for one in latest])
    shift = mean_shift(old, new)
    p_value, harm = _harm(statistic, shift, float(old.mean()), float(new.mean()))
    return _Found(
        statistic=statistic,
        p_value=min(1.0, p_value * len(SPANS) * len(EFFECT_FLOORS)),
        harm=harm,
        before=old,
        latest=new,
    )


def _harm(statistic: str, shift: MeanShift, before: float, now: float) -> tuple[float, float]:
    """Return the p-value of the harmful direction and how far it went: down for ranking, away from 0 for the gap."""
    if statistic == "roc_auc":
        return shift.p_fall(), before - now
    return shift.p_either(), abs(now) - abs(before)


def completes_look(classes: Sequence[tuple[int, int]]) -> bool:
    """Say whether the last of these matured windows, given as (positives, negatives), completes a look."""
    usable = [min(pair) >= _FEWEST_OF_A_CLASS for pair in classes]
    return bool(usable) and usable[-1] and sum(usable) % LOOK_EVERY == 0


def _is_usable(counts: ScoreCounts) -> bool:
    return min(counts.positives, counts.negatives) >= _FEWEST_OF_A_CLASS


def _what_is_missing(held_out: int, matured: int, unusable: int) -> str:
    needs = f"at least {_FEWEST_OF_A_CLASS} outcomes of either class in each window"
    if held_out < REFERENCE_NEEDED:
        return f"{held_out} usable reference windows, performance needs {REFERENCE_NEEDED} with {needs}"
    left_out = f" ({unusable} left out: a window needs {needs})" if unusable else ""
    return f"{matured} usable matured windows since the release, the first look is at {LOOK_EVERY}{left_out}"
