"""What a predictor accepts: each fault is named with row, column, expected and found."""

import math
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from evergreen.core.errors import Invalid
from evergreen.versions.contract import Contract, ContractBroken, Input, Output, contract_of

CONTRACT = Contract(
    inputs=[
        Input(name="distance", type="number", minimum=10, maximum=6000),
        Input(name="stops", type="integer"),
        Input(name="carrier", type="text", nullable=True, categories=["AA", "UA"]),
        Input(name="night", type="boolean"),
    ],
    output=Output(name="late", minimum=0, maximum=1),
)
GOOD: dict[str, Any] = {"distance": 500, "stops": 0, "carrier": "AA", "night": False}


def faults(*rows: dict[str, Any]) -> list[str]:
    with pytest.raises(ContractBroken) as caught:
        CONTRACT.table(rows)
    listed: list[str] = caught.value.facts["faults"]
    return listed


def test_rows_become_a_table_of_the_inputs_in_their_order() -> None:
    table = CONTRACT.table([{**GOOD, "night": True}, dict(reversed(GOOD.items()))])

    assert table.columns == CONTRACT.names
    assert [str(dtype) for dtype in table.dtypes] == ["Float64", "Int64", "String", "Boolean"]
    assert table.rows() == [(500.0, 0, "AA", True), (500.0, 0, "AA", False)]


def test_a_null_is_taken_where_it_is_allowed() -> None:
    assert CONTRACT.table([{**GOOD, "carrier": None}])["carrier"].to_list() == [None]


def test_a_category_or_range_not_seen_in_training_is_no_fault() -> None:
    table = CONTRACT.table([{**GOOD, "carrier": "new", "distance": 1e6}])

    assert table.rows() == [(1e6, 0, "new", False)]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"distance": "far"}, '$.rows[1].distance: "far", expected a number'),
        ({"distance": None}, "$.rows[1].distance: null, expected a number"),
        ({"distance": True}, "$.rows[1].distance: true, expected a number"),
        ({"stops": 1.5}, "$.rows[1].stops: 1.5, expected an integer"),
        ({"stops": 1.0}, "$.rows[1].stops: 1.0, expected an integer"),
        ({"stops": 2**63}, "$.rows[1].stops: 9223372036854775808 does not fit 64 bits"),
        ({"carrier": 7}, "$.rows[1].carrier: 7, expected a text or null"),
        ({"carrier": ["AA"]}, '$.rows[1].carrier: ["AA"], expected a text or null'),
        ({"night": 0}, "$.rows[1].night: 0, expected a boolean"),
    ],
)
def test_a_value_of_another_type_is_a_fault(changed: dict[str, Any], fault: str) -> None:
    assert faults(GOOD, {**GOOD, **changed}) == [fault]


def test_a_missing_or_unknown_column_is_a_fault_with_a_near_match() -> None:
    row = {name: value for name, value in GOOD.items() if name != "carrier"}

    assert faults({**row, "carier": "AA"}) == [
        '$.rows[0].carier: unknown; did you mean "carrier"?',
        "$.rows[0].carrier: missing, expected a text or null",
    ]


def test_all_faults_are_told_up_to_twenty() -> None:
    bad = {"distance": "x", "stops": "x", "carrier": 1, "night": None}

    assert len(faults(GOOD, bad)) == 4
    assert len(faults(*[bad] * 100)) == 20
    assert len(faults(*[{}] * 100)) == 20


def test_the_message_shows_the_first_fault_and_counts_the_others() -> None:
    with pytest.raises(ContractBroken) as caught:
        CONTRACT.table([{**GOOD, "stops": None, "night": None}])

    assert caught.value.message == (
        "the request breaks the contract: $.rows[0].stops: null, expected an integer (and 1 more)"
    )


def test_a_contract_is_read_off_the_training_rows() -> None:
    rows = pl.DataFrame(
        {
            "distance": [100.5, 10.0, 6000.0],
            "stops": [0, 2, 1],
            "carrier": ["UA", "AA", None],
            "night": [True, False, True],
            "wind": [1.0, math.nan, 2.0],
        }
    )

    found = contract_of(rows, output=Output(name="late"), nullable=["stops"])

    assert found.inputs == [
        Input(name="distance", type="number", minimum=10.0, maximum=6000.0),
        Input(name="stops", type="integer", nullable=True, minimum=0.0, maximum=2.0),
        Input(name="carrier", type="text", nullable=True, categories=["AA", "UA"]),
        Input(name="night", type="boolean"),
        Input(name="wind", type="number", nullable=True, minimum=1.0, maximum=2.0),
    ]


def test_many_categories_are_not_listed() -> None:
    rows = pl.DataFrame({"name": [f"n{number}" for number in range(257)]})

    assert contract_of(rows, output=Output(name="late")).inputs == [Input(name="name", type="text")]


def test_the_rows_that_a_contract_was_read_off_keep_it() -> None:
    rows = pl.DataFrame({"a": [1, None, 3], "b": ["x", "y", None], "c": [0.5, 1.5, 2.5], "d": [True, None, False]})

    found = contract_of(rows, output=Output(name="late"))

    assert found.table(rows.to_dicts()).equals(rows)


@pytest.mark.parametrize("values", [[datetime(2013, 3, 1, tzinfo=UTC)], [[1, 2]], [b"bytes"]])
def test_a_column_that_no_request_can_carry_is_refused(values: list[object]) -> None:
    with pytest.raises(Invalid, match="which a request cannot carry"):
        contract_of(pl.DataFrame({"x": values}), output=Output(name="late"))
