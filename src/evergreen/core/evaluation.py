"""What an expression is worth, given the values of its names and calls, and the evidence for it.

Values come from a lookup; a value may also be not applicable (no champion to compare with) or unknown (not enough
rows). Nothing measured leads to an exception: what cannot be computed is unknown, with the reason.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeGuard

from evergreen.core.expression import ExpressionError, unparse
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
    Options,
    Text,
    terms,
)

__all__ = ["Lookup", "NotApplicable", "Outcome", "Part", "Unknown", "Value", "Verdict", "evaluate"]


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """There is nothing to compare with; such a comparison drops out of ``and`` and ``or``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may hold or not: not measured, or not enough evidence."""

    reason: str


Missing = NotApplicable | Unknown
Value = int | float | bool | str | NotApplicable | Unknown
Lookup = Callable[[Name | Call], Value]


class Verdict(Enum):
    """What became of a statement."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One comparison inside a statement: its canonical text, both sides, and what came of it.

    ``right`` is empty for ``between`` and ``in``, whose bounds and options stand in the text. ``margin`` is how far the
    numbers are on the right side of the line (above 0) or on the wrong one (below 0).
    """

    text: str
    left: Value
    right: Value | None
    value: Value
    margin: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A statement's value with its evidence.

    ``measured`` has the value of each name and call under its canonical text, in the order of the text. ``margin`` is
    that of the only numeric comparison, its sign following the statement (so under ``not`` it is turned); ``None`` when
    there are several, since their units differ: see ``parts``.
    """

    value: bool | NotApplicable | Unknown
    measured: Mapping[str, Value]
    parts: tuple[Part, ...]
    margin: float | None

    @property
    def verdict(self) -> Verdict:
        """The value as one of four words."""
        match self.value:
            case NotApplicable():
                return Verdict.NOT_APPLICABLE
            case Unknown():
                return Verdict.UNKNOWN
            case truth:
                return Verdict.HOLDS if truth else Verdict.FAILS

    @property
    def reason(self) -> str | None:
        """Why the statement is unknown or not applicable."""
        return self.value.reason if isinstance(self.value, NotApplicable | Unknown) else None


def evaluate(expression: Expression, lookup: Lookup) -> Outcome:
    """Evaluate a statement; each distinct name and call is looked up once, and none is skipped.

    ``and`` and ``or`` follow Kleene's logic for unknowns. What is not applicable drops out: with no champion,
    ``a > 1 and a > champion.a`` is worth ``a > 1``; when nothing is left, the statement is not applicable.

    Raises:
        ExpressionError: the expression is not a statement but a number or text.
    """
    values = {term: _clean(term, lookup(term)) for term in terms(expression)}
    evaluator = _Evaluator(values)
    value = evaluator.value(expression.root)
    if not isinstance(value, bool | NotApplicable | Unknown):
        raise ExpressionError(
            f'expression "{expression}" gave {value!r}, not a statement', expression=expression.text, position=0
        )
    parts = tuple(evaluator.parts)
    margin = None
    if len(parts) == 1 and parts[0].margin is not None:
        margin = parts[0].margin if parts[0].value == value else -parts[0].margin
    measured = {unparse(term): found for term, found in values.items()}
    return Outcome(value=value, measured=measured, parts=parts, margin=margin)


def _clean(term: Node, value: Value) -> Value:
    if not _is_number(value):
        return value
    try:
        # a subclass of float may bring comparisons of its own that do not give a bool
        number = value if isinstance(value, int) and float(value) else float(value)
    except OverflowError:
        return Unknown(f"{unparse(term)} is too large a number")
    return number if math.isfinite(number) else Unknown(f"{unparse(term)} is {number}")


