"""A dataset version: Parquet fragments in the order of their commits, and what is known of the whole.

A commit adds a fragment; a row whose key is there already replaces the older one when read. Time ranges of
fragments let a read open only what it needs.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from evergreen.core.clock import isoformat, moment
from evergreen.core.digest import Digest, Get
from evergreen.core.errors import Invalid, nearest

__all__ = [
    "CheckResult",
    "DatasetManifest",
    "Fragment",
    "Span",
    "as_table",
    "parquet_bytes",
    "read",
    "table_schema",
    "with_fragment",
]


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """One commit's rows. ``first`` and ``last`` are times, where the dataset has a time column."""

    digest: Digest
    rows: int
    first: str | None = None
    last: str | None = None


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """A check's verdict on the rows of one commit: pass, fail, inconclusive or error."""

    text: str
    verdict: str
    measured: dict[str, Any] = {}  # JSON values, by the names in the text
    failing_rows: int = 0
    sample: list[dict[str, Any]] = []  # a few failing rows, as JSON values
    reason: str | None = None


class DatasetManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a dataset version is made of. ``rows`` counts rows as committed, before newer ones replace older."""

    name: str
    key: str | None
    time: str | None
    columns: dict[str, str]
    fragments: list[Fragment]
    rows: int
    checks: list[CheckResult] = []

    @property
    def last(self) -> str | None:
        """The newest time of any row."""
        return max((fragment.last for fragment in self.fragments if fragment.last is not None), default=None)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a version: those with start <= time < end; without a time column, row numbers."""

    start: str | int | None = None
    end: str | int | None = None


def as_table(rows: Any) -> pl.DataFrame:  # whatever polars can read
    """Return ``rows`` as a polars table, with times in UTC; a time without a zone is taken as UTC.

    Takes whatever speaks Arrow's PyCapsule interface (polars, pandas, pyarrow, duckdb).

    Raises:
        Invalid: it is no table.
    """
    if isinstance(rows, str | bytes):  # polars would make a column of its characters
        raise Invalid("cannot read a table from text", hint="read the file first: for example polars.read_csv(path)")
    try:
        table = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise Invalid(f"cannot read a table from {type(rows).__name__}: {error}") from error
    times = [
        pl.col(name).dt.convert_time_zone("UTC") if dtype.time_zone else pl.col(name).dt.replace_time_zone("UTC")
        for name, dtype in table.schema.items()
        if isinstance(dtype, pl.Datetime) and dtype.time_zone != "UTC"
    ]
    return table.with_columns(times) if times else table


def table_schema(table: pl.DataFrame) -> dict[str, str]:
    """Return column names with their types, as text."""
    return {name: str(dtype) for name, dtype in table.schema.items()}


def parquet_bytes(table: pl.DataFrame) -> bytes:
    """Return the table as Parquet (zstd)."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def with_fragment(
    name: str,
    before: DatasetManifest | None,
    table: pl.DataFrame,
    digest: Digest,
    *,
    key: str | None,
    time: str | None,
    checks: Sequence[CheckResult] = (),
) -> DatasetManifest:
    """Return the manifest after a commit of ``table``, whose Parquet bytes ``digest`` names.

    Raises:
        Invalid: key or time column is missing, null or of the wrong type, or columns differ from the version before.
    """
    columns = table_schema(table)
    for role, column in (("key", key), ("time", time)):
        if column is not None and column not in columns:
            raise Invalid(f'rows for dataset "{name}" have no {role} column "{column}"', hint=nearest(column, columns))
        if column is not None and table[column].null_count():
            raise Invalid(
                f'{role} column "{column}" of dataset "{name}" is null in {table[column].null_count()} rows',
                hint=f"drop those rows, or name another column in [datasets.{name}]",
            )
    if before is not None and before.fragments and before.columns != columns:
        raise Invalid(
            f'rows for dataset "{name}" have other columns than before: {_difference(before.columns, columns)}',
            hint="give the columns the same names and types, or start a dataset of another name",
        )
    first = last = None
    if time is not None and table.height:
        if not isinstance(table.schema[time], pl.Datetime):
            raise Invalid(
                f'time column "{time}" of dataset "{name}" is {table.schema[time]}, expected a date with time',
                hint="parse it before: for example polars' str.to_datetime(time_zone='UTC')",
            )
        low, high = table[time].min(), table[time].max()
        if isinstance(low, datetime) and isinstance(high, datetime):
            first, last = isoformat(low), isoformat(high)
    fragments = [] if before is None else list(before.fragments)
    fragments.append(Fragment(digest=digest, rows=table.height, first=first, last=last))
    return DatasetManifest(
        name=name,
        key=key,
        time=time,
        columns=columns,
        fragments=fragments,
        rows=sum(fragment.rows for fragment in fragments),
        checks=list(checks),
    )


def read(get: Get, manifest: DatasetManifest, span: Span | None = None) -> pl.DataFrame:
    """Return the rows of ``span`` (all without one), newest commit of each key, in time order."""
    span = span or Span()
    tables: list[pl.DataFrame] = []
    for fragment in manifest.fragments:
        if fragment.rows and _overlaps(fragment, span):
            tables.append(pl.read_parquet(io.BytesIO(get(fragment.digest))))
        elif tables and manifest.key is not None and manifest.time is not None:
            # Its rows lie outside of the span, yet they replace older rows of the same key inside.
            tables.append(pl.read_parquet(io.BytesIO(get(fragment.digest)), columns=[manifest.key, manifest.time]))
    if not tables:
        tables = [pl.read_parquet(io.BytesIO(get(fragment.digest))) for fragment in manifest.fragments[:1]]
    table = pl.concat(tables, how="diagonal") if tables else pl.DataFrame()
    if manifest.key is not None and table.width:
        # A row that replaces another takes its place, so that row numbers mean the same in every later version.
        placed = table.with_row_index(_PLACE).with_columns(pl.col(_PLACE).min().over(manifest.key))
        table = placed.unique(subset=manifest.key, keep="last", maintain_order=True).sort(_PLACE).drop(_PLACE)
    if manifest.time is None:
        start, end = span.start or 0, manifest.rows if span.end is None else span.end
        return table.slice(int(start), int(end) - int(start))
    return _in_span(table, manifest.time, span).sort(manifest.time, maintain_order=True)


_PLACE = "evergreen: place of the first row with this key"


def _overlaps(fragment: Fragment, span: Span) -> bool:
    if fragment.first is None or fragment.last is None:
        return True
    after = isinstance(span.start, str) and moment(fragment.last) < moment(span.start)
    before = isinstance(span.end, str) and moment(fragment.first) >= moment(span.end)
    return not (after or before)


def _in_span(table: pl.DataFrame, time: str, span: Span) -> pl.DataFrame:
    if isinstance(span.start, str):
        table = table.filter(pl.col(time) >= moment(span.start))
    if isinstance(span.end, str):
        table = table.filter(pl.col(time) < moment(span.end))
    return table


def _difference(before: dict[str, str], after: dict[str, str]) -> str:
    parts = [f"{name} is missing" for name in before if name not in after]
    parts += [f"{name} is new" for name in after if name not in before]
    parts += [
        f"{name} was {before[name]}, is {after[name]}"
        for name in before
        if after.get(name, before[name]) != before[name]
    ]
    return "; ".join(parts) or "their order"
