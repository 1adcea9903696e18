"""The truth that arrives later: append-only, once, and never known before its time."""

from collections.abc import Callable
from typing import Any

import pytest

from evergreen.core.errors import Conflict, Invalid
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.home import Home
from evergreen.traffic.outcomes import Outcome, known, record

Act = Callable[[Callable[[Transaction], Any]], Any]
MARCH_2, MARCH_3, MARCH_4 = (f"2013-03-0{day}T00:00:00.000000Z" for day in (2, 3, 4))


def outcome(name: str, value: float, known_at: str = MARCH_2) -> Outcome:
    return Outcome(prediction_id=name, value=value, known_at=known_at)


def send(act: Act, *outcomes: Outcome, endpoint: str = "delay") -> Any:
    return act(lambda tx: record(tx, endpoint, outcomes))


def values(home: Home, *ids: str, as_of: str = MARCH_4, endpoint: str = "delay") -> dict[str, float]:
    with home.database.read() as connection:
        table = known(connection, "flights", endpoint, ids, as_of=as_of)
    return dict(zip(table["prediction_id"], table["value"], strict=True))


def recorded(home: Home) -> list[int]:
    with home.database.read() as connection:
        return [event.payload["count"] for event in home.journal.read(connection, kinds=["outcomes.recorded"])]


def test_outcomes_are_known_from_when_they_became_known(home: Home, act: Act) -> None:
    assert send(act, outcome("a", 1.0, MARCH_2), outcome("b", 0.0, MARCH_3)) == 2

    assert values(home, "a", "b", "c", as_of="2013-03-01T23:59:59.999999Z") == {}
    assert values(home, "a", "b", "c", as_of=MARCH_2) == {"a": 1.0}
    assert values(home, "a", "b", "c", as_of=MARCH_3) == {"a": 1.0, "b": 0.0}


def test_the_same_outcome_again_changes_nothing(home: Home, act: Act) -> None:
    send(act, outcome("a", 1.0))

    assert send(act, outcome("a", 1.0), outcome("a", 1.0)) == 0

    assert values(home, "a") == {"a": 1.0}
    assert recorded(home) == [1]


def test_one_outcome_twice_in_a_message_counts_once(home: Home, act: Act) -> None:
    assert send(act, outcome("a", 1.0), outcome("a", 1.0), outcome("b", 0.0)) == 2

    assert recorded(home) == [2]


def test_a_correction_is_a_later_value_and_the_past_stays(home: Home, act: Act) -> None:
    send(act, outcome("a", 1.0, MARCH_2))
    send(act, outcome("a", 0.0, MARCH_3))

    assert values(home, "a", as_of=MARCH_2) == {"a": 1.0}
    assert values(home, "a", as_of=MARCH_3) == {"a": 0.0}


def test_a_late_arrival_of_an_older_value_does_not_win(home: Home, act: Act) -> None:
    send(act, outcome("a", 0.0, MARCH_3))
    send(act, outcome("a", 1.0, MARCH_2))

    assert values(home, "a") == {"a": 0.0}


def test_another_value_for_the_same_time_is_a_conflict_and_nothing_of_the_message_is_kept(home: Home, act: Act) -> None:
    send(act, outcome("a", 1.0))

    with pytest.raises(Conflict, match=r"outcome of a known at 2013-03-02\S+ is 1\.0 already, not 0\.0"):
        send(act, outcome("b", 1.0), outcome("a", 0.0))

    assert values(home, "a", "b") == {"a": 1.0}
    assert recorded(home) == [1]


def test_one_moment_in_another_zone_is_the_same_moment(home: Home, act: Act) -> None:
    send(act, outcome("a", 1.0, "2013-03-02T01:00:00+01:00"))

    assert send(act, outcome("a", 1.0, "2013-03-02T00:00:00Z")) == 0
    assert values(home, "a", as_of=MARCH_2) == {"a": 1.0}


def test_the_moment_asked_for_may_be_spelled_shorter(home: Home, act: Act) -> None:
    send(act, outcome("a", 1.0, "2013-03-02T00:00:00.500000Z"))

    assert values(home, "a", as_of="2013-03-02T00:00:00Z") == {}
    assert values(home, "a", as_of="2013-03-02T02:00:01+02:00") == {"a": 1.0}


def test_endpoints_do_not_share_outcomes(home: Home, act: Act) -> None:
    send(act, outcome("a", 1.0))

    assert values(home, "a", endpoint="other") == {}


def test_more_ids_than_fit_one_query_are_all_found(home: Home, act: Act) -> None:
    ids = [f"id-{number}" for number in range(1203)]

    assert send(act, *(outcome(name, float(number)) for number, name in enumerate(ids))) == 1203

    assert values(home, *ids) == {name: float(number) for number, name in enumerate(ids)}


@pytest.mark.parametrize(
    ("name", "known_at", "fault"),
    [
        ("", MARCH_2, r"\$\.outcomes\[1\]\.prediction_id has 0 characters"),
        ("x" * 201, MARCH_2, r"\$\.outcomes\[1\]\.prediction_id has 201 characters"),
        ("a", "2013-03-02T00:00:00", "has no time zone"),
        ("a", "yesterday", "is not a moment"),
    ],
)
def test_a_bad_outcome_is_refused_with_all_that_came_with_it(
    home: Home, act: Act, name: str, known_at: str, fault: str
) -> None:
    with pytest.raises(Invalid, match=fault):
        send(act, outcome("good", 1.0), outcome(name, 1.0, known_at))

    assert values(home, "good") == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_refused(home: Home, act: Act, value: float) -> None:
    with pytest.raises(Invalid, match=r"\$\.outcomes\[0\]\.value"):
        send(act, outcome("a", value))

    assert values(home, "a") == {}
