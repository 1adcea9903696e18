"""Checks of a dataset's rows: ``rows > 0``, ``null_rate(origin) == 0``, ``distance between 10 and 6000``.

A check without bare columns is about the table. One with bare columns must hold in every row; a null neither keeps nor
breaks it (``null_rate`` is there for nulls), NaN always breaks it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import polars as pl

from evergreen.core.evaluation import Unknown, Value, Verdict, evaluate
from evergreen.core.syntax import (
    Arithmetic,
    Between,
    Boolean,
    Call,
    Comparison,
    Expression,
    Logic,
    Membership,
    Name,
    Negate,
    Node,
    Not,
    Number,
    Text,
    terms,
)
from evergreen.core.vocabulary import Fault, Kind, Parameter, Signature, Vocabulary, arguments, check_text, require
from evergreen.versions.datasets import CheckResult

__all__ = ["check_rows", "data_vocabulary"]

_COLUMN = (Parameter(name="column", kind=Kind.NAME),)
_TO_NUMBER = Signature(parameters=_COLUMN, returns=Kind.NUMBER)
FUNCTIONS = dict.fromkeys(("null_rate", "distinct", "minimum", "maximum", "mean"), _TO_NUMBER)
SAMPLE_ROWS = 5

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {  # polars expressions overload these
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "and": operator.and_,
    "or": operator.or_,
}


def data_vocabulary(table: pl.DataFrame | None = None) -> Vocabulary:
    """Return what a check may name: the table's columns, or any while there is no table yet."""
    if table is None:
        return Vocabulary(names={"rows": Kind.NUMBER}, functions=FUNCTIONS, others=Kind.ANY)
    names = {"rows": Kind.NUMBER} | {name: _kind(dtype) for name, dtype in table.schema.items()}
    functions = {
        name: Signature(
            parameters=(Parameter(name="column", kind=Kind.NAME, among=frozenset(table.columns)),), returns=Kind.NUMBER
        )
        for name in FUNCTIONS
    }
    return Vocabulary(names=names, functions=functions)


def check_rows(text: str, table: pl.DataFrame) -> CheckResult:
    """Return the verdict of the check ``text`` on ``table``; one that cannot be read is an ``error``, not a pass."""
    faults = check_text(text, data_vocabulary(table))
    if faults:
        return CheckResult(text=text, verdict="error", reason="; ".join(map(_spell, faults)))
    expression = require(text, data_vocabulary(table))
    columns = [term for term in terms(expression) if isinstance(term, Name) and term.name != "rows"]
    lookup = functools.partial(_measure, table)
    if not columns:
        outcome = evaluate(expression, lookup)
        verdicts = {Verdict.HOLDS: "pass", Verdict.FAILS: "fail"}
        measured = {name: _plain(value) for name, value in outcome.measured.items()}
        return CheckResult(
            text=text, verdict=verdicts.get(outcome.verdict, "inconclusive"), measured=measured, reason=outcome.reason
        )
    return _check_each_row(text, expression, table, lookup)


def _check_each_row(
    text: str, expression: Expression, table: pl.DataFrame, lookup: Callable[[Name | Call], Value]
) -> CheckResult:
    try:
        breaks = functools.reduce(operator.or_, _not_a_number(table, expression), ~_compiled(expression.root, lookup))
        failing = table.filter(breaks)
    except pl.exceptions.PolarsError as error:
        return CheckResult(text=text, verdict="error", reason=str(error).splitlines()[0])
    sample = [_plain_row(row) for row in failing.head(SAMPLE_ROWS).iter_rows(named=True)]
    return CheckResult(
        text=text,
        verdict="fail" if failing.height else "pass",
        measured={"rows": table.height, "failing_rows": failing.height},
        failing_rows=failing.height,
        sample=sample,
    )


def _not_a_number(table: pl.DataFrame, expression: Expression) -> list[pl.Expr]:
    """Say where a column that the check names is NaN: such a row breaks it. To polars NaN is above every number."""
    named = {term.name for term in terms(expression) if isinstance(term, Name) and term.name in table.columns}
    return [pl.col(name).is_nan() for name in sorted(named) if table.schema[name].is_float()]


def _spell(fault: Fault) -> str:
    return fault.message if fault.hint is None else f"{fault.message}; {fault.hint}"


def _measure(table: pl.DataFrame, term: Name | Call) -> Value:
    if isinstance(term, Name):
        return table.height
    column = table[str(arguments(term, _TO_NUMBER)["column"])]
    match term.function:
        case "null_rate":
            return column.null_count() / table.height if table.height else Unknown("there are no rows")
        case "distinct":
            return column.n_unique()
        case name:
            value = {"minimum": column.min, "maximum": column.max, "mean": column.mean}[name]()
            return float(value) if isinstance(value, (int, float)) else Unknown(f"{name} of no numbers")


def _compiled(node: Node, lookup: Callable[[Name | Call], Value]) -> pl.Expr:
    match node:
        case Number(value=value) | Text(value=value) | Boolean(value=value):
            return pl.lit(value)
        case Name(name="rows") | Call():
            measured = lookup(node)
            return pl.lit(None if isinstance(measured, Unknown) else measured)
        case Name(name=name):
            return pl.col(name)
        case Negate(operand=operand):
            return -_compiled(operand, lookup)
        case Not(operand=operand):
            return ~_compiled(operand, lookup)
        case Between(value=value, low=low, high=high):
            return _compiled(value, lookup).is_between(_compiled(low, lookup), _compiled(high, lookup))
        case Membership(value=value, options=options):
            return _compiled(value, lookup).is_in([item.value for item in options.values])
        case Arithmetic() | Comparison() | Logic():
            left, right = _compiled(node.left, lookup), _compiled(node.right, lookup)
            compiled: pl.Expr = _OPERATORS[node.operator](left, right)
            return compiled
    raise TypeError(f"a {type(node).__name__} is not a statement about rows")


def _kind(dtype: pl.DataType) -> Kind:
    if dtype.is_numeric():
        return Kind.NUMBER
    if dtype == pl.Boolean:
        return Kind.BOOLEAN
    if dtype == pl.String or isinstance(dtype, (pl.Categorical, pl.Enum)):
        return Kind.TEXT
    return Kind.TIME if dtype.is_temporal() else Kind.ANY


def _plain(value: Value) -> object:
    return value if isinstance(value, (int, float, bool, str)) else value.reason


def _plain_row(row: Mapping[str, object]) -> dict[str, Any]:  # JSON values
    return {name: msgspec.to_builtins(value) for name, value in row.items()}
