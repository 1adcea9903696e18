"""A constant-size summary of a table on a grid. Profiles of parts add up exactly to the profile of the whole.

All accumulators are integers; floats appear only when a profile is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import add

import msgspec
import numpy as np
from numpy.typing import NDArray

from evergreen.core.digest import Digest
from evergreen.core.errors import Corrupt, Invalid
from evergreen.measures.counting import count_below
from evergreen.measures.grid import Categories, CategoryBins, Column, Grid, Numbers, NumericBins

__all__ = ["ColumnCounts", "Profile", "empty", "mean_and_deviation", "merge", "merge_all", "profile"]

_BLOCK = 8192
_LIMIT = 2**20  # in units; 8192 squares of it still add up exactly in float64, whatever the order


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCounts:
    """What one column held: rows per bin, rows without a value, and sums in the grid's units.

    ``total`` and ``squares`` are sums of ``round((value - centre) / unit)`` and its square, each value held within
    2**20 units (some 256 times the reference's spread), so that no single absurd value can own the sum.
    ``minimum`` and ``maximum`` are over finite values; all four stay at 0 or None for categories.
    """

    counts: tuple[int, ...]
    nulls: int = 0
    nans: int = 0
    total: int = 0
    squares: int = 0
    minimum: float | None = None
    maximum: float | None = None


class _Stored(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A profile as it is written down: msgpack arrays; sums as text, since they may pass 64 bits."""

    schema: int
    grid: str
    rows: int
    columns: tuple[tuple[tuple[int, ...], int, int, str, str, float | None, float | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Counts of each column of the grid named by ``grid``, over ``rows`` rows."""

    grid: Digest
    rows: int
    columns: tuple[ColumnCounts, ...]

    def encode(self) -> bytes:
        """Return compact bytes (some 200 for a column), from which ``decode`` makes an equal profile."""
        columns = tuple(
            (one.counts, one.nulls, one.nans, str(one.total), str(one.squares), one.minimum, one.maximum)
            for one in self.columns
        )
        return msgspec.msgpack.encode(_Stored(schema=1, grid=self.grid, rows=self.rows, columns=columns))

    @staticmethod
    def decode(data: bytes) -> Profile:
        """Return the profile that was encoded.

        Raises:
            Corrupt: when the bytes are not an encoded profile.
        """
        try:
            stored = msgspec.msgpack.decode(data, type=_Stored)
            columns = tuple(
                ColumnCounts(
                    counts=counts,
                    nulls=nulls,
                    nans=nans,
                    total=int(total),
                    squares=int(squares),
                    minimum=low,
                    maximum=high,
                )
                for counts, nulls, nans, total, squares, low, high in stored.columns
            )
        except (msgspec.MsgspecError, ValueError) as error:
            raise Corrupt(f"these bytes are no profile: {error}") from error
        if stored.schema != 1:
            raise Corrupt(f"this profile has schema {stored.schema}, this release reads 1")
        return Profile(grid=Digest(stored.grid), rows=stored.rows, columns=columns)


def profile(grid: Grid, columns: Mapping[str, Column]) -> Profile:
    """Return the profile of the grid's columns; other columns are ignored. Costs some 10 ns a value.

    Raises:
        Invalid: when a column of the grid is missing, is of another kind, or lengths differ.
    """
    missing = [bins.name for bins in grid.columns if bins.name not in columns]
    if missing:
        raise Invalid(f"cannot profile: {', '.join(missing)} missing, found {', '.join(columns)}", columns=missing)
    rows = {bins.name: _length(columns[bins.name]) for bins in grid.columns}
    if len(set(rows.values())) > 1:
        raise Invalid(f"cannot profile columns of different lengths: {rows}")
    return Profile(
        grid=grid.digest,
        rows=next(iter(rows.values()), 0),
        columns=tuple(_count(bins, columns[bins.name]) for bins in grid.columns),
    )


def empty(grid: Grid) -> Profile:
    """Return the profile of no rows: merging it changes nothing."""
    columns = tuple(ColumnCounts(counts=(0,) * bins.size) for bins in grid.columns)
    return Profile(grid=grid.digest, rows=0, columns=columns)


def merge(first: Profile, second: Profile) -> Profile:
    """Return the profile of both tables together: exact, in any order and grouping.

    Raises:
        Invalid: when the profiles were made on different grids.
    """
    if first.grid != second.grid:
        raise Invalid(
            f"cannot merge profiles of different grids {first.grid[:12]} and {second.grid[:12]}",
            hint="profile both tables on the grid of one reference",
        )
    return Profile(
        grid=first.grid,
        rows=first.rows + second.rows,
        columns=tuple(_merge_columns(a, b) for a, b in zip(first.columns, second.columns, strict=True)),
    )


def merge_all(grid: Grid, profiles: Iterable[Profile]) -> Profile:
    """Return the profile of all tables together, the empty one when there are none."""
    whole = empty(grid)
    for one in profiles:
        whole = merge(whole, one)
    return whole


def mean_and_deviation(bins: NumericBins, counts: ColumnCounts) -> tuple[float, float] | None:
    """Return mean and standard deviation (divided by n) of a numeric column, None without values.

    Exact up to the rounding of each value to whole units, at most 1/4096 of the reference's spread (1 % to 99 %).
    """
    rows = sum(counts.counts)
    if rows == 0:
        return None
    mean = counts.total / rows
    # In integers up to the last step: the difference of two large floats would lose the variance.
    variance = (counts.squares * rows - counts.total**2) / rows**2
    return bins.centre + mean * bins.unit, math.sqrt(variance) * bins.unit


def _length(column: Column) -> int:
    values = column.codes if isinstance(column, Categories) else _numbers(column).values
    return int(np.asarray(values).shape[0])


def _numbers(column: Numbers | NDArray[np.float64]) -> Numbers:
    return column if isinstance(column, Numbers) else Numbers(values=np.asarray(column))


def _count(bins: NumericBins | CategoryBins, column: Column) -> ColumnCounts:
    if isinstance(bins, CategoryBins):
        if not isinstance(column, Categories):
            raise Invalid(f'column "{bins.name}" holds numbers, the reference held categories', column=bins.name)
        return _count_names(bins, column)
    if isinstance(column, Categories):
        raise Invalid(f'column "{bins.name}" holds categories, the reference held numbers', column=bins.name)
    return _count_numbers(bins, _numbers(column))


def _count_numbers(bins: NumericBins, column: Numbers) -> ColumnCounts:
    values = np.asarray(column.values, dtype=np.float64)
    present = values if column.null is None else values[~column.null]
    known = present[~missing] if (missing := np.isnan(present)).any() else present
    below = count_below(known, np.asarray(bins.edges, dtype=np.float64))
    finite = known if (inside := np.isfinite(known)).all() else known[inside]
    total, squares = _sums(known, bins.centre, bins.unit)
    return ColumnCounts(
        counts=tuple(np.diff(below, prepend=0, append=known.size).tolist()),
        nulls=values.size - present.size,
        nans=present.size - known.size,
        total=total,
        squares=squares,
        minimum=float(finite.min()) + 0.0 if finite.size else None,  # adding 0 turns -0.0 into 0.0
        maximum=float(finite.max()) + 0.0 if finite.size else None,
    )


def _sums(values: NDArray[np.float64], centre: float, unit: float) -> tuple[int, int]:
    total = squares = 0
    for start in range(0, values.size, _BLOCK):
        with np.errstate(over="ignore"):  # infinity is held within the limit like any other
            whole = values[start : start + _BLOCK] - centre
            whole /= unit
        np.rint(whole, out=whole)
        np.clip(whole, -_LIMIT, _LIMIT, out=whole)
        total += int(whole.sum())
        squares += int(np.dot(whole, whole))
    return total, squares


def _count_names(bins: CategoryBins, column: Categories) -> ColumnCounts:
    codes = np.asarray(column.codes)
    nulls = int((codes < 0).sum())
    by_code = np.bincount(codes if nulls == 0 else codes[codes >= 0], minlength=len(column.names))
    if by_code.size > len(column.names):
        raise Invalid(f'column "{bins.name}" has codes beyond its {len(column.names)} names', column=bins.name)
    place = {name: index for index, name in enumerate(bins.names)}
    counts = [0] * bins.size
    for name, count in zip(column.names, by_code.tolist(), strict=True):
        counts[place.get(name, -1)] += count
    return ColumnCounts(counts=tuple(counts), nulls=nulls)


def _merge_columns(first: ColumnCounts, second: ColumnCounts) -> ColumnCounts:
    lows = [value for value in (first.minimum, second.minimum) if value is not None]
    highs = [value for value in (first.maximum, second.maximum) if value is not None]
    return ColumnCounts(
        counts=tuple(map(add, first.counts, second.counts)),
        nulls=first.nulls + second.nulls,
        nans=first.nans + second.nans,
        total=first.total + second.total,
        squares=first.squares + second.squares,
        minimum=min(lows, default=None),
        maximum=max(highs, default=None),
    )
