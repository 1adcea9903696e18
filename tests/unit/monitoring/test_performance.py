"""A model that ranks worse is found; bad weather is not its fault."""

from __future__ import annotations

import numpy as np
import pytest

from evergreen.measures.scores import ScoreCounts, count_scores
from evergreen.monitoring.performance import REFERENCE_NEEDED, completes_look, judge_performance
from evergreen.testing.simulation import NO_FLOORS

ALPHA = 0.01


def windows(
    count: int, *, strength: float = 1.0, shock: float = 0.0, rows: int = 500, seed: int = 1
) -> list[ScoreCounts]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        score = random.standard_normal(rows)
        truth = random.random(rows) < 1 / (1 + np.exp(-(strength * score - 1 + shock)))
        found.append(count_scores(truth, 1 / (1 + np.exp(1 - score))))
    return found


REFERENCE = windows(14)


def test_a_model_that_ranks_as_before_is_ok() -> None:
    found = judge_performance(REFERENCE, windows(28, seed=2), alpha=ALPHA)

    assert found.verdict == "ok"
    assert (found.look, found.unusable) == (4, 0)
    assert found.current_value == pytest.approx(found.reference_value, abs=0.05)


def test_a_model_that_lost_half_its_strength_is_degraded_at_the_first_look() -> None:
    found = judge_performance(REFERENCE, windows(7, strength=0.5, seed=2), alpha=ALPHA)

    assert found.verdict == "degraded"
    assert found.p_value <= ALPHA
    assert found.reference_value is not None
    assert found.current_value is not None
    assert found.reference_value - found.current_value > 0.05
    assert found.reason.startswith("mean roc_auc within a window went from 0.7")


def test_a_better_model_is_no_alarm() -> None:
    found = judge_performance(REFERENCE, windows(28, strength=2.0, seed=2), alpha=ALPHA)

    assert found.verdict == "ok"


def test_a_storm_of_two_days_that_delays_everybody_is_no_degradation() -> None:
    current = [*windows(3, seed=2), *windows(2, shock=2.0, seed=3), *windows(2, seed=4)]

    assert judge_performance(REFERENCE, current, alpha=ALPHA).verdict == "ok"


def test_a_model_that_predicts_too_little_day_after_day_is_degraded() -> None:
    found = judge_performance(REFERENCE, windows(14, shock=1.0, seed=2), alpha=ALPHA)

    assert (found.verdict, found.statistic) == ("degraded", "calibration_gap")
    assert found.current_value is not None
    assert found.current_value < -0.05


def test_a_gap_that_closes_is_no_alarm() -> None:
    found = judge_performance(windows(14, shock=1.0), windows(14, seed=2), alpha=ALPHA)

    assert found.verdict == "ok"


def test_a_sure_but_small_fall_is_no_alarm() -> None:
    reference, current = windows(14, rows=50_000), windows(14, rows=50_000, strength=0.95, seed=2)

    found = judge_performance(reference, current, alpha=ALPHA)

    assert found.p_value < ALPHA
    assert found.verdict == "ok"
    assert judge_performance(reference, current, alpha=ALPHA, effect_floors=NO_FLOORS).verdict == "degraded"


def test_a_break_late_in_a_release_is_found_against_its_own_earlier_windows() -> None:
    current = [*windows(42, seed=2), *windows(7, strength=0.5, seed=3)]

    assert judge_performance(REFERENCE, current, alpha=ALPHA).verdict == "degraded"


def test_verdicts_change_at_looks_only() -> None:
    current = windows(13, strength=0.5, seed=2)

    assert judge_performance(REFERENCE, current[:6], alpha=ALPHA).verdict == "inconclusive"
    assert judge_performance(REFERENCE, current[:7], alpha=ALPHA) == judge_performance(REFERENCE, current, alpha=ALPHA)


def test_windows_with_too_few_of_a_class_are_left_out_and_counted() -> None:
    current = [*windows(7, seed=2), *windows(3, rows=15, seed=3), ScoreCounts()]

    found = judge_performance(REFERENCE, current, alpha=ALPHA)

    assert (found.verdict, found.windows, found.unusable) == ("ok", 7, 4)


def test_too_short_a_reference_is_inconclusive_and_says_what_is_needed() -> None:
    found = judge_performance(REFERENCE[:9], windows(14, seed=2), alpha=ALPHA)

    assert found.verdict == "inconclusive"
    assert found.reason.startswith(f"9 usable reference windows, performance needs {REFERENCE_NEEDED}")
    assert found.reference_value is None


def test_too_few_matured_windows_are_inconclusive() -> None:
    found = judge_performance(REFERENCE, [*windows(3, seed=2), ScoreCounts()], alpha=ALPHA)

    assert found.verdict == "inconclusive"
    assert found.reason.startswith("3 usable matured windows since the release, the first look is at 7 (1 left out")


def test_a_look_is_completed_by_every_seventh_usable_window() -> None:
    usable, unusable = (20, 80), (3, 97)

    found = [completes_look([usable] * 3 + [unusable] + [usable] * more) for more in range(12)]

    assert [more for more, is_look in enumerate(found) if is_look] == [4, 11]
    assert not completes_look([usable] * 7 + [unusable])
    assert not completes_look([])
