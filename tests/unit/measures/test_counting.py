"""Counting below edges agrees with sorting, whatever the values look like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evergreen.measures.counting import count_below

RANDOM = np.random.default_rng(4)
ROWS = 20_000  # above the size at which everything is simply sorted

SHAPES = {
    "normal": RANDOM.normal(size=ROWS),
    "heavy tails": RANDOM.standard_cauchy(ROWS),
    "skewed": RANDOM.lognormal(0, 3, ROWS),
    "epoch seconds": 1.7e9 + RANDOM.integers(0, 86_400, ROWS),
    "mostly zero": np.where(RANDOM.random(ROWS) < 0.9, 0.0, RANDOM.normal(size=ROWS)),
    "with infinities": np.where(RANDOM.random(ROWS) < 0.1, np.inf, np.where(RANDOM.random(ROWS) < 0.1, -np.inf, 1.0)),
    "huge": RANDOM.uniform(-1.7, 1.7, ROWS) * 1e308,
    "tiny": RANDOM.normal(size=ROWS) * 1e-310,
}


@pytest.mark.parametrize("values", SHAPES.values(), ids=list(SHAPES))
def test_counts_equal_those_of_a_full_sort(values: NDArray[np.float64]) -> None:
    finite = values[np.isfinite(values)]
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, 64), method="nearest"))
    edges = np.unique(np.concatenate([edges, np.nextafter(edges, np.inf)]))
    edges = edges[np.isfinite(edges)]

    expected = np.searchsorted(np.sort(values), edges, side="left")

    assert np.array_equal(count_below(values, edges), expected)


@given(
    st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=8, unique=True),
    st.integers(0, 2**32 - 1),
)
def test_values_on_and_next_to_an_edge_are_counted_exactly(edges: list[float], seed: int) -> None:
    limits = np.unique(np.array(edges) + 0.0)
    near = np.concatenate([limits, np.nextafter(limits, np.inf), np.nextafter(limits, -np.inf)])
    values = np.random.default_rng(seed).choice(near, 5000)

    assert np.array_equal(count_below(values, limits), np.searchsorted(np.sort(values), limits, side="left"))


def test_no_edges_give_no_counts() -> None:
    assert count_below(np.arange(5000.0), np.array([])).size == 0
