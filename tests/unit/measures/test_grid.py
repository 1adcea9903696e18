"""Where bins lie, and that a grid survives being written down."""

from __future__ import annotations

import numpy as np
import pytest

from evergreen.core.errors import Corrupt, Invalid
from evergreen.measures.grid import (
    MAXIMUM_EDGES,
    MAXIMUM_NAMES,
    Categories,
    CategoryBins,
    Grid,
    Numbers,
    NumericBins,
    fit_grid,
)
from evergreen.measures.profile import profile

RANDOM = np.random.default_rng(5)


def numeric(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> NumericBins:
    (bins,) = fit_grid({"x": values}).columns
    assert isinstance(bins, NumericBins)
    return bins


def test_bins_of_a_continuous_column_hold_equal_shares_and_empty_tails() -> None:
    values = RANDOM.normal(size=64_000)
    grid = fit_grid({"x": values})

    counts = profile(grid, {"x": values}).columns[0].counts

    assert len(counts) == MAXIMUM_EDGES + 1
    assert counts[0] == counts[-1] == 0
    assert min(counts[1:-1]) == pytest.approx(64_000 / 63, rel=0.01)
    assert max(counts[1:-1]) == pytest.approx(64_000 / 63, rel=0.01)


def test_an_atom_has_a_bin_of_its_own() -> None:
    values = np.concatenate([np.zeros(500), RANDOM.normal(size=500)])
    grid = fit_grid({"x": values})
    (bins,) = grid.columns
    assert isinstance(bins, NumericBins)

    counts = profile(grid, {"x": values}).columns[0].counts

    assert counts[bins.edges.index(0.0) + 1] == 500
    assert len(bins.edges) <= MAXIMUM_EDGES


def test_a_column_of_zeros_and_ones_has_both_values_apart() -> None:
    grid = fit_grid({"x": np.array([0.0, 1.0] * 100)})

    assert profile(grid, {"x": np.array([0.0, 0.0, 1.0, 0.5, 7.0, -3.0])}).columns[0].counts == (1, 2, 1, 1, 1)


def test_a_column_without_values_has_one_bin() -> None:
    assert numeric(np.array([np.nan, np.inf])).edges == ()


@pytest.mark.parametrize("values", [[3.0], [0.0], [1e308, -1e308], [5e-324, 0.0], [-0.0, 0.0]])
def test_odd_columns_still_get_a_grid_that_can_be_written_down(values: list[float]) -> None:
    grid = fit_grid({"x": np.array(values)})

    assert Grid.decode(grid.encode()) == grid
    assert sum(profile(grid, {"x": np.array(values)}).columns[0].counts) == len(values)


def test_the_most_frequent_names_are_kept_and_the_rest_is_other() -> None:
    names = tuple(f"name {index:03}" for index in range(300))
    codes = np.repeat(np.arange(300), np.arange(300, 0, -1))

    (bins,) = fit_grid({"x": Categories(codes=codes, names=names)}).columns

    assert isinstance(bins, CategoryBins)
    assert bins.names == names[:MAXIMUM_NAMES]
    assert bins.labels()[-1] == "(other)"


def test_nulls_do_not_shape_the_grid() -> None:
    values = np.array([1.0, 2.0, 999.0])

    assert fit_grid({"x": Numbers(values=values, null=np.array([False, False, True]))}) == fit_grid({"x": values[:2]})


def test_equal_grids_have_one_digest_and_others_another() -> None:
    first, second = np.arange(10.0), np.arange(11.0)

    assert fit_grid({"x": first}).digest == fit_grid({"x": first[::-1].copy()}).digest
    assert fit_grid({"x": first}).digest != fit_grid({"x": second}).digest
    assert fit_grid({"x": first}).digest != fit_grid({"y": first}).digest


def test_a_grid_survives_encoding() -> None:
    grid = fit_grid({"n": RANDOM.normal(size=100), "c": Categories(codes=np.array([0, -1]), names=("a", "b"))})

    again = Grid.decode(grid.encode())

    assert again == grid
    assert again.digest == grid.digest


def test_bytes_that_are_no_grid_are_corrupt() -> None:
    with pytest.raises(Corrupt, match="no grid"):
        Grid.decode(b"{}")


def test_a_grid_without_columns_is_refused() -> None:
    with pytest.raises(Invalid, match="at least one column"):
        fit_grid({})


def test_every_bin_has_a_label() -> None:
    bins = numeric(np.arange(5.0))

    assert len(bins.labels()) == bins.size
