"""Does the model still rank as well as it did? One test on outcomes as they mature.

The statistic is the area under the ROC curve within each window. Whatever a window shares as a whole (a storm that
delays everybody) moves base rate and log loss wildly, but leaves the ranking within the window. So the series is
quiet enough to judge, and a fall means that the model has lost touch, not that the weather was bad.

Not seen by design: a shift of all probabilities that leaves their order. The calibration error shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np

from evergreen.measures.scores import ScoreCounts
from evergreen.measures.windows import mean_shift
from evergreen.monitoring.budget import LOOK_EVERY, SPANS

__all__ = ["EFFECT_FLOOR", "REFERENCE_NEEDED", "PerformanceVerdict", "judge_performance"]

REFERENCE_NEEDED = 14
"""Reference windows needed before performance is judged."""

EFFECT_FLOOR = 0.02
"""A fall of the area under the curve by less is no alarm, however sure."""

_FEWEST_OF_A_CLASS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceVerdict:
    """What one look says. ``look`` counts looks since the release: act once on each, whatever is asked again.

    ``reference_value`` and ``current_value`` are means over windows of ``statistic``; None when inconclusive. They and
    ``p_value`` (compared with ``alpha``) are of the span that alarmed, else of the longest.
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


def judge_performance(
    reference: Sequence[ScoreCounts],
    current: Sequence[ScoreCounts],
    *,
    alpha: float,
    effect_floor: float = EFFECT_FLOOR,
) -> PerformanceVerdict:
    """Judge the latest matured windows against held-out ones and the version's own earlier ones.

    A look happens each 7 usable windows; between looks the verdict of the last look is repeated. Each look judges the
    latest 7 and the latest 28 windows (or all there are) and doubles the smaller p-value (Bonferroni). With ``alpha``
    per look, the expected number of false alarms is at most ``alpha`` times the looks.

    Args:
        reference: one count per window of held-out rows later than training, oldest first; at least 14 usable.
        current: one count per matured window since the version was released, oldest first, all of them. Those
            older than the ones judged join the reference.
        alpha: chance of a false alarm per look, see ``budget.alpha_per_look``.
        effect_floor: the fall that matters.

    A window is usable with at least 10 rows of either class.
    """
    held_out = [one.roc_auc() for one in reference if _is_usable(one)]
    matured = [one.roc_auc() for one in current if _is_usable(one)]
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
    spans = [_judge_span(held_out + judged[:-span], judged[-span:]) for span in SPANS]
    alarming = [one for one in spans if one.p_value <= alpha and one.was - one.now >= effect_floor]
    found = min(alarming, key=lambda one: one.p_value, default=spans[-1])  # the longest span has the steadiest figures
    is_degraded = bool(alarming)
    return PerformanceVerdict(
        verdict="degraded" if is_degraded else "ok",
        statistic="roc_auc",
        reference_value=found.was,
        current_value=found.now,
        p_value=found.p_value,
        alpha=alpha,
        look=look,
        windows=found.windows,
        unusable=unusable,
        reason=(
            f"mean roc_auc within a window {'fell' if is_degraded else 'went'} from {found.was:.3f} "
            f"({found.reference_windows} reference windows) to {found.now:.3f} (last {found.windows} windows), "
            f"p = {found.p_value:.2g}"
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    was: float
    now: float
    p_value: float
    reference_windows: int
    windows: int


def _judge_span(before: Sequence[float], latest: Sequence[float]) -> _Span:
    shift = mean_shift(np.array(before), np.array(latest))
    return _Span(
        was=fmean(before),
        now=fmean(latest),
        p_value=min(1.0, shift.p_fall() * len(SPANS)),
        reference_windows=len(before),
        windows=len(latest),
    )


def _is_usable(counts: ScoreCounts) -> bool:
    return min(counts.positives, counts.negatives) >= _FEWEST_OF_A_CLASS


def _what_is_missing(held_out: int, matured: int, unusable: int) -> str:
    needs = f"at least {_FEWEST_OF_A_CLASS} outcomes of either class in each window"
    if held_out < REFERENCE_NEEDED:
        return f"{held_out} usable reference windows, performance needs {REFERENCE_NEEDED} with {needs}"
    left_out = f" ({unusable} left out: a window needs {needs})" if unusable else ""
    return f"{matured} usable matured windows since the release, the first look is at {LOOK_EVERY}{left_out}"
