"""Polars tables as columns to profile."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from evergreen.core.errors import Invalid, NotFound
from evergreen.measures.grid import Categories, Numbers, fit_grid
from evergreen.measures.profile import profile
from evergreen.monitoring.tables import columns_of


def only(series: pl.Series) -> Numbers | Categories:
    (column,) = columns_of(series.to_frame()).values()
    assert isinstance(column, Numbers | Categories)
    return column


@pytest.mark.parametrize(
    "series",
    [
        pl.Series("x", [1, None, 3], dtype=pl.Int16),
        pl.Series("x", [1.0, None, 3.0]),
        pl.Series("x", [True, None, False]),
        pl.Series("x", [date(2013, 1, 1), None, date(2013, 1, 3)]),
        pl.Series("x", [datetime(2013, 1, 1, tzinfo=UTC), None, datetime(2013, 1, 3, tzinfo=UTC)]),
        pl.Series("x", [timedelta(1), None, timedelta(2)]),
        pl.Series("x", ["1.5", None, "2.5"]).cast(pl.Decimal(scale=2)),
    ],
    ids=lambda series: str(series.dtype),
)
def test_numbers_booleans_and_times_become_numbers_with_nulls_apart(series: pl.Series) -> None:
    column = only(series)

    assert isinstance(column, Numbers)
    assert column.null is not None
    assert column.null.tolist() == [False, True, False]
    assert column.values.dtype == np.float64


def test_nan_is_not_null() -> None:
    columns = columns_of(pl.DataFrame({"x": [float("nan"), None, 1.0]}))

    counts = profile(fit_grid(columns), columns).columns[0]

    assert (counts.nans, counts.nulls) == (1, 1)


@pytest.mark.parametrize("kind", [pl.String(), pl.Categorical(), pl.Enum(["b", "a", "unused"])], ids=str)
def test_text_becomes_categories_in_order_of_names(kind: pl.DataType) -> None:
    column = only(pl.Series("x", ["b", None, "a", "b"], dtype=kind))

    assert isinstance(column, Categories)
    assert column.names == ("a", "b")
    assert column.codes.tolist() == [1, -1, 0, 1]


def test_text_that_is_all_null_is_a_category_without_names() -> None:
    column = only(pl.Series("x", [None, None], dtype=pl.String))

    assert isinstance(column, Categories)
    assert (column.names, column.codes.tolist()) == ((), [-1, -1])


def test_an_all_null_column_of_no_type_is_numeric() -> None:
    assert isinstance(only(pl.Series("x", [None, None])), Numbers)


def test_only_the_named_columns_are_taken() -> None:
    assert list(columns_of(pl.DataFrame({"a": [1], "b": [2]}), ["b"])) == ["b"]


def test_an_unknown_column_hints_at_the_nearest() -> None:
    with pytest.raises(NotFound) as caught:
        columns_of(pl.DataFrame({"distance": [1]}), ["distanse"])

    assert caught.value.hint == 'did you mean "distance"?'


def test_nested_columns_are_refused_with_a_way_out() -> None:
    with pytest.raises(Invalid, match="has no profile"):
        columns_of(pl.DataFrame({"x": [[1, 2]]}))
