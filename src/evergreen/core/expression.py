"""The one small language of gates, dataset checks and rule conditions: text to tree and back.

Only the grammar lives here: its nodes are in ``syntax``, what a name means in ``vocabulary``, what it is worth in
``evaluation``.
Nothing is ever handed to Python's own parser or ``eval``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeVar

from evergreen.core.errors import Invalid
from evergreen.core.syntax import (
    Argument,
    Arithmetic,
    Between,
    Boolean,
    Call,
    Comparison,
    Constant,
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

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "MAX_TERMS", "ExpressionError", "parse", "point", "unparse"]

MAX_LENGTH = 4_000
MAX_DEPTH = 50
MAX_TERMS = 50


class ExpressionError(Invalid):
    """An expression cannot be read, or does not mean anything here."""


def parse(text: str) -> Expression:
    """Read ``text`` into a tree.

    >>> unparse(parse("roc_auc>=champion.roc_auc-.01"))
    'roc_auc >= champion.roc_auc - 0.01'

    Raises:
        ExpressionError: the text is not an expression, or is longer, deeper or has more terms than allowed.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"cannot read expression {_shown(text, 40)}: it has {len(text):,} characters, at most {MAX_LENGTH:,} fit",
            expression=text[:200],
            position=MAX_LENGTH,
        )
    return Expression(_Parser(text).whole(), text)


def point(text: str, position: int) -> str:
    """Return the part of ``text`` around ``position`` with a caret under it.

    >>> print(point("a >> b", 3))
    a >> b
       ^
    """
    line = _one_line(text)
    start, stop = max(0, position - 70), position + 40
    before, after = "..." if start else "", "..." if stop < len(line) else ""
    return f"{before}{line[start:stop]}{after}\n{' ' * (len(before) + position - start)}^"


# --- text to tree ------------------------------------------------------------------------------------------------

