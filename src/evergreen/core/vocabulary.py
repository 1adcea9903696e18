"""What the names and functions of an expression mean in one place of use, and whether a text keeps to that.

A gate knows metrics, a dataset check knows columns: each declares a ``Vocabulary``. All faults are reported at once,
as values with their position. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import cast

from evergreen.core.errors import nearest
from evergreen.core.expression import ExpressionError, parse, point, unparse
from evergreen.core.syntax import (
    Argument,
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
)

__all__ = [
    "Fault",
    "Kind",
    "Parameter",
    "Plain",
    "Signature",
    "Vocabulary",
    "arguments",
    "check",
    "check_text",
    "require",
]

Plain = int | float | bool | str | tuple[str, ...]


class Kind(Enum):
    """What a value is; ``NAME`` and ``NAMES`` are for parameters only."""

    NUMBER = "a number"
    TEXT = "a text"
    BOOLEAN = "a statement"
    TIME = "a time"
    ANY = "a value"
    """Not known yet: fits everywhere."""
    NAME = "a name"
    """A bare name or a text."""
    NAMES = "one or more names"
    """A bare name, a text or a list of texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a function; ``among`` lists the names allowed, ``None`` allows any."""

    name: str
    kind: Kind
    among: frozenset[str] | None = None
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function takes, in order, and gives; each parameter may also be passed by name."""

    parameters: tuple[Parameter, ...]
    returns: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The names and functions that may be used, and nothing else.

    ``others`` is the kind of names that are not listed: ``Kind.ANY`` while a dataset's columns are not known yet;
    ``None`` refuses them.
    """

    names: Mapping[str, Kind]
    functions: Mapping[str, Signature] = field(default_factory=dict)
    others: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with ``text`` at ``position`` (counted from 0)."""

    message: str
    text: str
    position: int
    hint: str | None = None

    def __str__(self) -> str:
        """Return the message, the text with a caret under it, and the hint, on lines of their own."""
        lines = [self.message, *(f"  {line}" for line in point(self.text, self.position).split("\n"))]
        return "\n".join([*lines, f"hint: {self.hint}"] if self.hint else lines)


def check(expression: Expression, vocabulary: Vocabulary, *, wants: Kind = Kind.BOOLEAN) -> tuple[Fault, ...]:
    """Return everything wrong with ``expression`` in the terms of ``vocabulary``, in the order of the text.

    ``wants`` is what the whole must be: a statement, unless told otherwise; ``Kind.ANY`` asks nothing.
    """
    checker = _Checker(expression.text, vocabulary)
    found = checker.kind(expression.root)
    if not checker.faults and not _fits(found, wants):
        hint = f"compare it, as in: {unparse(expression)} >= 0.8" if found is Kind.NUMBER else None
        checker.report(expression.root, f'"{unparse(expression)}" is {found.value}, not {wants.value}', hint)
    return tuple(sorted(checker.faults, key=lambda fault: fault.position))


def check_text(text: str, vocabulary: Vocabulary, *, wants: Kind = Kind.BOOLEAN) -> tuple[Fault, ...]:
    """Return everything wrong with ``text``, whether it can be read or not."""
    try:
        expression = parse(text)
    except ExpressionError as error:
        return (Fault(message=error.message, text=text, position=int(error.facts["position"]), hint=error.hint),)
    return check(expression, vocabulary, wants=wants)


def require(text: str, vocabulary: Vocabulary, *, wants: Kind = Kind.BOOLEAN) -> Expression:
    """Read ``text`` and check it.

    Raises:
        ExpressionError: with the first fault as its message and all of them in ``facts["faults"]``.
    """
    expression = parse(text)
    faults = check(expression, vocabulary, wants=wants)
    if not faults:
        return expression
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    raise ExpressionError(
        f'expression "{text}" is wrong: {faults[0].message}{more}',
        hint=faults[0].hint,
        expression=text,
        position=faults[0].position,
        faults=[{"message": fault.message, "position": fault.position, "hint": fault.hint} for fault in faults],
    )


def arguments(call: Call, signature: Signature) -> dict[str, Plain]:
    """Return the plain values of a checked ``call`` by parameter name; optional ones not given are absent.

    >>> by = Parameter(name="by", kind=Kind.NAMES)
    >>> call = parse("worst(by='origin')").root
    >>> arguments(call, Signature(parameters=(by,), returns=Kind.NUMBER))
    {'by': ('origin',)}
    """
    given = dict(zip((parameter.name for parameter in signature.parameters), call.arguments, strict=False))
    given.update(call.keywords)
    kinds = {parameter.name: parameter.kind for parameter in signature.parameters}
    return {name: _plain(value, kinds[name]) for name, value in given.items()}


def _plain(value: Argument, kind: Kind) -> Plain:
    match value:
        case Options(values=values):
            return tuple(str(option.value) for option in values)
        case Name(name=plain) | Text(value=plain):
            return (plain,) if kind is Kind.NAMES else plain
        case Number(value=number):
            return number
        case Boolean(value=truth):
            return truth