_ORDER: dict[str, Callable[[float | str, float | str], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class _Evaluator:
    def __init__(self, values: Mapping[Name | Call, Value]) -> None:
        self.parts: list[Part] = []
        self._values = values

    def value(self, node: Node) -> Value:
        match node:
            case Number(value=found) | Text(value=found) | Boolean(value=found):
                return found
            case Name() | Call():
                return self._values[node]
            case Negate(operand=operand):
                return _compute(node, "-", 0, self.value(operand))
            case Arithmetic(operator=sign, left=left, right=right):
                return _compute(node, sign, self.value(left), self.value(right))
            case Comparison(operator=sign, left=left, right=right):
                return self._comparison(node, sign, self.value(left), self.value(right))
            case Between(value=inner, low=low, high=high):
                return self._between(node, self.value(inner), self.value(low), self.value(high))
            case Membership(value=inner, options=options):
                return self._membership(node, self.value(inner), options)
            case Not(operand=operand):
                return _negation(node, self.value(operand))
            case Logic(operator=word, left=left, right=right):
                return _logic(node, word, self.value(left), self.value(right))
            case Options():
                return Unknown(f"{unparse(node)} is a list, not a value")

    def _part(self, node: Node, left: Value, right: Value | None, value: Value, margin: float | None) -> Value:
        self.parts.append(Part(text=unparse(node), left=left, right=right, value=value, margin=margin))
        return value

    def _comparison(self, node: Node, sign: str, left: Value, right: Value) -> Value:
        missing = _missing(left, right)
        if missing is not None:
            return self._part(node, left, right, missing, None)
        return self._part(node, left, right, _compare(node, sign, left, right), _margin(sign, left, right))

    def _between(self, node: Node, value: Value, low: Value, high: Value) -> Value:
        above, below = _compare(node, ">=", value, low), _compare(node, "<=", value, high)
        margins = [_margin(">=", value, low), _margin("<=", value, high)]
        known = [margin for margin in margins if margin is not None]
        margin = min(known) if len(known) == len(margins) else None
        missing = _missing(value, low, high)
        return self._part(node, value, None, missing or _logic(node, "and", above, below), margin)

    def _membership(self, node: Node, value: Value, options: Options) -> Value:
        if isinstance(value, Missing):
            return self._part(node, value, None, value, None)
        is_in = any(_same(value, option.value) for option in options.values)
        return self._part(node, value, None, is_in, None)


def _missing(*values: Value) -> Missing | None:
    """Return the first value that is not applicable, else the first unknown one."""
    for wanted in (NotApplicable, Unknown):
        for value in values:
            if isinstance(value, wanted):
                return value
    return None


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(left: Value, right: Value) -> bool:
    # True == 1 in Python, but not here
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _compute(node: Node, sign: str, left: Value, right: Value) -> Value:
    missing = _missing(left, right)
    if missing is not None:
        return missing
    if not _is_number(left) or not _is_number(right):
        return Unknown(f"{unparse(node)} needs numbers, found {left!r} and {right!r}")
    if sign == "/" and right == 0:
        return Unknown(f"{unparse(node)} divides by zero")
    result = _ARITHMETIC[sign](float(left), float(right))
    return result if math.isfinite(result) else Unknown(f"{unparse(node)} is {result}")


def _compare(node: Node, sign: str, left: Value, right: Value) -> Value:
    if sign in ("==", "!="):
        return _same(left, right) is (sign == "==")
    if _is_number(left) and _is_number(right):
        return _ORDER[sign](left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _ORDER[sign](left, right)
    return Unknown(f"{unparse(node)} cannot order {left!r} and {right!r}")


def _margin(sign: str, left: Value, right: Value) -> float | None:
    if not _is_number(left) or not _is_number(right):
        return None
    distance = float(left) - float(right)
    if sign in ("==", "!="):
        return abs(distance) if sign == "!=" else -abs(distance)
    return distance if sign in (">", ">=") else -distance


def _negation(node: Node, value: Value) -> Value:
    if isinstance(value, bool):
        return not value
    return value if isinstance(value, Missing) else Unknown(f"{unparse(node)} needs a statement, found {value!r}")


def _logic(node: Node, word: str, *sides: Value) -> Value:
    strange = next((side for side in sides if not isinstance(side, bool | NotApplicable | Unknown)), None)
    if strange is not None:
        return Unknown(f"{unparse(node)} needs statements, found {strange!r}")
    decisive = word == "or"
    if any(side is decisive for side in sides):
        return decisive
    unknown = dict.fromkeys(side.reason for side in sides if isinstance(side, Unknown))
    if unknown:
        return Unknown("; ".join(unknown))
    if any(isinstance(side, bool) for side in sides):
        return not decisive
    reasons = dict.fromkeys(side.reason for side in sides if isinstance(side, NotApplicable))
    return NotApplicable("; ".join(reasons))
