"""Movable names: one winner of a move, and a stack that roll-backs go down."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from evergreen.core.errors import Conflict, NotFound
from evergreen.db.schema import alias, alias_move
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.home import Home
from evergreen.versions.aliases import Holder, holder, holders, move, restore_previous, set_held

Act = Callable[[Callable[[Transaction], Any]], Any]


def now(home: Home, name: str = "production") -> Holder | None:
    with home.database.read() as connection:
        return holder(connection, "flights", "delay", name)


def promote(home: Home, act: Act, version: int) -> None:
    present = now(home)
    expected = None if present is None else present.version
    act(lambda tx: move(tx, "delay", "production", version, expected=expected, reason="asked for"))


def roll_back(act: Act) -> int:
    """Roll back and return the version that holds the alias then."""
    _, after = act(lambda tx: restore_previous(tx, "delay", "production", reason="asked for"))
    assert isinstance(after, Holder)
    return after.version


def test_nobody_holds_an_alias_at_first(home: Home) -> None:
    assert now(home) is None


def test_a_move_gives_the_alias_and_counts(home: Home, act: Act) -> None:
    promote(home, act, 1)
    promote(home, act, 2)

    present = now(home)
    assert present is not None
    assert (present.version, present.generation, present.held) == (2, 2, False)


@pytest.mark.parametrize("expected", [None, 2, 99])
def test_a_move_that_expects_another_holder_is_a_conflict_and_changes_nothing(
    home: Home, act: Act, expected: int | None
) -> None:
    promote(home, act, 1)
    before = now(home)

    with pytest.raises(Conflict, match="it was moved meanwhile") as caught:
        act(lambda tx: move(tx, "delay", "production", 3, expected=expected, reason="asked for"))

    assert caught.value.facts == {"found": 1, "expected": expected}
    assert now(home) == before


def test_a_first_move_that_expects_a_holder_is_a_conflict(act: Act) -> None:
    with pytest.raises(Conflict, match="held by nobody, expected version 1"):
        act(lambda tx: move(tx, "delay", "production", 2, expected=1, reason="asked for"))


def test_of_many_movers_at_once_one_wins(home: Home, act: Act) -> None:
    promote(home, act, 1)

    def attempt(version: int) -> bool:
        try:
            act(lambda tx: move(tx, "delay", "production", version, expected=1, reason="asked for"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(attempt, range(2, 34)))

    present = now(home)
    assert won.count(True) == 1
    assert present is not None
    assert (present.version, present.generation) == (won.index(True) + 2, 2)


def test_aliases_of_one_name_move_apart_from_each_other(home: Home, act: Act) -> None:
    promote(home, act, 1)
    act(lambda tx: move(tx, "delay", "staging", 2, expected=None, reason="asked for"))

    with home.database.read() as connection:
        found = {one.alias: one.version for one in holders(connection, "flights", "delay")}

    assert found == {"production": 1, "staging": 2}


def test_roll_backs_go_down_the_holders_one_by_one(home: Home, act: Act) -> None:
    for version in (1, 2, 3):
        promote(home, act, version)

    assert [roll_back(act), roll_back(act)] == [2, 1]
    with pytest.raises(NotFound, match="version 1 is its first holder"):
        roll_back(act)
    present = now(home)
    assert present is not None
    assert (present.version, present.generation) == (1, 5)


def test_a_version_that_was_rolled_back_is_never_returned_to(home: Home, act: Act) -> None:
    for version in (1, 2, 3):
        promote(home, act, version)
    roll_back(act)  # 3 was bad: 2 holds it again
    promote(home, act, 4)

    assert [roll_back(act), roll_back(act)] == [2, 1]


def test_a_roll_back_after_two_and_a_new_promotion_returns_to_the_one_rolled_back_to(home: Home, act: Act) -> None:
    for version in (1, 2, 3):
        promote(home, act, version)
    roll_back(act)
    roll_back(act)
    promote(home, act, 4)

    assert roll_back(act) == 1


def test_an_alias_that_nobody_holds_cannot_be_rolled_back(act: Act) -> None:
    with pytest.raises(NotFound, match='model "delay" has no alias "production"'):
        roll_back(act)


def test_a_roll_back_holds_the_alias_until_it_is_resumed(home: Home, act: Act) -> None:
    promote(home, act, 1)
    promote(home, act, 2)

    roll_back(act)
    held = now(home)
    act(lambda tx: set_held(tx, "delay", "production", held=False))
    resumed = now(home)

    assert held is not None
    assert resumed is not None
    assert (held.held, resumed.held) == (True, False)
    assert resumed.generation == held.generation  # nothing moved


def test_moves_are_told_by_events(home: Home, act: Act) -> None:
    promote(home, act, 1)
    promote(home, act, 2)
    roll_back(act)

    with home.database.read() as connection:
        told = [(event.kind, event.payload) for event in home.journal.read(connection)]

    assert [kind for kind, _ in told] == ["alias.moved", "alias.moved", "alias.rolled_back"]
    assert [(payload["version"], payload["replaced"], payload["held"]) for _, payload in told] == [
        (1, None, False),
        (2, 1, False),
        (1, 2, True),
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["promote", "roll back"]), max_size=12))
def test_any_moves_leave_what_a_stack_would(home: Home, act: Act, moves: list[str]) -> None:
    act(lambda tx: [tx.connection.execute(delete(table)) for table in (alias, alias_move)])
    stack: list[int] = []

    for number, one in enumerate(moves, start=1):
        if one == "promote":
            promote(home, act, number)
            stack.append(number)
        elif len(stack) > 1:
            stack.pop()
            assert roll_back(act) == stack[-1]
        else:
            with pytest.raises(NotFound):
                roll_back(act)

    present = now(home)
    assert (None if present is None else present.version) == (stack[-1] if stack else None)