class _Checker:
    """Infers the kind of each node and gathers the faults; a part at fault is ``ANY``, so that it is told once."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.faults: list[Fault] = []
        self._text = text
        self._vocabulary = vocabulary

    def report(self, node: Node, message: str, hint: str | None = None) -> Kind:
        self.faults.append(Fault(message=message, text=self._text, position=_start(node), hint=hint))
        return Kind.ANY

    def kind(self, node: Node) -> Kind:
        match node:
            case Number():
                return Kind.NUMBER
            case Text():
                return Kind.TEXT
            case Boolean():
                return Kind.BOOLEAN
            case Name():
                return self._name(node)
            case Call():
                return self._call(node)
            case Negate(operand=operand):
                self._wants(operand, Kind.NUMBER, "-")
                return Kind.NUMBER
            case Arithmetic(operator=operator, left=left, right=right):
                self._wants(left, Kind.NUMBER, operator)
                self._wants(right, Kind.NUMBER, operator)
                return Kind.NUMBER
            case Not(operand=operand):
                self._wants(operand, Kind.BOOLEAN, "not")
            case Logic(operator=operator, left=left, right=right):
                self._wants(left, Kind.BOOLEAN, operator)
                self._wants(right, Kind.BOOLEAN, operator)
            case Comparison(operator=operator, left=left, right=right):
                self._comparable(node, operator, (left, right))
            case Between(value=value, low=low, high=high):
                self._comparable(node, "between", (value, low, high))
            case Membership(value=value, options=options):
                self._comparable(node, "in", (value, *options.values))
            case Options():
                return self.report(node, 'a list stands only after "in" and as a function\'s argument')
        return Kind.BOOLEAN

    def _wants(self, node: Node, wanted: Kind, operator: str) -> None:
        found = self.kind(node)
        if not _fits(found, wanted):
            self.report(node, f'"{operator}" needs {wanted.value}, found {unparse(node)}, which is {found.value}')

    def _comparable(self, node: Node, operator: str, parts: tuple[Node, ...]) -> None:
        kinds = [self.kind(part) for part in parts]
        known = [(part, kind) for part, kind in zip(parts, kinds, strict=True) if kind is not Kind.ANY]
        if not known:
            return
        first, wanted = known[0]
        if operator not in ("==", "!=", "in") and wanted is Kind.BOOLEAN:
            self.report(node, f'"{operator}" cannot order {unparse(first)}, which is {wanted.value}')
            return
        for part, kind in known[1:]:
            if kind is not wanted:
                sides = f"{unparse(first)}, which is {wanted.value}, with {unparse(part)}, which is {kind.value}"
                self.report(part, f"cannot compare {sides}")

    def _name(self, node: Name) -> Kind:
        kind = self._vocabulary.names.get(node.name, self._vocabulary.others)
        if kind is not None:
            return kind
        if node.name in self._vocabulary.functions:
            return self.report(node, f'"{node.name}" is a function', f"call it: {self._form(node.name)}")
        return self.report(node, f'there is no name "{node.name}" here', nearest(node.name, self._vocabulary.names))

    def _form(self, function: str) -> str:
        parameters = self._vocabulary.functions[function].parameters
        return f"{function}({', '.join(parameter.name for parameter in parameters)})"

    def _call(self, node: Call) -> Kind:
        signature = self._vocabulary.functions.get(node.function)
        if signature is None:
            is_name = node.function in self._vocabulary.names
            hint = f'"{node.function}" is a name: write it without parentheses' if is_name else None
            return self.report(
                node,
                f'there is no function "{node.function}" here',
                hint or nearest(node.function, self._vocabulary.functions),
            )
        for parameter, value in self._bind(node, signature):
            self._argument(node.function, parameter, value)
        return signature.returns

    def _bind(self, node: Call, signature: Signature) -> Iterable[tuple[Parameter, Argument]]:
        form = f"write it as {self._form(node.function)}"
        surplus = node.arguments[len(signature.parameters) :]
        for value in surplus:
            self.report(value, f"{node.function} takes at most {len(signature.parameters)} arguments", form)
        bound = dict(zip((parameter.name for parameter in signature.parameters), node.arguments, strict=False))
        known = {parameter.name: parameter for parameter in signature.parameters}
        for name, value in node.keywords:
            if name not in known:
                self.report(value, f'{node.function} has no parameter "{name}"', nearest(name, known))
            elif name in bound:
                self.report(value, f'{node.function} got "{name}" twice', form)
            else:
                bound[name] = value
        for parameter in signature.parameters:
            if parameter.required and parameter.name not in bound:
                self.report(node, f'{node.function} needs "{parameter.name}"', form)
        return [(known[name], value) for name, value in bound.items()]

    def _argument(self, function: str, parameter: Parameter, value: Argument) -> None:
        if parameter.kind in (Kind.NAME, Kind.NAMES):
            self._names(function, parameter, value)
            return
        found = None if isinstance(value, Options) else self.kind(value)
        if found is None or not _fits(found, parameter.kind):
            what = f"{function} needs {parameter.kind.value} as {parameter.name}"
            self.report(value, f"{what}, found {unparse(value)}")

    def _names(self, function: str, parameter: Parameter, value: Argument) -> None:
        is_list = isinstance(value, Options) and parameter.kind is Kind.NAMES
        # the annotation of an Options' values is narrower than that of arguments
        named = cast(Options, value).values if is_list else (value,)
        for part in named:
            if not isinstance(part, Name | Text):
                what = f"{function} needs {parameter.kind.value} as {parameter.name}"
                self.report(part, f"{what}, found {unparse(part)}")
                continue
            name = part.name if isinstance(part, Name) else part.value
            if parameter.among is not None and name not in parameter.among:
                message = f'{function} does not know "{name}" as {parameter.name}'
                self.report(part, message, nearest(name, parameter.among))


def _fits(found: Kind, wanted: Kind) -> bool:
    return found is wanted or Kind.ANY in (found, wanted)


def _start(node: Node) -> int:
    """Return where the text of ``node`` begins; an operator's own position is in its middle."""
    match node:
        case Arithmetic() | Comparison() | Logic():
            return min(node.at, _start(node.left))
        case Between(value=value) | Membership(value=value):
            return min(node.at, _start(value))
        case _:
            return node.at
