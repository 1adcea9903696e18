"""Checking an expression against what its names mean: every fault at once, each in its place."""

import pytest

from evergreen.core.expression import ExpressionError, parse
from evergreen.core.syntax import Call
from evergreen.core.vocabulary import Kind, Parameter, Signature, Vocabulary, arguments, check, check_text, require

METRIC = Parameter(name="metric", kind=Kind.NAME, among=frozenset({"roc_auc", "log_loss"}))
BY = Parameter(name="by", kind=Kind.NAMES, among=frozenset({"carrier", "origin"}))
SHARE = Parameter(name="share", kind=Kind.NUMBER, required=False)
GATE = Vocabulary(
    names={
        "roc_auc": Kind.NUMBER,
        "log_loss": Kind.NUMBER,
        "champion.roc_auc": Kind.NUMBER,
        "origin": Kind.TEXT,
        "is_live": Kind.BOOLEAN,
        "departure": Kind.TIME,
        "arrival": Kind.TIME,
    },
    functions={
        "worst_slice": Signature(parameters=(METRIC, BY, SHARE), returns=Kind.NUMBER),
        "selection_rate_ratio": Signature(parameters=(BY,), returns=Kind.NUMBER),
    },
)


@pytest.mark.parametrize(
    "text",
    [
        "roc_auc >= champion.roc_auc - 0.01",
        "worst_slice(roc_auc, by=['carrier', 'origin']) >= 0.55",
        "worst_slice('roc_auc', origin, share=0.01) >= 0.55",
        "selection_rate_ratio(by='origin') >= 0.8",
        "is_live and origin in ['EWR', 'JFK'] or not is_live == true",
        "origin between 'A' and 'M'",
        "departure <= arrival",
        "true",
    ],
)
def test_a_statement_in_known_words_has_no_fault(text: str) -> None:
    assert check_text(text, GATE) == ()
    assert str(require(text, GATE)) == text


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("roc_auc", 0, '"roc_auc" is a number, not a statement'),
        ("origin", 0, '"origin" is a text, not a statement'),
        ("roc_acu > 1", 0, 'there is no name "roc_acu" here'),
        ("worst_slize(roc_auc) > 1", 0, 'there is no function "worst_slize" here'),
        ("1 < roc_auc(1)", 4, 'there is no function "roc_auc" here'),
        ("worst_slice > 1", 0, '"worst_slice" is a function'),
        ("origin > 3", 9, "cannot compare origin, which is a text, with 3, which is a number"),
        ("origin in ['EWR', 3]", 18, "cannot compare origin, which is a text, with 3, which is a number"),
        (
            "roc_auc between 0 and 'b'",
            22,
            "cannot compare roc_auc, which is a number, with 'b', which is a text",
        ),
        ("is_live < true", 0, '"<" cannot order is_live, which is a statement'),
        ("roc_auc + origin > 1", 10, '"+" needs a number, found origin, which is a text'),
        ("-is_live > 1", 1, '"-" needs a number, found is_live, which is a statement'),
        ("not roc_auc", 4, '"not" needs a statement, found roc_auc, which is a number'),
        ("is_live and 1 + 2", 12, '"and" needs a statement, found 1 + 2, which is a number'),
        ("worst_slice(roc_auc) > 0", 0, 'worst_slice needs "by"'),
        ("worst_slice(is_live, origin) > 0", 12, 'worst_slice does not know "is_live" as metric'),
        ("worst_slice(roc_auc, by=['origin', 'x']) > 0", 35, 'worst_slice does not know "x" as by'),
        ("worst_slice(roc_auc, by=[1]) > 0", 25, "worst_slice needs one or more names as by, found 1"),
        ("worst_slice(['roc_auc'], by=origin) > 0", 12, "worst_slice needs a name as metric, found ['roc_auc']"),
        ("worst_slice(roc_auc, origin, 'a') > 0", 29, "worst_slice needs a number as share, found 'a'"),
        ("worst_slice(roc_auc, origin, [1]) > 0", 29, "worst_slice needs a number as share, found [1]"),
        ("worst_slice(roc_auc, origin, 1, 2) > 0", 32, "worst_slice takes at most 3 arguments"),
        ("worst_slice(roc_auc, origin, by=origin) > 0", 32, 'worst_slice got "by" twice'),
        ("worst_slice(roc_auc, origin, shar=1) > 0", 34, 'worst_slice has no parameter "shar"'),
        (
            "departure > '2013-01-01'",
            12,
            "cannot compare departure, which is a time, with '2013-01-01', which is a text",
        ),
    ],
)
def test_a_fault_says_what_is_wrong_and_where(text: str, position: int, message: str) -> None:
    faults = check_text(text, GATE)

    assert [(fault.message, fault.position) for fault in faults] == [(message, position)]


