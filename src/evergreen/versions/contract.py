"""What a predictor accepts and promises.

Enforced on each request: the columns, their types, and nulls. Ranges and categories are what training saw: recorded,
shown and watched by monitors, but a summer hotter than the training data is no fault of the caller.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import polars as pl

from evergreen.core.errors import Invalid, nearest

__all__ = ["Contract", "ContractBroken", "Input", "Output", "contract_of"]

MOST_CATEGORIES = 256
MOST_FAULTS = 20

_DTYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "boolean": pl.Boolean(),
}


class ContractBroken(Invalid):
    """A request does not keep the contract; ``faults`` lists where and how."""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One input column: its type, whether it may be null, and the range or categories seen in training."""

    name: str
    type: str
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: list[str] | None = None


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One output and the bounds it keeps."""

    name: str
    minimum: float | None = None
    maximum: float | None = None


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a predictor in their order, and its output."""

    inputs: list[Input]
    output: Output

    @property
    def names(self) -> list[str]:
        """The input columns, in the order the model takes them."""
        return [column.name for column in self.inputs]

    def table(self, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:  # decoded JSON
        """Return ``rows`` as a table of the inputs, if they keep the contract.

        Raises:
            ContractBroken: with up to 20 faults, each naming row, column, expected and found.
        """
        if self._fits(rows):
            try:
                return pl.DataFrame(rows, schema={column.name: _DTYPES[column.type] for column in self.inputs})
            except (OverflowError, pl.exceptions.PolarsError) as error:
                raise _broken(list(itertools.islice(self._faults(rows), MOST_FAULTS)) or [str(error)]) from error
        raise _broken(list(itertools.islice(self._faults(rows), MOST_FAULTS)))

    def _fits(self, rows: Sequence[dict[str, Any]]) -> bool:  # decoded JSON
        """Look column by column, which is quick; faults are looked for row by row only where there are some."""
        wanted = {column.name for column in self.inputs}
        if any(row.keys() != wanted for row in rows):
            return False
        return all(
            (_TYPES[column.type] | (_NULL if column.nullable else frozenset())).issuperset(
                {type(row[column.name]) for row in rows}
            )
            for column in self.inputs
        )

    def _faults(self, rows: Sequence[dict[str, Any]]) -> Iterator[str]:  # decoded JSON
        names = self.names
        for number, row in enumerate(rows):
            for name in sorted(row.keys() - set(names)):
                yield f"$.rows[{number}].{name}: unknown; {nearest(name, names)}"
            for column in self.inputs:
                where = f"$.rows[{number}].{column.name}"
                value = row.get(column.name)
                if column.name not in row:
                    yield f"{where}: missing, expected {_spell(column)}"
                elif value is None:
                    if not column.nullable:
                        yield f"{where}: null, expected {_spell(column)}"
                elif type(value) not in _TYPES[column.type]:
                    yield f"{where}: {msgspec.json.encode(value).decode()[:40]}, expected {_spell(column)}"
                elif isinstance(value, int) and not -(2**63) <= value < 2**63:
                    yield f"{where}: {str(value)[:40]} does not fit 64 bits"


_NULL = frozenset({type(None)})
_TYPES: dict[str, frozenset[type]] = {
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "text": frozenset({str}),
    "boolean": frozenset({bool}),
}


def contract_of(rows: pl.DataFrame, *, output: Output, nullable: Sequence[str] = ()) -> Contract:
    """Return the contract that training ``rows`` give: types, nulls, ranges and categories as seen.

    Raises:
        Invalid: a column is of a type that no request can carry.
    """
    inputs = []
    for name, dtype in rows.schema.items():
        series = rows[name]
        may_be_null = name in nullable or series.null_count() > 0 or (dtype.is_float() and bool(series.is_nan().any()))
        if dtype.is_numeric():
            low, high = series.min(), series.max()
            inputs.append(
                Input(
                    name=name,
                    type="integer" if dtype.is_integer() else "number",
                    nullable=may_be_null,
                    minimum=float(low) if isinstance(low, (int, float)) else None,
                    maximum=float(high) if isinstance(high, (int, float)) else None,
                )
            )
        elif dtype == pl.Boolean:
            inputs.append(Input(name=name, type="boolean", nullable=may_be_null))
        elif dtype == pl.String or isinstance(dtype, (pl.Categorical, pl.Enum)):
            names = series.cast(pl.String).drop_nulls().unique().sort().to_list()
            inputs.append(
                Input(
                    name=name,
                    type="text",
                    nullable=may_be_null,
                    categories=names if len(names) <= MOST_CATEGORIES else None,
                )
            )
        else:
            raise Invalid(
                f'input "{name}" is {dtype}, which a request cannot carry',
                hint="use numbers, text or booleans; turn times into numbers such as the hour",
            )
    return Contract(inputs=inputs, output=output)


def _broken(faults: list[str]) -> ContractBroken:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if len(faults) == MOST_FAULTS:
        more = f" (and {len(faults) - 1} or more others)"
    return ContractBroken(
        f"the request breaks the contract: {faults[0]}{more}",
        hint="send each input by its name, with the types that the endpoint's description lists",
        faults=faults,
    )


def _spell(column: Input) -> str:
    article = "an" if column.type == "integer" else "a"
    return f"{article} {column.type}" + (" or null" if column.nullable else "")
