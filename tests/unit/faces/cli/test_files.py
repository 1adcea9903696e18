from pathlib import Path

import polars as pl
import pytest

from evergreen.core.errors import Invalid, NotFound
from evergreen.faces.cli.files import fitted, read_rows


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_each_format_gives_the_same_table(tmp_path: Path, suffix: str) -> None:
    table = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    path = tmp_path / f"rows.{suffix}"
    getattr(table, {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}[suffix])(path)

    assert read_rows(path).equals(table)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("rows.csv", "", "is empty"),
        ("rows.csv", "a,b\n1,2\n1,2,3,4\n", "as csv"),
        ("rows.parquet", "a,b\n1,2\n", "as parquet"),
        ("rows.jsonl", "{", "as jsonl"),
        ("rows.xls", "x", "cannot tell the format"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(Invalid, match=said):
        read_rows(tmp_path / name)


def test_a_missing_file_has_a_near_match(tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text("a\n1\n")

    with pytest.raises(NotFound) as caught:
        read_rows(tmp_path / "flight.csv")

    assert caught.value.hint == 'did you mean "flights.csv"?'


def test_guessed_types_become_those_of_the_dataset_where_the_values_allow() -> None:
    known = {
        "at": pl.Datetime("us", "UTC"),
        "whole": pl.Int64(),
        "part": pl.Float64(),
        "empty": pl.Int64(),
        "text": pl.String(),
    }
    guessed = pl.DataFrame(
        {"at": ["2024-01-01"], "whole": [2.0], "part": [1], "empty": [None], "text": [7]},
        schema_overrides={"empty": pl.String},
    ).with_columns(pl.col("at").str.to_date())

    found = fitted(guessed, known, "at")

    assert dict(found.schema) == known


def test_values_that_do_not_fit_are_left_for_the_commit_to_refuse() -> None:
    guessed = pl.DataFrame({"whole": [2.5], "number": ["many"]})

    found = fitted(guessed, {"whole": pl.Int64(), "number": pl.Int64()}, None)

    assert found.equals(guessed)


def test_days_become_moments_in_the_time_column() -> None:
    found = fitted(pl.DataFrame({"day": ["2024-01-01"]}).with_columns(pl.col("day").str.to_date()), {}, "day")

    assert found.schema["day"] == pl.Datetime("us", "UTC")
