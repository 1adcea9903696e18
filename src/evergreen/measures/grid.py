"""Where a profile's bins lie: fixed once from reference rows, so that all later profiles can be added.

A grid also fixes the units in which sums are kept as integers, which makes merging exact in any order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from evergreen.core.canonical import canonical
from evergreen.core.digest import Digest, digest_of
from evergreen.core.errors import Corrupt, Invalid

__all__ = [
    "MAXIMUM_EDGES",
    "MAXIMUM_NAMES",
    "Categories",
    "CategoryBins",
    "Column",
    "Grid",
    "Numbers",
    "NumericBins",
    "fit_grid",
]

MAXIMUM_EDGES = 64
MAXIMUM_NAMES = 255


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """A numeric column: (n,) values, and (n,) True where there is no value at all (``None``: nowhere).

    NaN is a value of its own and is counted apart from null. Integers beyond 2**53 are rounded to float64.
    """

    values: NDArray[Any]  # any real dtype
    null: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Categories:
    """A category column: (n,) integer codes into ``names``, -1 for null."""

    codes: NDArray[Any]  # any integer dtype
    names: tuple[str, ...]


Column = Numbers | Categories | NDArray[Any]
"""A bare array is a numeric column without nulls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericBins:
    """Bins ``(-inf, e0), [e0, e1), ... [ek, inf)`` of a numeric column.

    The first and last bin are tails: nothing of the reference lies in them. A value that the reference holds often
    (an atom) has a bin of its own. Sums are kept as whole ``unit``s around ``centre``.
    """

    name: str
    edges: tuple[float, ...]
    centre: float
    unit: float

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 1

    def labels(self) -> tuple[str, ...]:
        """Return a readable name for each bin."""
        ends = ["-inf", *(f"{edge:.6g}" for edge in self.edges), "inf"]
        return tuple(f"{low} to {high}" for low, high in pairwise(ends))


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryBins:
    """One bin for each of ``names``, and a last one for every other name."""

    name: str
    names: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.names) + 1

    def labels(self) -> tuple[str, ...]:
        """Return a readable name for each bin."""
        return (*self.names, "(other)")


class _StoredColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column of a grid as it is written down; ``names`` is given for categories only."""

    name: str
    edges: tuple[float, ...] = ()
    centre: float = 0.0
    unit: float = 1.0
    names: tuple[str, ...] | None = None


class _StoredGrid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    columns: tuple[_StoredColumn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The bins of each column, in the reference's order. ``digest`` names the grid by its canonical bytes."""

    columns: tuple[NumericBins | CategoryBins, ...]
    digest: Digest = field(init=False, compare=False)

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise Invalid(f"a grid needs columns of different names, found {names}")
        object.__setattr__(self, "digest", digest_of(self.encode()))

    def encode(self) -> bytes:
        """Return canonical JSON, from which ``decode`` makes an equal grid."""
        return canonical(_StoredGrid(schema=1, columns=tuple(_stored(column) for column in self.columns)))

    @staticmethod
    def decode(data: bytes) -> Grid:
        """Return the grid that was encoded.

        Raises:
            Corrupt: when the bytes are not an encoded grid.
        """
        try:
            stored = msgspec.json.decode(data, type=_StoredGrid)
        except msgspec.MsgspecError as error:
            raise Corrupt(f"these bytes are no grid: {error}") from error
        if stored.schema != 1:
            raise Corrupt(f"this grid has schema {stored.schema}, this release reads 1")
        return Grid(columns=tuple(_loaded(column) for column in stored.columns))


def fit_grid(columns: Mapping[str, Column]) -> Grid:
    """Return the grid of reference columns: up to 64 quantile edges, or the 255 most frequent names.

    Raises:
        Invalid: when there are no columns, or they are not one-dimensional.
    """
    if not columns:
        raise Invalid("a grid needs at least one column")
    return Grid(
        columns=tuple(
            _category_bins(name, column) if isinstance(column, Categories) else _numeric_bins(name, column)
            for name, column in columns.items()
        )
    )


def _numeric_bins(name: str, column: Numbers | NDArray[Any]) -> NumericBins:
    numbers = column if isinstance(column, Numbers) else Numbers(values=np.asarray(column))
    values = np.asarray(numbers.values, dtype=np.float64)
    if values.ndim != 1:
        raise Invalid(f'column "{name}" must have one dimension, found shape {values.shape}', column=name)
    if numbers.null is not None:
        values = values[~numbers.null]
    ordered = np.sort(values[np.isfinite(values)])
    if ordered.size == 0:
        return NumericBins(name=name, edges=(), centre=0.0, unit=1.0)
    places = np.rint(np.linspace(0, ordered.size - 1, MAXIMUM_EDGES)).astype(np.int64)
    found, hits = np.unique(ordered[places] + 0.0, return_counts=True)  # adding 0 turns -0.0 into 0.0
    # A value that several quantiles fall on is an atom: a second edge right above it closes its bin. It uses up
    # at least two quantiles, so the limit on edges holds. The largest value is closed off from the tail likewise,
    # and needs no edge below it unless it is an atom.
    is_atom = hits > 1
    closed = np.append(found[is_atom], found[-1])
    below = found[:-1] if not is_atom[-1] else found
    with np.errstate(over="ignore"):
        edges = np.unique(np.concatenate([below, np.nextafter(closed, np.inf)]))
    edges = edges[np.isfinite(edges)]
    low, centre, high = ordered[np.rint(np.array([0.01, 0.5, 0.99]) * (ordered.size - 1)).astype(np.int64)]
    unit = _unit([float(high) / 2 - float(low) / 2, float(ordered[-1]) / 2 - float(ordered[0]) / 2, float(centre)])
    return NumericBins(name=name, edges=tuple(edges.tolist()), centre=float(centre), unit=unit)


def _unit(half_spreads: Sequence[float]) -> float:
    """Return the power of two that cuts the first spread that is not 0 into 4096 to 8192 units."""
    half = next((abs(one) for one in half_spreads if one), 0.5)
    _, exponent = math.frexp(half)
    return math.ldexp(1.0, max(exponent - 12, -1000))


def _category_bins(name: str, column: Categories) -> CategoryBins:
    codes = np.asarray(column.codes)
    counts = np.bincount(codes[codes >= 0], minlength=len(column.names)).tolist()
    found = [(count, label) for count, label in zip(counts, column.names, strict=True) if count]
    top = sorted(found, key=lambda item: (-item[0], item[1]))[:MAXIMUM_NAMES]
    return CategoryBins(name=name, names=tuple(sorted(label for _, label in top)))


def _stored(column: NumericBins | CategoryBins) -> _StoredColumn:
    if isinstance(column, CategoryBins):
        return _StoredColumn(name=column.name, names=column.names)
    return _StoredColumn(name=column.name, edges=column.edges, centre=column.centre, unit=column.unit)


def _loaded(column: _StoredColumn) -> NumericBins | CategoryBins:
    if column.names is not None:
        return CategoryBins(name=column.name, names=column.names)
    return NumericBins(name=column.name, edges=column.edges, centre=column.centre, unit=column.unit)
