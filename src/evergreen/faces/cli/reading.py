"""Reading a table as ``init`` does: which column is what, said aloud wherever it was not told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from evergreen.core.errors import Invalid, NotFound, nearest

__all__ = ["Reading", "read_table"]

MOST_CATEGORIES = 200
"""scikit-learn's trees take 255; some room is left for those that later rows bring."""
HOLDOUT = 0.2
DENSE_ROWS_A_DAY = 50
_POSITIVE = ("yes", "y", "true", "t", "1", "positive", "pos", "bad", "churned", "late", "fraud", "won", "success")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the columns of a table are to a project."""

    target: str
    positive: str | float | None
    """The target's value that counts as 1; None where the values are 0 and 1, or booleans, already."""
    negative: str | float | None
    target_is_boolean: bool
    time: str | None
    key: str | None
    categories: tuple[str, ...]
    numbers: tuple[str, ...]
    nullable: tuple[str, ...]
    window: str
    """A monitor's window in which enough rows fall."""
    said: tuple[str, ...]
    """What was found and assumed, for the user."""


def read_table(table: pl.DataFrame, *, target: str, time: str | None, key: str | None) -> Reading:
    """Find out what the columns are.

    Raises:
        NotFound: a column that was named is not there.
        Invalid: the target does not have two values, or no column is left to predict from.
    """
    for role, column in (("target", target), ("time", time), ("key", key)):
        if column is not None and column not in table.columns:
            raise NotFound(f'the table has no {role} column "{column}"', hint=nearest(column, table.columns))
    negative, positive = _two_values(table[target])
    said = []
    if time is None:
        time = _only_time(table)
        if time is not None:
            said.append(f'time: "{time}", the only column with dates')
    elif not isinstance(table.schema[time], (pl.Datetime, pl.Date)):
        raise Invalid(
            f'time column "{time}" is {table.schema[time]}, expected dates',
            hint='write them as "2024-03-01 12:00:00" (ISO 8601)',
        )
    if key is None:
        key = _only_key(table, {target, time})
        if key is not None:
            said.append(f'key: "{key}", the only column of ids, each there once')
    elif table[key].null_count() or table[key].n_unique() < table.height:
        said.append(f'key: "{key}" is null or repeated in some rows; of repeated ones the last counts')
    said += _about_target(table, target, positive)
    categories, numbers, left_out = _inputs(table, {target, time, key})
    said += [f"left out: {reason}" for reason in left_out]
    if not categories and not numbers:
        raise Invalid("no column is left to predict from", hint="the table needs numbers, booleans or short texts")
    said.append(f"inputs: {len(categories)} categories, {len(numbers)} numbers")
    is_plain = {negative, positive} <= {0, 1}  # True and False too
    return Reading(
        target=target,
        positive=None if is_plain else positive,
        negative=None if is_plain else negative,
        target_is_boolean=table.schema[target] == pl.Boolean(),
        time=time,
        key=key,
        categories=tuple(categories),
        numbers=tuple(numbers),
        nullable=tuple(name for name in (*categories, *numbers) if table[name].null_count()),
        window=_window(table, time),
        said=tuple(said),
    )


def _two_values(column: pl.Series) -> tuple[str | float, str | float]:
    """Return the two values of the target, that which counts as 1 last."""
    values = column.drop_nulls().unique().sort().to_list()
    dtype = column.dtype
    if not (dtype.is_numeric() or dtype == pl.Boolean() or dtype == pl.String() or isinstance(dtype, pl.Categorical)):
        raise Invalid(f'target "{column.name}" is {dtype}, expected numbers, text or booleans with two values')
    if len(values) != 2:
        shown = ", ".join(map(str, values[:5])) + (", ..." if len(values) > 5 else "")
        many = f"{len(values)} values" if len(values) != 1 else "one value"
        raise Invalid(
            f'target "{column.name}" has {many} ({shown}), expected two',
            hint="this version does binary classification; derive a column such as: is it above 10?",
        )
    if (
        isinstance(values[0], str)
        and values[0].strip().lower() in _POSITIVE
        and values[1].strip().lower() not in _POSITIVE
    ):
        values.reverse()
    return values[0], values[1]


def _about_target(table: pl.DataFrame, target: str, positive: str | float) -> list[str]:
    labelled = table[target].drop_nulls()
    share = (labelled == positive).sum() / labelled.len()
    said = [f'target: "{target}" is {positive!r} in {share:.1%} of {labelled.len():,} rows; that counts as 1']
    if labelled.len() < table.height:
        said.append(f"{table.height - labelled.len():,} rows have no target; nothing is learned from them")
    newest = labelled.tail(int(labelled.len() * HOLDOUT))
    if newest.n_unique() < 2:
        said.append(
            "note: the last fifth of the rows has one target value only, so a gate cannot judge on it: shuffle them"
        )
    return said


def _only_time(table: pl.DataFrame) -> str | None:
    found = [name for name, dtype in table.schema.items() if isinstance(dtype, (pl.Datetime, pl.Date))]
    return found[0] if len(found) == 1 and not table[found[0]].null_count() else None


def _only_key(table: pl.DataFrame, taken: set[str | None]) -> str | None:
    found = [
        name
        for name, dtype in table.schema.items()
        if name not in taken
        and (name.lower() in ("id", "key", "uuid") or name.lower().endswith("_id"))
        and (dtype.is_integer() or dtype == pl.String())
        and not table[name].null_count()
        and table[name].n_unique() == table.height
    ]
    return found[0] if len(found) == 1 else None


def _inputs(table: pl.DataFrame, taken: set[str | None]) -> tuple[list[str], list[str], list[str]]:
    """Return text columns, number and boolean columns, and why others are left out."""
    categories, numbers, left_out = [], [], []
    for name, dtype in table.schema.items():
        if name in taken:
            continue
        distinct = table[name].n_unique()
        if table[name].null_count() == table.height or distinct == 1:
            left_out.append(f'"{name}" has the same value everywhere')
        elif dtype == pl.String() and distinct > min(MOST_CATEGORIES, max(2, table.height // 2)):
            left_out.append(f'"{name}" has {distinct:,} different texts, more like an id than a category')
        elif dtype == pl.String():
            categories.append(name)
        elif dtype.is_numeric() or dtype == pl.Boolean():
            numbers.append(name)
        else:
            left_out.append(f'"{name}" is {dtype}, which a request cannot carry: derive numbers from it')
    return categories, numbers, left_out


def _window(table: pl.DataFrame, time: str | None) -> str:
    if time is None or table.height < 2:
        return "1d"
    days: Sequence[object] = table[time].cast(pl.Date).unique().to_list()
    return "1d" if table.height / max(1, len(days)) >= DENSE_ROWS_A_DAY else "7d"
