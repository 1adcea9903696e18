"""The parts of an expression as values: what the grammar reads and every user of the language walks over.

Text becomes a tree in ``expression``; its meaning is in ``vocabulary``, its worth in ``evaluation``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = [
    "Argument",
    "Arithmetic",
    "Between",
    "Boolean",
    "Call",
    "Comparison",
    "Constant",
    "Expression",
    "Logic",
    "Membership",
    "Name",
    "Negate",
    "Node",
    "Not",
    "Number",
    "Options",
    "Text",
    "children",
    "terms",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number, sign included."""

    value: int | float
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text."""

    value: str
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``."""

    value: bool
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A metric, column or fact; a dotted name is one name."""

    name: str
    at: int = field(default=0, compare=False, repr=False)


Constant = Number | Text | Boolean


@dataclass(frozen=True, slots=True)
class Options:
    """A bracketed list of values."""

    values: tuple[Constant, ...]
    at: int = field(default=0, compare=False, repr=False)


Argument = Name | Constant | Options


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the fixed table; its arguments are plain, nothing is computed in them."""

    function: str
    arguments: tuple[Argument, ...] = ()
    keywords: tuple[tuple[str, Argument], ...] = ()
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negate:
    """``-operand``."""

    operand: Node
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left operator right`` with one of ``+ - * /``."""

    operator: str
    left: Node
    right: Node
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right`` with one of ``== != < <= > >=``."""

    operator: str
    left: Node
    right: Node
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Between:
    """``value between low and high``, both ends included."""

    value: Node
    low: Node
    high: Node
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """``value in [...]``."""

    value: Node
    options: Options
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """``not operand``."""

    operand: Node
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Logic:
    """``left operator right`` with ``and`` or ``or``."""

    operator: str
    left: Node
    right: Node
    at: int = field(default=0, compare=False, repr=False)


Node = Constant | Name | Options | Call | Negate | Arithmetic | Comparison | Between | Membership | Not | Logic


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression with the text its author wrote; two are equal when their trees are."""

    root: Node
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct parts of ``node``, left to right."""
    match node:
        case Options(values=values):
            return values
        case Call(arguments=arguments, keywords=keywords):
            return (*arguments, *(value for _, value in keywords))
        case Negate(operand=operand) | Not(operand=operand):
            return (operand,)
        case Arithmetic() | Comparison() | Logic():
            return (node.left, node.right)
        case Between(value=value, low=low, high=high):
            return (value, low, high)
        case Membership(value=value, options=options):
            return (value, options)
        case _:
            return ()


def walk(tree: Expression | Node) -> Iterator[Node]:
    """Yield every node, parents first, left to right."""
    node = tree.root if isinstance(tree, Expression) else tree
    yield node
    for child in children(node):
        yield from walk(child)


def terms(tree: Expression | Node) -> tuple[Name | Call, ...]:
    """Return the distinct names and calls whose value is needed, in the order they are written.

    A name that is only a call's argument (``origin`` in ``null_rate(origin)``) is not a term.
    """
    found: dict[Name | Call, None] = {}
    pending: list[Node] = [tree.root if isinstance(tree, Expression) else tree]
    while pending:
        node = pending.pop()
        if isinstance(node, Name | Call):
            found.setdefault(node)
        else:
            pending.extend(reversed(children(node)))
    return tuple(found)