# How tightly operators hold. A side that must hold tighter than its parent asks for one more.
_OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _NEGATE, _ATOM = 10, 20, 30, 40, 50, 60, 70, 80
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_BINDING = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys((*_COMPARISONS, "between", "in"), _COMPARE),
    "+": _ADD,
    "-": _ADD,
    "*": _MULTIPLY,
    "/": _MULTIPLY,
}
_KEYWORDS = frozenset({"and", "or", "not", "in", "between", "true", "false", "True", "False"})
_WORD = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_PLAIN_NAME = re.compile(_WORD)
_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
    | (?P<word>{_WORD})
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<quoted>`(?:[^`]|``)+`)
    | (?P<symbol>==|!=|<=|>=|[<>+\-*/()\[\],=])
    """,
    re.VERBOSE | re.DOTALL,
)
_HABITS = {
    "=": 'write "==" to compare',
    "&": 'write "and"',
    "|": 'write "or"',
    "!": 'write "not"',
    "AND": 'write "and" in lower case',
    "OR": 'write "or" in lower case',
    "IN": 'write "in" in lower case',
    "BETWEEN": 'write "between" in lower case',
    "is": 'write "==" to compare',
}
_N = TypeVar("_N", bound=Node)
_A_VALUE = "a name, a value or a parenthesis"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else _shown(self.text, 40)


class _Parser:
    """A precedence-climbing parser over the tokens of one text."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = self._tokenize()
        self._next = 0
        self._depth = 0
        self._terms = 0

    def whole(self) -> Node:
        node = self._expression(0)
        if self._peek.kind != "end":
            raise self._fault("an operator or the end", self._peek)
        return node

    def _tokenize(self) -> list[_Token]:
        tokens, at = [], 0
        while at < len(self._source):
            match = _TOKEN.match(self._source, at)
            if match is None:
                raise self._fault(*self._stray(at))
            kind = match.lastgroup or ""
            if kind == "word" and match.group() in _KEYWORDS:
                kind = "keyword"
            if kind != "space":
                tokens.append(_Token(kind, match.group(), at))
            at = match.end()
        return [*tokens, _Token("end", "", len(self._source))]

    def _stray(self, at: int) -> tuple[str, _Token]:
        character = self._source[at]
        if character in "'\"`":
            return f"a closing {character}", _Token("end", "", len(self._source))
        word = re.compile(r"\.?\d[\w.]*").match(self._source, at)
        if word:
            return "a number", _Token("stray", word.group(), at)
        return "a name, a value or an operator", _Token("stray", character, at)

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _sees(self, *symbols: str) -> bool:
        return self._peek.kind in ("symbol", "keyword") and self._peek.text in symbols

    def _expect(self, symbol: str) -> _Token:
        if not self._sees(symbol):
            raise self._fault(f'"{symbol}"', self._peek)
        return self._take()

    def _expression(self, minimum: int) -> Node:
        left, has_compared = self._prefix(minimum), False
        while (binding := self._binding()) is not None and binding >= minimum:
            if has_compared and binding == _COMPARE:
                hint = 'comparisons do not chain: write "x between low and high", or join two with "and"'
                raise self._fault('"and", "or" or the end', self._peek, hint=hint)
            left, has_compared = self._infix(left, binding), binding == _COMPARE
        return left

    def _nested(self, minimum: int) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(f"at most {MAX_DEPTH} levels of nesting", self._peek, found="one more")
        node = self._expression(minimum)
        self._depth -= 1
        return node

    def _binding(self) -> int | None:
        token = self._peek
        if token.text == "not" and token.kind == "keyword" and self._tokens[self._next + 1].text in ("in", "between"):
            return _COMPARE
        return _BINDING.get(token.text) if token.kind in ("symbol", "keyword") else None

    def _prefix(self, minimum: int) -> Node:
        token = self._peek
        if self._sees("not"):
            if minimum > _NOT:
                raise self._fault(_A_VALUE, token, hint='put "not ..." in parentheses')
            self._take()
            return Not(self._nested(_NOT), token.at)
        if self._sees("-"):
            self._take()
            if self._peek.kind == "number":
                return self._term(self._number(self._take(), sign=-1, at=token.at))
            return Negate(self._nested(_NEGATE), token.at)
        if self._sees("("):
            self._take()
            node = self._nested(0)
            self._expect(")")
            return node
        if token.kind in ("word", "quoted"):
            return self._term(self._name_or_call())
        return self._term(self._constant(_A_VALUE))

    def _infix(self, left: Node, binding: int) -> Node:
        token = self._take()
        if token.text == "not":
            return Not(self._infix(left, binding), token.at)
        if token.text == "in":
            return Membership(left, self._options(), token.at)
        if token.text == "between":
            low = self._expression(binding + 1)
            self._expect("and")
            return Between(left, low, self._expression(binding + 1), token.at)
        right = self._expression(binding + 1)
        if binding == _COMPARE:
            return Comparison(token.text, left, right, token.at)
        return (Arithmetic if binding >= _ADD else Logic)(token.text, left, right, token.at)

    def _name_or_call(self) -> Name | Call:
        token = self._take()
        if token.kind == "quoted":
            return Name(token.text[1:-1].replace("``", "`"), token.at)
        if not self._sees("("):
            return Name(token.text, token.at)
        self._take()
        arguments: list[Argument] = []
        keywords: dict[str, Argument] = {}
        while not self._sees(")"):
            first = self._peek
            value = self._argument()
            if self._sees("=") and first.kind == "word":
                self._take()
                if first.text in keywords:
                    raise self._fault("each argument once", first)
                keywords[first.text] = self._argument()
            elif keywords:
                raise self._fault("a named argument (name=value)", first)
            else:
                arguments.append(value)
            if not self._sees(")"):
                self._expect(",")
        self._take()
        return Call(token.text, tuple(arguments), tuple(keywords.items()), token.at)

    def _argument(self) -> Argument:
        token = self._peek
        if self._sees("["):
            return self._options()
        if token.kind == "word":
            return Name(self._take().text, token.at)
        if token.kind == "quoted":
            return Name(self._take().text[1:-1].replace("``", "`"), token.at)
        return self._constant("a name, a value or a list")

    def _options(self) -> Options:
        opening = self._expect("[")
        values = [self._constant("a value")]
        while not self._sees("]"):
            if not self._sees(","):
                raise self._fault('"," or "]"', self._peek)
            self._take()
            values.append(self._constant("a value"))
        self._take()
        return Options(tuple(values), opening.at)

    def _constant(self, expected: str) -> Constant:
        token = self._peek
        if token.kind == "text":
            return Text(re.sub(r"\\(.)", r"\1", self._take().text[1:-1], flags=re.DOTALL), token.at)
        if token.kind == "number":
            return self._number(self._take(), sign=1, at=token.at)
        if token.kind == "keyword" and token.text.lower() in ("true", "false"):
            return Boolean(self._take().text.lower() == "true", token.at)
        if self._sees("-") and self._tokens[self._next + 1].kind == "number":
            self._take()
            return self._number(self._take(), sign=-1, at=token.at)
        raise self._fault(expected, token)

    def _number(self, token: _Token, *, sign: int, at: int) -> Number:
        value = float(token.text)
        if not math.isfinite(value):
            raise self._fault("a number below 1.8e308", token)
        is_whole = token.text.replace("_", "").isdecimal()
        return Number(sign * (int(token.text) if is_whole else value), at)

    def _term(self, node: _N) -> _N:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise self._fault(f"at most {MAX_TERMS} terms", _Token("end", "", node.at), found="one more")
        return node

    def _fault(self, expected: str, token: _Token, *, hint: str | None = None, found: str = "") -> ExpressionError:
        found = found or str(token)
        trouble = f"expected {expected} at character {token.at + 1}, found {found}"
        return ExpressionError(
            f"cannot read expression {_shown(self._source)}: {trouble}",
            hint=hint or _HABITS.get(token.text),
            expression=self._source,
            position=token.at,
            expected=expected,
            found=found,
        )


