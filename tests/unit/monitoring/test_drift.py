"""Drift is found where it is, and not where it is not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from evergreen.core.errors import Invalid
from evergreen.measures.grid import Categories, Column, Grid, Numbers, fit_grid
from evergreen.measures.profile import Profile, empty, profile
from evergreen.monitoring.drift import REFERENCE_NEEDED, DriftVerdict, judge_drift

ALPHA = 0.01
ROWS = 400
NAMES = ("ewr", "jfk", "lga", "swf")


def table(
    seed: int,
    *,
    shift: float = 0.0,
    scale: float = 1.0,
    third: float = 0.3,
    missing: float = 0.0,
    fourth: float = 0.0,
) -> dict[str, Column]:
    random = np.random.default_rng(seed)
    shares = np.array([0.5, 0.5 - third, third - fourth, fourth])
    return {
        "calm": random.normal(size=ROWS),
        "moving": Numbers(values=shift + scale * random.normal(size=ROWS), null=random.random(ROWS) < missing),
        "origin": Categories(codes=random.choice(4, ROWS, p=shares), names=NAMES),
    }


def stacked(tables: Sequence[dict[str, Column]]) -> dict[str, Column]:
    def joined(name: str) -> Column:
        parts = [one[name] for one in tables]
        if isinstance(parts[0], Categories):
            return Categories(
                codes=np.concatenate([one.codes for one in parts if isinstance(one, Categories)]), names=NAMES
            )
        return np.concatenate([one.values if isinstance(one, Numbers) else np.asarray(one) for one in parts])

    return {name: joined(name) for name in tables[0]}


TRAINED = [table(seed) for seed in range(42)]
GRID: Grid = fit_grid(stacked(TRAINED))
REFERENCE = [profile(GRID, one) for one in TRAINED]


def windows(count: int, **change: float) -> list[Profile]:
    return [profile(GRID, table(1000 + seed, **change)) for seed in range(count)]


def judge(current: Sequence[Profile]) -> DriftVerdict:
    return judge_drift(GRID, REFERENCE, current, alpha=ALPHA)


def test_traffic_like_the_reference_is_ok() -> None:
    found = judge(windows(28))

    assert found.verdict == "ok"
    assert found.reason == "none of 3 columns moved"
    assert len(found.columns) == 3


@pytest.mark.parametrize(
    ("change", "column", "signal"),
    [
        ({"shift": 0.5}, "moving", "rank"),
        ({"shift": -0.5}, "moving", "rank"),
        ({"scale": 1.6}, "moving", "spread"),
        ({"scale": 0.5}, "moving", "spread"),
        ({"missing": 0.3}, "moving", "missing"),
        ({"third": 0.1}, "origin", "lga"),
        ({"third": 0.3, "fourth": 0.25}, "origin", "lga"),
    ],
)
def test_a_moved_column_is_found_at_the_first_look_and_ranked_first(
    change: dict[str, float], column: str, signal: str
) -> None:
    found = judge(windows(7, **change))

    assert found.verdict == "drift"
    assert found.p_value <= ALPHA
    assert (found.columns[0].name, found.columns[0].effect >= 0.1) == (column, True)
    assert found.columns[0].signal in (signal, "ewr", "jfk", "(other)")
    assert f"1 of 3 columns moved: {column} (" in found.reason


def test_the_effect_is_about_the_share_of_rows_that_moved() -> None:
    found = judge(windows(28, missing=0.3))

    # The sampling noise of 65 bins, about 0.04 of the rows here, is taken off but for its own variation.
    assert found.columns[0].effect == pytest.approx(0.3, abs=0.02)
    assert found.columns[0].now == pytest.approx(0.3, abs=0.03)


def test_a_sure_but_small_move_is_no_alarm() -> None:
    found = judge(windows(28, missing=0.05))

    assert found.columns[0].p_value < 1e-6
    assert found.verdict == "ok"
    assert found.p_value > ALPHA


def test_one_stormy_window_is_no_drift() -> None:
    current = windows(7)
    current[3] = profile(GRID, table(5, shift=4.0))

    assert judge(current).verdict == "ok"


def test_one_absurd_value_is_no_drift() -> None:
    absurd = table(7)
    values = np.asarray(absurd["calm"]).copy()
    values[0] = 1e300
    current = [*windows(6), profile(GRID, {**absurd, "calm": values})]

    assert judge(current).verdict == "ok"


def test_days_that_always_varied_hide_a_move_within_their_variation() -> None:
    effects = np.random.default_rng(8).normal(size=70)
    tables = [table(seed, shift=effect) for seed, effect in enumerate(effects[:42])]
    grid = fit_grid(stacked(tables))
    reference = [profile(grid, one) for one in tables]
    current = [profile(grid, table(100 + seed, shift=effect + 0.5)) for seed, effect in enumerate(effects[42:49])]

    assert judge_drift(grid, reference, current, alpha=ALPHA).verdict == "ok"
    assert judge(windows(7, shift=0.5)).verdict == "drift"


def test_a_break_late_in_a_release_is_found_by_the_short_span() -> None:
    current = [*windows(56), *windows(7, shift=0.6)]

    found = judge(current)

    assert (found.verdict, found.columns[0].windows) == ("drift", 7)


def test_verdicts_change_at_looks_only() -> None:
    drifted = windows(20, shift=0.5)

    verdicts = [judge(drifted[:count]) for count in range(21)]

    assert [one.look for one in verdicts] == [count // 7 for count in range(21)]
    assert {one.verdict for one in verdicts[:7]} == {"inconclusive"}
    assert len(set(verdicts[7:14])) == 1


def test_windows_without_rows_do_not_count() -> None:
    found = judge([empty(GRID), *windows(6), empty(GRID)])

    assert found.verdict == "inconclusive"
    assert found.reason == "6 windows since the release, the first look is at 7"


def test_too_short_a_reference_is_inconclusive_and_says_what_is_needed() -> None:
    found = judge_drift(GRID, REFERENCE[:20], windows(14), alpha=ALPHA)

    assert found.verdict == "inconclusive"
    assert found.reason == f"20 reference windows with rows, drift needs {REFERENCE_NEEDED}"


def test_profiles_of_another_grid_are_refused() -> None:
    other = fit_grid({"x": np.arange(3.0)})

    with pytest.raises(Invalid, match="is on grid"):
        judge_drift(GRID, REFERENCE, [empty(other)], alpha=ALPHA)
