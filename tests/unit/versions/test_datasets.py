"""Dataset versions: commits add and replace rows, and a span opens what it needs and returns the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen.core.digest import Digest
from evergreen.core.errors import Invalid
from evergreen.store.objects import MemoryObjects
from evergreen.versions.datasets import DatasetManifest, Span, as_table, parquet_bytes, read, with_fragment

DAY = datetime(2013, 3, 1, tzinfo=UTC)


class Data:
    """A dataset in memory, that counts which fragments are opened."""

    def __init__(self, *, key: str | None = "id", time: str | None = "at") -> None:
        self.objects = MemoryObjects()
        self.key, self.time = key, time
        self.manifest: DatasetManifest | None = None
        self.opened = 0

    def commit(self, table: pl.DataFrame) -> DatasetManifest:
        digest = self.objects.put(parquet_bytes(table))
        self.manifest = with_fragment("flights", self.manifest, table, digest, key=self.key, time=self.time)
        return self.manifest

    def get(self, digest: Digest) -> bytes:
        self.opened += 1
        return self.objects.get(digest)

    def rows(self, span: Span | None = None) -> pl.DataFrame:
        assert self.manifest is not None
        self.opened = 0
        return read(self.get, self.manifest, span)


def table(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """Make a table of rows (id, day in March, value)."""
    return pl.DataFrame(
        {
            "id": [name for name, _, _ in rows],
            "at": [DAY + timedelta(days=day - 1) for _, day, _ in rows],
            "value": [value for _, _, value in rows],
        },
        schema={"id": pl.String, "at": pl.Datetime("us", "UTC"), "value": pl.Float64},
    )


def day(number: int) -> str:
    return f"2013-03-{number:02}T00:00:00Z"


def pairs(found: pl.DataFrame) -> list[tuple[Any, ...]]:
    return found.select("id", "value").rows()


# ------------------------------------------------------------------ commits


def test_a_commit_adds_its_rows() -> None:
    data = Data()
    data.commit(table(("a", 1, 1.0)))

    manifest = data.commit(table(("b", 2, 2.0), ("c", 3, 3.0)))

    assert manifest.rows == 3
    assert manifest.last == "2013-03-03T00:00:00.000000Z"
    assert [(fragment.rows, fragment.first) for fragment in manifest.fragments] == [
        (1, "2013-03-01T00:00:00.000000Z"),
        (2, "2013-03-02T00:00:00.000000Z"),
    ]
    assert pairs(data.rows()) == [("a", 1.0), ("b", 2.0), ("c", 3.0)]


def test_an_older_version_still_reads_as_it_was() -> None:
    data = Data()
    first = data.commit(table(("a", 1, 1.0)))
    data.commit(table(("a", 1, 9.0)))

    assert pairs(read(data.get, first)) == [("a", 1.0)]


def test_a_row_replaces_the_older_one_of_its_key() -> None:
    data = Data()
    data.commit(table(("a", 1, 1.0), ("b", 2, 2.0), ("b", 2, 2.5)))
    data.commit(table(("a", 1, 9.0)))

    assert pairs(data.rows()) == [("a", 9.0), ("b", 2.5)]


def test_without_a_key_every_row_stays() -> None:
    data = Data(key=None)
    data.commit(table(("a", 1, 1.0)))
    data.commit(table(("a", 1, 1.0)))

    assert pairs(data.rows()) == [("a", 1.0), ("a", 1.0)]


def test_rows_come_in_the_order_of_their_times() -> None:
    data = Data()
    data.commit(table(("c", 3, 3.0), ("a", 1, 1.0)))
    data.commit(table(("b", 2, 2.0)))

    assert data.rows()["id"].to_list() == ["a", "b", "c"]


def test_an_empty_commit_changes_no_row() -> None:
    data = Data()
    data.commit(table())

    assert data.rows().height == 0
    assert data.rows().columns == ["id", "at", "value"]
    data.commit(table(("a", 1, 1.0)))
    assert pairs(data.rows()) == [("a", 1.0)]


# ------------------------------------------------------------------ spans


def test_a_span_holds_its_start_and_not_its_end() -> None:
    data = Data()
    for number in range(1, 8):
        data.commit(table((f"id-{number}", number, float(number))))

    assert data.rows(Span(start=day(3), end=day(5)))["id"].to_list() == ["id-3", "id-4"]
    assert data.rows(Span(start=day(6)))["id"].to_list() == ["id-6", "id-7"]
    assert data.rows(Span(end=day(2)))["id"].to_list() == ["id-1"]
    assert data.rows(Span(start=day(20), end=day(25))).columns == ["id", "at", "value"]


def test_a_span_does_not_open_what_lies_before_it() -> None:
    data = Data()
    for number in range(1, 29):
        data.commit(table((f"id-{number}", number, float(number))))

    data.rows(Span(start=day(27)))

    assert data.opened == 2


def test_a_span_without_a_key_opens_only_what_it_needs() -> None:
    data = Data(key=None)
    for number in range(1, 29):
        data.commit(table((f"id-{number}", number, float(number))))

    data.rows(Span(start=day(3), end=day(5)))

    assert data.opened == 2


def test_a_row_that_was_moved_out_of_the_span_is_not_in_it() -> None:
    data = Data()
    data.commit(table(("a", 1, 1.0), ("b", 1, 2.0)))
    data.commit(table(("a", 20, 9.0)))

    assert pairs(data.rows(Span(start=day(1), end=day(5)))) == [("b", 2.0)]
    assert pairs(data.rows(Span(start=day(15)))) == [("a", 9.0)]


def test_the_bounds_of_a_span_may_be_spelled_in_any_zone() -> None:
    data = Data()
    data.commit(table(("a", 3, 1.0)))

    assert data.rows(Span(start="2013-03-03T01:00:00+01:00")).height == 1
    assert data.rows(Span(end="2013-03-03T00:00:00Z")).height == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 20), st.floats(0, 9)), max_size=6), max_size=6
    ),
    st.integers(1, 20),
    st.integers(1, 20),
    st.booleans(),
)
def test_a_span_is_what_all_rows_give_when_filtered(
    commits: list[list[tuple[str, int, float]]], start: int, end: int, has_key: bool
) -> None:
    data = Data(key="id" if has_key else None)
    data.commit(table(("z", 10, 0.5)))
    for rows in commits:
        data.commit(table(*rows))
    low, high = (DAY + timedelta(days=number - 1) for number in (start, end))

    spanned = data.rows(Span(start=day(start), end=day(end)))

    assert spanned.equals(data.rows().filter((pl.col("at") >= low) & (pl.col("at") < high)))


def test_without_a_time_column_a_span_counts_rows() -> None:
    data = Data(key=None, time=None)
    data.commit(table(("a", 3, 1.0), ("b", 1, 2.0)))
    data.commit(table(("c", 2, 3.0)))

    assert data.rows(Span(start=1, end=3))["id"].to_list() == ["b", "c"]
    assert data.rows(Span(start=0, end=1))["id"].to_list() == ["a"]
    assert data.rows(Span(start=2))["id"].to_list() == ["c"]


def test_without_a_time_column_a_replaced_row_keeps_its_place() -> None:
    data = Data(time=None)
    data.commit(table(("a", 1, 1.0), ("b", 1, 2.0), ("c", 1, 3.0)))

    data.commit(table(("d", 1, 4.0), ("a", 1, 9.0)))

    assert pairs(data.rows()) == [("a", 9.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)]


# ------------------------------------------------------------------ refused


def test_other_columns_than_before_are_refused_with_the_difference() -> None:
    data = Data()
    data.commit(table(("a", 1, 1.0)))
    other = (
        table(("b", 2, 2.0))
        .with_columns(pl.col("value").cast(pl.Int64), wind=pl.lit(1))
        .drop("id")
        .rename({"wind": "id"})
    )

    with pytest.raises(Invalid) as caught:
        data.commit(other.with_columns(extra=pl.lit("x")))

    assert "extra is new" in caught.value.message
    assert "value was Float64, is Int64" in caught.value.message
    assert data.rows().height == 1


def test_another_order_of_the_columns_is_refused_or_read_alike() -> None:
    data = Data()
    data.commit(table(("a", 1, 1.0)))

    data.commit(table(("b", 2, 2.0)).select("value", "at", "id"))

    assert pairs(data.rows()) == [("a", 1.0), ("b", 2.0)]
    assert data.rows().columns == ["id", "at", "value"]


@pytest.mark.parametrize(
    ("key", "time", "fault"),
    [
        ("flight", "at", 'have no key column "flight"'),
        ("id", "time", 'have no time column "time"'),
        ("id", "value", 'time column "value" of dataset "flights" is Float64'),
    ],
)
def test_a_key_or_time_that_is_not_there_is_refused(key: str, time: str, fault: str) -> None:
    with pytest.raises(Invalid, match=fault):
        Data(key=key, time=time).commit(table(("a", 1, 1.0)))


@pytest.mark.parametrize("column", ["id", "at"])
def test_a_null_key_or_time_is_refused_and_counted(column: str) -> None:
    rows = table(("a", 1, 1.0), ("b", 2, 2.0)).with_columns(
        pl.when(pl.col("value") > 1).then(pl.col(column)).alias(column)
    )

    with pytest.raises(Invalid, match="is null in 1 rows"):
        Data().commit(rows)


@pytest.mark.parametrize("rows", [7, "text", object(), [[1], [2, 3]], {"a": [1, 2], "b": [1]}])
def test_what_is_no_table_is_refused(rows: object) -> None:
    with pytest.raises(Invalid, match="cannot read a table from"):
        as_table(rows)


def test_times_become_utc() -> None:
    naive = datetime(2013, 3, 1, 12)  # noqa: DTZ001 - what this is about
    rows = pl.DataFrame({"naive": [naive], "aware": [DAY]}).with_columns(
        pl.col("aware").dt.convert_time_zone("America/New_York")
    )

    found = as_table(rows)

    assert found["naive"].to_list() == [datetime(2013, 3, 1, 12, tzinfo=UTC)]
    assert found["aware"].to_list() == [DAY]
    assert [str(dtype) for dtype in found.dtypes] == ["Datetime(time_unit='us', time_zone='UTC')"] * 2