def _shown(text: str, most: int = 200) -> str:
    return f'"{_one_line(text[:most])}{"..." if len(text) > most else ""}"'


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


# --- tree to text ------------------------------------------------------------------------------------------------


def unparse(tree: Expression | Node) -> str:
    """Return the canonical text: ``parse(unparse(e)) == e`` for every expression within the limits."""
    return _write(tree.root if isinstance(tree, Expression) else tree, 0)


def _write(node: Node, minimum: int) -> str:
    text, binding = _text_and_binding(node)
    return f"({text})" if binding < minimum else text


def _text_and_binding(node: Node) -> tuple[str, int]:
    match node:
        case Number(value=value):
            return repr(value), _ATOM
        case Text(value=value):
            return _quote(value), _ATOM
        case Boolean(value=value):
            return ("true" if value else "false"), _ATOM
        case Name(name=name):
            return _name(name), _ATOM
        case Options(values=values):
            return f"[{', '.join(_write(value, 0) for value in values)}]", _ATOM
        case Call(function=function, arguments=arguments, keywords=keywords):
            written = [_write(value, 0) for value in arguments]
            written += [f"{name}={_write(value, 0)}" for name, value in keywords]
            return f"{function}({', '.join(written)})", _ATOM
        case Negate(operand=operand):
            # "-5" would read as the number, not as the negation of one
            inner = f"({_write(operand, 0)})" if isinstance(operand, Number) else _write(operand, _NEGATE)
            return f"-{inner}", _NEGATE
        case Not(operand=operand):
            return f"not {_write(operand, _NOT)}", _NOT
        case Between(value=value, low=low, high=high):
            value_, low_, high_ = (_write(part, _COMPARE + 1) for part in (value, low, high))
            return f"{value_} between {low_} and {high_}", _COMPARE
        case Membership(value=value, options=options):
            return f"{_write(value, _COMPARE + 1)} in {_write(options, 0)}", _COMPARE
        case Comparison(operator=operator, left=left, right=right):
            return f"{_write(left, _COMPARE + 1)} {operator} {_write(right, _COMPARE + 1)}", _COMPARE
        case Arithmetic(operator=operator, left=left, right=right) | Logic(operator=operator, left=left, right=right):
            binding = _BINDING[operator]
            return f"{_write(left, binding)} {operator} {_write(right, binding + 1)}", binding


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _name(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name) and name not in _KEYWORDS:
        return name
    return f"`{name.replace('`', '``')}`"
