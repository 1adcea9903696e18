"""Reading a user's own table from a file: CSV, Parquet, JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from evergreen.core.errors import Invalid, NotFound, Unavailable, nearest

__all__ = ["fitted", "is_typed", "read_rows"]

_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    # All rows are looked at: types guessed from the first hundred differ from one commit to the next.
    ".csv": lambda path: pl.read_csv(path, try_parse_dates=True, infer_schema_length=None),
    ".parquet": pl.read_parquet,
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
    ".ndjson": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}


def read_rows(path: Path) -> pl.DataFrame:
    """Read the table in the file at ``path``.

    Raises:
        NotFound: there is no such file.
        Invalid: its ending names no known format, or its contents are not of that format.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise Invalid(f'cannot tell the format of "{path}" by its name', hint=f"it should end in {', '.join(_READERS)}")
    try:
        return reader(path)
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(f"there is no file {path}", hint=nearest(path.name, _siblings(path))) from None
    except pl.exceptions.NoDataError:
        raise Invalid(f"{path} is empty") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror or error}", hint="check its permissions") from error
    except (pl.exceptions.PolarsError, ValueError) as error:
        what = path.suffix.lower().removeprefix(".")
        raise Invalid(f"cannot read {path} as {what}: {str(error).splitlines()[0]}") from error


def is_typed(path: Path) -> bool:
    """Say whether the file itself says which types its columns have; else they are guessed from its values."""
    return path.suffix.lower() == ".parquet"


def fitted(table: pl.DataFrame, schema: Mapping[str, pl.DataType], time: str | None) -> pl.DataFrame:
    """Give guessed columns the types of ``schema`` where their values allow that, and the time column one with time.

    A column of whole numbers may turn out a column of fractions in the next file, or an empty one; what does not fit
    stays as it is, for the commit to refuse with the reason.
    """
    wanted = dict(schema)
    if time is not None and time not in wanted and table.schema.get(time) == pl.Date():
        wanted[time] = pl.Datetime("us", "UTC")
    for name, dtype in wanted.items():
        if name in table.columns and table.schema[name] != dtype:
            try:
                table = table.with_columns(_cast(table, name, dtype))
            except pl.exceptions.PolarsError:
                continue
    return table


def _cast(table: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Expr:
    found = table.schema[name]
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime) and isinstance(found, (pl.Datetime, pl.Date)):
        naive = column.cast(pl.Datetime(dtype.time_unit)) if isinstance(found, pl.Date) else column
        if isinstance(found, pl.Datetime) and found.time_zone is not None:
            return naive.dt.convert_time_zone("UTC").cast(dtype)
        return naive.dt.replace_time_zone("UTC").cast(dtype)
    if dtype.is_integer() and found.is_float() and not table.select((column == column.round()).all()).item():
        raise pl.exceptions.InvalidOperationError(f"{name} has fractions")
    return column.cast(dtype, strict=True)


def _siblings(path: Path) -> list[str]:
    try:
        return [other.name for other in path.parent.iterdir() if other.suffix.lower() in _READERS][:50]
    except OSError:
        return []
