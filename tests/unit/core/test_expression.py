"""The grammar: what is read, what is refused and how, and the round trip through canonical text."""

import pickle
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.core.errors import Invalid
from evergreen.core.expression import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, ExpressionError, parse, point, unparse
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
    terms,
    walk,
)

WORDS = st.from_regex(re.compile(r"[a-z_][a-z0-9_]{0,5}", re.ASCII), fullmatch=True)
NAMES = st.builds(Name, st.one_of(WORDS, st.builds("{}.{}".format, WORDS, WORDS), st.text(min_size=1, max_size=5)))
NUMBERS = st.builds(Number, st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False)))
CONSTANTS: st.SearchStrategy[Constant] = st.one_of(
    NUMBERS, st.builds(Text, st.text(max_size=8)), st.builds(Boolean, st.booleans())
)
OPTIONS = st.builds(Options, st.lists(CONSTANTS, min_size=1, max_size=3).map(tuple))
ARGUMENTS: st.SearchStrategy[Argument] = st.one_of(NAMES, CONSTANTS, OPTIONS)
FUNCTIONS = WORDS.filter(lambda word: word not in {"and", "or", "not", "in", "between", "true", "false"})
CALLS = st.builds(
    Call,
    FUNCTIONS,
    st.lists(ARGUMENTS, max_size=2).map(tuple),
    st.dictionaries(FUNCTIONS, ARGUMENTS, max_size=2).map(lambda given: tuple(given.items())),
)


