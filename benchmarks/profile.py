"""A profile of 1,000,000 rows of 40 numeric and 10 category columns, against bare numpy doing the same counting.

python -m benchmarks.profile [--rows 1000000] [--turns 5]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np
from benchmarks.harness import compare, machine, table, timed

from evergreen.measures.grid import Categories, Column, Grid, NumericBins, fit_grid
from evergreen.measures.profile import profile

__all__ = ["bare_numpy", "main", "measure"]

NAMES = tuple(f"name {index}" for index in range(30))


def columns_of(rows: int, random: np.random.Generator) -> dict[str, Column]:
    """Return normal, skewed and mostly-zero numbers, and categories of 30 names."""
    columns: dict[str, Column] = {f"normal {index}": random.standard_normal(rows) for index in range(20)}
    columns |= {f"skewed {index}": random.lognormal(0, 1, rows) for index in range(10)}
    columns |= {
        f"atom {index}": np.where(random.random(rows) < 0.7, 0.0, random.standard_normal(rows)) for index in range(10)
    }
    return columns | {
        f"category {index}": Categories(codes=random.integers(0, 30, rows), names=NAMES) for index in range(10)
    }


def bare_numpy(grid: Grid, columns: Mapping[str, Column]) -> None:
    """Count as one would by hand: sort, search the edges, sum; count the codes."""
    for bins in grid.columns:
        column = columns[bins.name]
        if isinstance(bins, NumericBins) and isinstance(column, np.ndarray):
            ordered = np.sort(column)
            np.diff(np.searchsorted(ordered, np.asarray(bins.edges)), prepend=0, append=ordered.size)
            _ = (ordered[0], ordered[-1], ordered.sum(), np.dot(ordered, ordered), np.isnan(ordered[-1]))
        elif isinstance(column, Categories):
            np.bincount(column.codes + 1, minlength=len(column.names) + 1)


def measure(rows: int, turns: int) -> str:
    """Return the table."""
    random = np.random.default_rng(0)
    columns = columns_of(rows, random)
    grid = fit_grid(columns_of(min(rows, 50_000), random))
    subjects = {
        "numpy, sort and search": timed(lambda: bare_numpy(grid, columns), 1),
        "evergreen": timed(lambda: profile(grid, columns), 1),
    }
    size = len(profile(grid, columns).encode())
    return table(
        f"A profile of {rows:,} rows × {len(columns)} columns ({size:,} bytes)", compare(subjects, turns=turns)
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    print(f"{machine()}\n\n{measure(options.rows, options.turns)}")


if __name__ == "__main__":
    main()
