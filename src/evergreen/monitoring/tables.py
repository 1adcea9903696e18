"""Polars tables as columns to profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from evergreen.core.errors import Invalid, NotFound, nearest
from evergreen.measures.grid import Categories, Column, Numbers

__all__ = ["columns_of"]


def columns_of(table: pl.DataFrame, names: Sequence[str] | None = None) -> dict[str, Column]:
    """Return the named columns (all of them by default) as numbers or categories.

    Numbers, decimals, booleans, dates and times become numbers (times count microseconds, dates days); text,
    categoricals and enums become categories. Null stays apart from NaN.

    Raises:
        NotFound: for a name that the table does not have.
        Invalid: for nested, binary and object columns, which have no profile.
    """
    chosen = table.columns if names is None else list(names)
    for name in chosen:
        if name not in table.columns:
            raise NotFound(f'the table has no column "{name}"', hint=nearest(name, table.columns), column=name)
    return {name: _column(table.get_column(name)) for name in chosen}


def _column(series: pl.Series) -> Column:
    kind = series.dtype
    if isinstance(kind, pl.String | pl.Categorical | pl.Enum):
        return _categories(series)
    if kind.is_temporal():
        return _numbers(series.to_physical())
    if kind.is_numeric() or kind in (pl.Boolean, pl.Null):
        return _numbers(series)
    raise Invalid(
        f'column "{series.name}" of type {kind} has no profile',
        hint="leave it out, or turn it into numbers or text",
        column=series.name,
    )


def _numbers(series: pl.Series) -> Numbers:
    null = series.is_null().to_numpy() if series.null_count() else None
    values = series.cast(pl.Float64).fill_null(0.0).to_numpy()
    return Numbers(values=values, null=null)


def _categories(series: pl.Series) -> Categories:
    text = series.cast(pl.String)
    names = text.drop_nulls().unique().sort()
    if names.is_empty():
        return Categories(codes=np.full(len(series), -1), names=())
    codes = text.cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return Categories(codes=codes, names=tuple(names.to_list()))
