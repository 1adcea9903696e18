import polars as pl
import pytest

from evergreen.checks.data import check_rows

TABLE = pl.DataFrame(
    {
        "origin": ["EWR", "JFK", None, "LGA"],
        "distance": [10, 600, None, 7000],
        "late": [True, False, None, True],
        "hour": [0.5, 1.5, 2.5, float("nan")],
    }
)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("rows == 4", "pass"),
        ("rows > 4", "fail"),
        ("null_rate(origin) == 0.25", "pass"),
        ("null_rate(origin) == 0", "fail"),
        ("distinct(origin) <= 4", "pass"),
        ("minimum(distance) >= 10 and maximum(distance) <= 7000", "pass"),
        ("mean(distance) < 100", "fail"),
        ("rows > 0 or null_rate(origin) == 0", "pass"),
    ],
)
def test_a_check_of_the_table(text: str, verdict: str) -> None:
    checked = check_rows(text, TABLE)

    assert checked.verdict == verdict
    assert checked.failing_rows == 0


@pytest.mark.parametrize(
    ("text", "failing"),
    [
        ("distance between 10 and 7000", 0),
        ("distance between 10 and 6000", 1),
        ("distance > 10", 1),
        ("origin in ['EWR', 'JFK', 'LGA']", 0),
        ("origin in ['EWR']", 2),
        ("origin == 'EWR' or distance > 500", 0),
        ("not late", 2),
        ("distance <= mean(distance)", 1),
        ("distance * 2 - 20 >= 0", 0),
        ("-distance <= -10", 0),
    ],
)
def test_a_check_of_each_row_counts_those_that_break_it_and_no_nulls(text: str, failing: int) -> None:
    checked = check_rows(text, TABLE)

    assert checked.failing_rows == failing
    assert checked.verdict == ("fail" if failing else "pass")
    assert checked.measured == {"rows": 4, "failing_rows": failing}


def test_failing_rows_are_shown_but_not_all() -> None:
    table = pl.DataFrame({"x": range(100)})

    checked = check_rows("x < 10", table)

    assert checked.failing_rows == 90
    assert [row["x"] for row in checked.sample] == [10, 11, 12, 13, 14]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("null_rate(orgin) == 0", 'did you mean "origin"?'),
        ("distnace > 10", 'did you mean "distance"?'),
        ("nullrate(origin) == 0", 'did you mean "null_rate"?'),
        ("origin > 10", ""),
        ("distance in ['EWR']", ""),
        ("distance >", ""),
        ("__import__('os')", ""),
    ],
)
def test_a_check_that_cannot_be_read_is_an_error_and_never_a_pass(text: str, words: str) -> None:
    checked = check_rows(text, TABLE)

    assert checked.verdict == "error"
    assert words in (checked.reason or "")


def test_no_rows_leave_a_rate_open() -> None:
    checked = check_rows("null_rate(origin) == 0", TABLE.clear())

    assert checked.verdict == "inconclusive"
    assert checked.measured == {"null_rate(origin)": "there are no rows"}


def test_a_division_by_nothing_does_not_pass() -> None:
    table = pl.DataFrame({"a": [1.0, 1.0], "b": [0.0, 2.0]})

    assert check_rows("a / b < 10", table).failing_rows == 1


def test_a_value_that_is_no_number_does_not_pass_a_bound() -> None:
    assert check_rows("hour between 0 and 24", TABLE).failing_rows == 1
    assert check_rows("hour >= 0", TABLE).failing_rows == 1