def test_all_faults_are_reported_at_once_in_the_order_of_the_text() -> None:
    faults = check_text("roc_acu > 1 and worst_slice(by='orign') > 'a' or origin", GATE)

    assert [fault.position for fault in faults] == [0, 16, 31, 42, 49]


def test_a_text_that_cannot_be_read_is_a_fault_too() -> None:
    (fault,) = check_text("roc_auc = 1", GATE)

    assert (fault.position, fault.hint) == (8, 'write "==" to compare')


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("roc_acu > 1", 'did you mean "roc_auc"?'),
        ("worst_slize(roc_auc) > 1", 'did you mean "worst_slice"?'),
        ("worst_slice > 1", "call it: worst_slice(metric, by, share)"),
        ("1 < roc_auc(1)", '"roc_auc" is a name: write it without parentheses'),
        ("roc_auc", "compare it, as in: roc_auc >= 0.8"),
        ("worst_slice(roc_auc, orign) > 1", 'did you mean "origin"?'),
    ],
)
def test_a_fault_hints_at_what_was_meant(text: str, hint: str) -> None:
    assert [fault.hint for fault in check_text(text, GATE)] == [hint]


def test_a_fault_shows_its_place_under_the_text() -> None:
    (fault,) = check_text("is_live and roc_acu > 1", GATE)

    assert str(fault).split("\n") == [
        'there is no name "roc_acu" here',
        "  is_live and roc_acu > 1",
        "              ^",
        'hint: did you mean "roc_auc"?',
    ]


def test_requiring_raises_once_with_every_fault() -> None:
    with pytest.raises(ExpressionError, match=r'there is no name "a" here \(and 1 more\)') as caught:
        require("a > b", GATE)

    assert [fault["position"] for fault in caught.value.facts["faults"]] == [0, 4]


def test_unlisted_names_fit_everywhere_while_columns_are_not_known() -> None:
    open_world = Vocabulary(names={"rows": Kind.NUMBER}, others=Kind.ANY)

    for text in ("distance between 10 and 6000", "origin in ['EWR']", "is_live", "a + b > 1", "a == b"):
        assert check_text(text, open_world) == ()
    assert len(check_text("rows == 'many'", open_world)) == 1


def test_a_value_may_be_wanted_in_place_of_a_statement() -> None:
    assert check(parse("roc_auc - 0.01"), GATE, wants=Kind.NUMBER) == ()
    assert len(check(parse("roc_auc > 1"), GATE, wants=Kind.NUMBER)) == 1


def test_arguments_come_out_as_plain_values_by_parameter_name() -> None:
    signature = GATE.functions["worst_slice"]
    named = parse("worst_slice(roc_auc, by=['carrier', 'origin'], share=0.01)").root
    short = parse("worst_slice('roc_auc', origin)").root
    assert isinstance(named, Call)
    assert isinstance(short, Call)

    assert arguments(named, signature) == {"metric": "roc_auc", "by": ("carrier", "origin"), "share": 0.01}
    assert arguments(short, signature) == {"metric": "roc_auc", "by": ("origin",)}
