import ast
import tomllib
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from evergreen.core.errors import Invalid, NotFound
from evergreen.faces.cli.project_files import declaration_text, pipeline_text
from evergreen.faces.cli.reading import read_table

ROWS = 40
START = datetime(2024, 1, 1, tzinfo=UTC)


def table(**more: object) -> pl.DataFrame:
    """Rows with a number to predict from; ``more`` adds columns."""
    return pl.DataFrame({"x": range(ROWS), **more})


@pytest.mark.parametrize(
    ("values", "positive", "label"),
    [
        ([0, 1], None, "pl.col(TARGET).cast(pl.Int8)"),
        ([False, True], None, "pl.col(TARGET).cast(pl.Int8)"),
        (["no", "yes"], "yes", '(pl.col(TARGET) == "yes").cast(pl.Int8)'),
        (["late", "on time"], "late", '(pl.col(TARGET) == "late").cast(pl.Int8)'),
        (["a", 'b"\\'], 'b"\\', '(pl.col(TARGET) == "b\\"\\\\").cast(pl.Int8)'),
        ([1, 2], 2, "(pl.col(TARGET) == 2).cast(pl.Int8)"),
    ],
)
def test_a_target_with_two_values_becomes_0_and_1(values: list[object], positive: object, label: str) -> None:
    found = read_table(table(target=values * (ROWS // 2)), target="target", time=None, key=None)

    text = pipeline_text(found, dataset="rows", file="rows.csv")

    assert found.positive == positive
    assert label in text
    ast.parse(text)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, 2, 3, 4] * 10, "has 4 values"),
        ([1] * ROWS, "has one value"),
        ([START] * ROWS, "is Datetime"),
        ([None] * ROWS, "expected"),
    ],
)
def test_a_target_that_is_not_two_valued_is_refused(values: list[object], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read_table(table(target=values), target="target", time=None, key=None)


def test_a_missing_column_has_a_near_match() -> None:
    with pytest.raises(NotFound) as caught:
        read_table(table(churned=[0, 1] * 20), target="chured", time=None, key=None)

    assert caught.value.hint == 'did you mean "churned"?'


def test_time_and_key_are_taken_only_where_they_are_unmistakable() -> None:
    times = [START + timedelta(hours=number) for number in range(ROWS)]
    one = table(y=[0, 1] * 20, at=times, row_id=range(ROWS))
    two = one.with_columns(pl.col("at").alias("other"), pl.col("row_id").alias("other_id"))

    found = read_table(one, target="y", time=None, key=None)
    unsure = read_table(two, target="y", time=None, key=None)

    assert (found.time, found.key, found.numbers) == ("at", "row_id", ("x",))
    assert {'time: "at", the only column with dates', 'key: "row_id", the only column of ids, each there once'} <= set(
        found.said
    )
    assert (unsure.time, unsure.key) == (None, None)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="is Int64, expected dates"):
        read_table(table(y=[0, 1] * 20), target="y", time="x", key=None)


def test_columns_that_help_nobody_are_left_out_and_said() -> None:
    odd = table(
        y=[0, 1] * 20,
        note=[f"text {number}" for number in range(ROWS)],
        same=["a"] * ROWS,
        days=[timedelta(days=number) for number in range(ROWS)],
        colour=["red", None] * 20,
    )

    found = read_table(odd, target="y", time=None, key=None)

    assert (found.categories, found.numbers, found.nullable) == (("colour",), ("x",), ("colour",))
    assert len([line for line in found.said if line.startswith("left out: ")]) == 3


def test_a_table_sorted_by_its_target_is_noticed() -> None:
    found = read_table(table(y=[0] * 20 + [1] * 20), target="y", time=None, key=None)

    assert any(line.startswith("note: the last fifth of the rows has one target value only") for line in found.said)


def test_a_monitor_is_declared_only_where_rows_have_a_time() -> None:
    rows = table(y=[0, 1] * 20, at=[START + timedelta(hours=number) for number in range(ROWS)])
    timed = read_table(rows, target="y", time=None, key=None)
    untimed = read_table(rows.drop("at"), target="y", time=None, key=None)

    with_time = tomllib.loads(declaration_text(timed, name="rows", model="y"))
    without = tomllib.loads(declaration_text(untimed, name="rows", model="y"))

    assert with_time["datasets"]["rows"]["time"] == "at"
    assert {"monitors", "rules"} <= with_time.keys()
    assert not {"monitors", "rules"} & without.keys()
    assert "TIME" not in pipeline_text(untimed, dataset="rows", file="rows.csv")
