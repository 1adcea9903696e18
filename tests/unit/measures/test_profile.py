"""Profiles add up exactly, in any order, and refuse what does not belong together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evergreen.core.errors import Corrupt, Invalid
from evergreen.measures.grid import Categories, Column, Numbers, NumericBins, fit_grid
from evergreen.measures.profile import Profile, empty, mean_and_deviation, merge, merge_all, profile

RANDOM = np.random.default_rng(6)
NAMES = ("a", "b", "new")
GRID = fit_grid({"n": RANDOM.normal(size=1000), "c": Categories(codes=RANDOM.integers(0, 2, 1000), names=("a", "b"))})

Row = tuple[float | None, int]
rows = st.lists(st.tuples(st.none() | st.floats(), st.integers(-1, 2)), max_size=30)


def table(content: list[Row]) -> dict[str, Column]:
    null = np.array([value is None for value, _ in content], dtype=np.bool_)
    values = np.array([0.0 if value is None else value for value, _ in content])
    codes = np.array([code for _, code in content], dtype=np.int64)
    return {"n": Numbers(values=values, null=null), "c": Categories(codes=codes, names=NAMES)}


def of(content: list[Row]) -> Profile:
    return profile(GRID, table(content))


@given(rows, rows)
def test_merging_two_profiles_equals_profiling_both_at_once(first: list[Row], second: list[Row]) -> None:
    assert merge(of(first), of(second)) == of(first + second)


@given(rows, rows, rows)
def test_merging_is_free_of_order_and_grouping(first: list[Row], second: list[Row], third: list[Row]) -> None:
    a, b, c = of(first), of(second), of(third)

    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(rows, st.randoms())
def test_a_profile_does_not_depend_on_the_order_of_rows(content: list[Row], random: object) -> None:
    shuffled = content.copy()
    getattr(random, "shuffle")(shuffled)  # noqa: B009  hypothesis hands out a Random without saying so

    assert of(shuffled) == of(content)


@given(rows)
def test_a_profile_survives_encoding(content: list[Row]) -> None:
    assert Profile.decode(of(content).encode()) == of(content)


@given(rows)
def test_every_row_is_counted_once_in_every_column(content: list[Row]) -> None:
    found = of(content)

    assert found.rows == len(content)
    for column in found.columns:
        assert sum(column.counts) + column.nulls + column.nans == len(content)


def test_merging_large_parts_is_exact_too() -> None:
    values = RANDOM.standard_cauchy(100_000) * 1e6
    codes = RANDOM.integers(-1, 3, 100_000)

    def part(start: int, stop: int) -> Profile:
        return profile(GRID, {"n": values[start:stop], "c": Categories(codes=codes[start:stop], names=NAMES)})

    assert merge_all(GRID, [part(60_001, 100_000), part(0, 7), part(7, 60_001)]) == part(0, 100_000)


def test_the_empty_profile_changes_nothing() -> None:
    some = of([(1.0, 0), (None, -1)])

    assert merge(some, empty(GRID)) == some
    assert of([]) == empty(GRID)


def test_null_and_nan_are_counted_apart() -> None:
    column = of([(None, 0), (float("nan"), 0), (float("nan"), 0), (1.0, 0)]).columns[0]

    assert (column.nulls, column.nans, sum(column.counts)) == (1, 2, 1)


def test_infinities_fall_into_the_tails_and_not_into_the_range() -> None:
    column = of([(float("inf"), 0), (float("-inf"), 0), (0.5, 0)]).columns[0]

    assert column.counts[0] == column.counts[-1] == 1
    assert (column.minimum, column.maximum) == (0.5, 0.5)


def test_names_that_the_reference_did_not_have_are_other() -> None:
    assert of([(0.0, 0), (0.0, 2), (0.0, 2)]).columns[1].counts == (1, 0, 2)


def test_mean_and_deviation_are_those_of_the_values() -> None:
    values = RANDOM.normal(3, 2, 50_000)
    grid = fit_grid({"x": values})
    (bins,) = grid.columns
    assert isinstance(bins, NumericBins)

    found = mean_and_deviation(bins, profile(grid, {"x": values}).columns[0])

    # Each value is rounded to a unit, at most 1/2048 of the spread (here 9.3): a mean of roundings is far smaller.
    assert found is not None
    assert found[0] == pytest.approx(values.mean(), abs=1e-4)
    assert found[1] == pytest.approx(values.std(), abs=1e-4)


def test_one_absurd_value_cannot_own_the_mean() -> None:
    values = RANDOM.normal(size=10_000)
    grid = fit_grid({"x": values})
    (bins,) = grid.columns
    assert isinstance(bins, NumericBins)

    found = mean_and_deviation(bins, profile(grid, {"x": np.append(values, 1e300)}).columns[0])

    assert found is not None
    assert abs(found[0]) < 0.5


def test_mean_of_no_values_is_none() -> None:
    (bins, _) = GRID.columns
    assert isinstance(bins, NumericBins)

    assert mean_and_deviation(bins, empty(GRID).columns[0]) is None


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.bool_, np.uint8])
def test_any_real_array_is_a_numeric_column(kind: type[np.generic]) -> None:
    values: NDArray[np.generic] = np.array([0, 1, 1], dtype=kind)

    assert sum(profile(fit_grid({"x": values}), {"x": values}).columns[0].counts) == 3


def test_profiles_of_different_grids_refuse_to_merge() -> None:
    other = fit_grid({"n": np.arange(5.0), "c": Categories(codes=np.array([0]), names=("a",))})

    with pytest.raises(Invalid, match="different grids"):
        merge(of([]), empty(other))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(Invalid, match="c missing, found n"):
        profile(GRID, {"n": np.zeros(3)})


def test_a_column_of_another_kind_is_refused() -> None:
    with pytest.raises(Invalid, match='"c" holds numbers, the reference held categories'):
        profile(GRID, {"n": np.zeros(3), "c": np.zeros(3)})
    with pytest.raises(Invalid, match='"n" holds categories, the reference held numbers'):
        codes = Categories(codes=np.zeros(3, dtype=np.int64), names=("a",))
        profile(GRID, {"n": codes, "c": codes})


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(Invalid, match="different lengths"):
        profile(GRID, {"n": np.zeros(3), "c": Categories(codes=np.zeros(2, dtype=np.int64), names=("a",))})


def test_codes_beyond_the_names_are_refused() -> None:
    with pytest.raises(Invalid, match="beyond its 1 names"):
        profile(GRID, {"n": np.zeros(1), "c": Categories(codes=np.array([4]), names=("a",))})


def test_bytes_that_are_no_profile_are_corrupt() -> None:
    with pytest.raises(Corrupt, match="no profile"):
        Profile.decode(b"\x00")


def test_a_profile_is_small() -> None:
    values = RANDOM.normal(size=100_000)
    grid = fit_grid({f"n{index}": values for index in range(50)})

    assert len(profile(grid, {f"n{index}": values for index in range(50)}).encode()) < 16_000
