"""What a statement is worth: three-valued logic, evidence and margins, and never an exception from a number."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.core.evaluation import Lookup, NotApplicable, Outcome, Unknown, Value, Verdict, evaluate
from evergreen.core.expression import ExpressionError, parse, unparse
from evergreen.core.syntax import Arithmetic, Call, Comparison, Expression, Name, Negate, Node, Number

NO_CHAMPION = NotApplicable("no champion")
FEW_ROWS = Unknown("12 rows, needs at least 100")
VALUES: dict[str, Value] = {
    "a": 2,
    "half": 0.5,
    "zero": 0,
    "word": "EWR",
    "yes": True,
    "nan": math.nan,
    "infinite": math.inf,
    "vast": 10**400,
    "champion": NO_CHAMPION,
    "few": FEW_ROWS,
    "worst_slice(roc_auc, by='origin')": 0.6,
}
TRUTHS: st.SearchStrategy[bool | NotApplicable | Unknown] = st.sampled_from([True, False, NO_CHAMPION, FEW_ROWS])


def known(values: dict[str, Value]) -> Lookup:
    return lambda term: values[unparse(term)]


def outcome(text: str) -> Outcome:
    return evaluate(parse(text), known(VALUES))


@pytest.mark.parametrize(
    "text",
    [
        "a == 2",
        "a != 3",
        "a - half * 2 == 1",
        "a / 4 == half",
        "-a < 0",
        "a between 2 and 2",
        "a in [1, 2.0]",
        "word in ['JFK', 'EWR']",
        "word between 'A' and 'F'",
        "worst_slice(roc_auc, by='origin') >= 0.55",
        "yes",
        "yes == true",
        "yes != false and not false",
        "not yes == 1",
    ],
)
def test_a_true_statement_holds(text: str) -> None:
    assert outcome(text).verdict is Verdict.HOLDS
    assert outcome(f"not ({text})").verdict is Verdict.FAILS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a / zero > 1", "a / zero divides by zero"),
        ("nan > 1", "nan is nan"),
        ("infinite > 1", "infinite is inf"),
        ("vast > 1", "vast is too large a number"),
        ("1e308 * 1e308 > 1", "1e+308 * 1e+308 is inf"),
        ("few > 1", FEW_ROWS.reason),
        ("a in [1] or nan == 2", "nan is nan"),
        ("few > 1 and nan > 1", f"{FEW_ROWS.reason}; nan is nan"),
        ("word > 1", "word > 1 cannot order 'EWR' and 1"),
        ("word + 1 > 1", "word + 1 needs numbers, found 'EWR' and 1"),
        ("not word", "not word needs a statement, found 'EWR'"),
        ("yes and a", "yes and a needs statements, found 2"),
    ],
)
def test_what_cannot_be_computed_is_unknown_with_its_reason(text: str, reason: str) -> None:
    found = outcome(text)

    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == reason


@pytest.mark.parametrize(
    "text",
    ["a > champion", "a >= champion - 0.01", "not a > champion", "champion in [1]", "few > champion", "-champion > 1"],
)
def test_a_comparison_with_nothing_is_not_applicable(text: str) -> None:
    found = outcome(text)

    assert (found.verdict, found.reason) == (Verdict.NOT_APPLICABLE, "no champion")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("a > 1 and a > champion", Verdict.HOLDS),
        ("a > 3 and a > champion", Verdict.FAILS),
        ("a > 3 or a > champion", Verdict.FAILS),
        ("few > 1 and a > champion", Verdict.UNKNOWN),
        ("few > 1 and a > 3", Verdict.FAILS),
        ("few > 1 or a > 1", Verdict.HOLDS),
        ("champion > 1 or champion > 2", Verdict.NOT_APPLICABLE),
    ],
)
def test_absolute_statements_still_bind_when_there_is_no_champion(text: str, verdict: Verdict) -> None:
    assert outcome(text).verdict is verdict


@given(TRUTHS, TRUTHS, TRUTHS)
def test_the_logic_keeps_the_laws(
    x: bool | NotApplicable | Unknown, y: bool | NotApplicable | Unknown, z: bool | NotApplicable | Unknown
) -> None:
    lookup = known({"x": x, "y": y, "z": z})

    def verdict(text: str) -> Verdict:
        return evaluate(parse(text), lookup).verdict

    assert verdict("x and y") is verdict("y and x")
    assert verdict("x or y") is verdict("y or x")
    assert verdict("(x and y) and z") is verdict("x and (y and z)")
    assert verdict("(x or y) or z") is verdict("x or (y or z)")
    assert verdict("not (x and y)") is verdict("not x or not y")
    assert verdict("not not x") is verdict("x")
    assert verdict("x and x") is verdict("x or x") is verdict("x")


@given(TRUTHS, TRUTHS, st.booleans(), st.sampled_from(["x and y", "x or y", "not x or y", "not (x and not y)"]))
def test_a_verdict_reached_in_spite_of_an_unknown_stays_whatever_the_unknown_turns_out_to_be(
    x: bool | NotApplicable | Unknown, y: bool | NotApplicable | Unknown, truth: bool, text: str
) -> None:
    before = evaluate(parse(text), known({"x": x, "y": y})).verdict
    found: dict[str, Value] = {"x": truth if x == FEW_ROWS else x, "y": truth if y == FEW_ROWS else y}

    after = evaluate(parse(text), known(found)).verdict

    assert before in (Verdict.UNKNOWN, after)


NUMBERS = st.one_of(st.integers(), st.floats())
ARITHMETIC = st.recursive(
    st.one_of(
        st.builds(Name, st.sampled_from("xy")),
        st.builds(Number, st.floats(allow_nan=False, allow_infinity=False)),
    ),
    lambda nodes: st.one_of(st.builds(Negate, nodes), st.builds(Arithmetic, st.sampled_from("+-*/"), nodes, nodes)),
    max_leaves=8,
)


@given(ARITHMETIC, ARITHMETIC, NUMBERS, NUMBERS)
def test_no_number_leads_to_an_exception(left: Node, right: Node, x: float, y: float) -> None:
    expression = Expression(Comparison("<", left, right), "")

    assert isinstance(evaluate(expression, known({"x": x, "y": y})).verdict, Verdict)


def test_every_term_is_looked_up_once_and_kept_as_evidence() -> None:
    asked: list[str] = []

    def lookup(term: Name | Call) -> Value:
        asked.append(unparse(term))
        return VALUES[asked[-1]]

    found = evaluate(parse("a > 3 and worst_slice(roc_auc, by='origin') > champion and a < half"), lookup)

    assert asked == ["a", "worst_slice(roc_auc, by='origin')", "champion", "half"]
    assert dict(found.measured) == {name: VALUES[name] for name in asked}
    assert list(found.measured) == asked


def test_each_comparison_is_told_with_both_sides() -> None:
    found = outcome("a > 1 and half between 0 and 0.4 and word in ['JFK'] and a > champion")

    assert [(part.text, part.left, part.right, part.value, part.margin) for part in found.parts] == [
        ("a > 1", 2, 1, True, 1.0),
        ("half between 0 and 0.4", 0.5, None, False, pytest.approx(-0.1)),
        ("word in ['JFK']", "EWR", None, False, None),
        ("a > champion", 2, NO_CHAMPION, NO_CHAMPION, None),
    ]


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("a >= 1.5", 0.5),
        ("a > 2.5", -0.5),
        ("a <= 2.5", 0.5),
        ("a < 1.5", -0.5),
        ("a == 3", -1.0),
        ("a != 3", 1.0),
        ("a between 1 and 5", 1.0),
        ("a between 3 and 5", -1.0),
        ("not a > 2.5", 0.5),
        ("not a between 1 and 5", -1.0),
        ("not (a > 2.5)", 0.5),
        ("a > 1 and a < 5", None),
        ("yes", None),
        ("few > 1", None),
        ("few between 1 and 2", None),
    ],
)
def test_the_margin_is_the_distance_to_the_line_signed_by_the_statement(text: str, margin: float | None) -> None:
    assert outcome(text).margin == margin


def test_a_number_is_not_a_statement() -> None:
    with pytest.raises(ExpressionError, match="not a statement"):
        outcome("a + 1")


def test_a_subclass_of_float_gives_a_plain_verdict() -> None:
    class Measured(float):
        """Like numpy's scalars, its comparisons need not give a bool."""

        def __gt__(self, other: object) -> bool:
            return "yes"  # type: ignore[return-value]  # the point of the test

    found = evaluate(parse("x > 1"), lambda _: Measured(2.0))

    assert found.value is True