def branches(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Every inner node, over ``nodes`` as its parts, whatever their kinds."""
    return st.one_of(
        st.builds(Negate, nodes),
        st.builds(Not, nodes),
        st.builds(Arithmetic, st.sampled_from("+-*/"), nodes, nodes),
        st.builds(Comparison, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), nodes, nodes),
        st.builds(Between, nodes, nodes, nodes),
        st.builds(Membership, nodes, OPTIONS),
        st.builds(Logic, st.sampled_from(["and", "or"]), nodes, nodes),
    )


NODES = st.recursive(st.one_of(NAMES, CONSTANTS, CALLS), branches, max_leaves=12)


@given(NODES)
def test_canonical_text_reads_back_as_the_same_tree(node: Node) -> None:
    text = unparse(node)

    again = parse(text)

    assert again == Expression(node, "")
    assert unparse(again) == text


@given(
    st.one_of(st.text(), st.text(alphabet="ab1.'\"`()[],<>=!+-*/ \\\n" + string.digits), st.text("andornt ()in1,[]"))
)
def test_any_text_is_read_or_refused_with_a_position_inside_it(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError as error:
        assert 0 <= error.facts["position"] <= len(text)
        assert "\n" not in error.message
    else:
        assert parse(unparse(expression)) == expression


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("roc_auc>=champion.roc_auc-.01", "roc_auc >= champion.roc_auc - 0.01"),
        ("distance between 10 and 6_000", "distance between 10 and 6000"),
        ("null_rate(origin)==0", "null_rate(origin) == 0"),
        ("""origin in ["EWR", 'JFK']""", "origin in ['EWR', 'JFK']"),
        ("worst_slice(roc_auc, by=['carrier',]) > 1", None),
        ("worst_slice(roc_auc,by=['carrier','origin'])>=.55", "worst_slice(roc_auc, by=['carrier', 'origin']) >= 0.55"),
        ("a > 1 and not (b < 2 or c in [1, -2])", "a > 1 and not (b < 2 or c in [1, -2])"),
        ("(a + b) * -c / 2e-3", "(a + b) * -c / 0.002"),
        ("a not in [True]", "not a in [true]"),
        ("a between 1 and 2 and b", "a between 1 and 2 and b"),
        ("`Odd (x)` > `in`", "`Odd (x)` > `in`"),
        ("a - (b - c) - d", "a - (b - c) - d"),
        ("a or b and c", "a or b and c"),
        ("((a))", "a"),
    ],
)
def test_an_expression_has_one_canonical_text(text: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(ExpressionError):
            parse(text)
    else:
        assert unparse(parse(text)) == canonical


def test_and_holds_tighter_than_or_and_not_looser_than_a_comparison() -> None:
    tree = parse("a or b and not c > 1").root

    assert tree == Logic("or", Name("a"), Logic("and", Name("b"), Not(Comparison(">", Name("c"), Number(1)))))


@pytest.mark.parametrize(
    ("text", "position", "expected", "found"),
    [
        ("", 0, "a name, a value or a parenthesis", "the end"),
        ("a >> 1", 3, "a name, a value or a parenthesis", '">"'),
        ("a = 1", 2, "an operator or the end", '"="'),
        ("(a", 2, '")"', "the end"),
        ("a in b", 5, '"["', '"b"'),
        ("a in []", 6, "a value", '"]"'),
        ("a in [1 2]", 8, '"," or "]"', '"2"'),
        ("a between 1 or 2", 12, '"and"', '"or"'),
        ("f(a=1, 2)", 7, "a named argument (name=value)", '"2"'),
        ("f(a=1, a=2)", 7, "each argument once", '"a"'),
        ("f(a + b)", 4, '","', '"+"'),
        ("a == 'x", 7, "a closing '", "the end"),
        ("1.2.3 > a", 0, "a number", '"1.2.3"'),
        ("a > 1e999", 4, "a number below 1.8e308", '"1e999"'),
        ("a ; b", 2, "a name, a value or an operator", '";"'),
        ("__import__('os').system('x')", 16, "a name, a value or an operator", '"."'),
        ("a if b", 2, "an operator or the end", '"if"'),
        ("[1] > 2", 0, "a name, a value or a parenthesis", '"["'),
    ],
)
def test_a_fault_names_the_expression_the_place_and_both_sides(
    text: str, position: int, expected: str, found: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)

    error = caught.value
    assert isinstance(error, Invalid)
    assert error.facts == {"expression": text, "position": position, "expected": expected, "found": found}
    assert error.message == (
        f'cannot read expression "{text}": expected {expected} at character {position + 1}, found {found}'
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a = 1", 'write "==" to compare'),
        ("a && b", 'write "and"'),
        ("a || b", 'write "or"'),
        ("!a", 'write "not"'),
        ("a AND b", 'write "and" in lower case'),
        ("a == not b", 'put "not ..." in parentheses'),
    ],
)
def test_a_habit_of_another_language_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)

    assert caught.value.hint == hint


@pytest.mark.parametrize("text", ["0 < a < 1", "a > f(x) == c", "a in [1] in [2]", "a between 1 and 2 == b"])
def test_comparisons_do_not_chain(text: str) -> None:
    with pytest.raises(ExpressionError, match='expected "and", "or" or the end') as caught:
        parse(text)

    assert "between" in (caught.value.hint or "")


def test_limits_are_the_last_thing_allowed_and_the_first_thing_refused() -> None:
    longest, deepest, widest = "a" * MAX_LENGTH, "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH, "+".join("a" * MAX_TERMS)
    for text in (longest, deepest, widest):
        assert unparse(parse(text))

    for text in (longest + "a", f"({deepest})", widest + "+a", "not " * 51 + "a", "-" * 3_999 + "a"):
        with pytest.raises(ExpressionError):
            parse(text)


def test_options_and_arguments_do_not_count_as_terms() -> None:
    many = ", ".join(str(number) for number in range(500))

    assert len(list(walk(parse(f"a in [{many}]")))) == 503


def test_terms_are_distinct_in_order_and_leave_out_arguments() -> None:
    expression = parse("b > f(a) and c - b > 0 and f(a) > champion.c")

    assert [unparse(term) for term in terms(expression)] == ["b", "f(a)", "c", "champion.c"]


def test_an_expression_keeps_its_authors_text_but_equals_by_tree() -> None:
    wide, tight = parse("a  >  1"), parse("a>1")

    assert str(wide) == "a  >  1"
    assert wide == tight
    assert hash(wide) == hash(tight)


def test_a_long_text_is_pointed_at_by_a_part_of_it() -> None:
    text = "x" * 300 + "?" + "y" * 300

    shown, caret = point(text, 300).split("\n")

    assert shown[caret.index("^")] == "?"
    assert len(shown) < 120


def test_positions_survive_for_those_who_report_faults() -> None:
    assert [node.at for node in walk(parse("ab + cd > 1"))] == [8, 3, 0, 5, 10]


def test_the_error_survives_pickling() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("a >")

    again = pickle.loads(pickle.dumps(caught.value))

    assert (again.message, again.facts) == (caught.value.message, caught.value.facts)
