"""Immutable, numbered things: numbers without gaps, references of each kind, and help with near misses."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from evergreen.core.digest import Digest, digest_of
from evergreen.core.errors import NotFound
from evergreen.core.reference import Reference
from evergreen.db.schema import lineage
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.home import Home
from evergreen.versions.aliases import move
from evergreen.versions.held import hold, require_held
from evergreen.versions.version import (
    Kind,
    Source,
    Version,
    find,
    find_number,
    newest,
    register,
    register_once,
)

Act = Callable[[Callable[[Transaction], Any]], Any]


def manifest(text: str) -> Digest:
    return digest_of(text.encode())


def registered(act: Act, name: str, content: str = "first", kind: Kind = Kind.MODEL, **more: Any) -> Version:
    def run(tx: Transaction) -> Version:
        hold(tx, manifest(content), len(content))
        return register(tx, kind, name, manifest(content), **more)

    made = act(run)
    assert isinstance(made, Version)
    return made


def looked_up(home: Home, text: str, kind: Kind = Kind.MODEL) -> Version:
    with home.database.read() as connection:
        return find(connection, "flights", kind, Reference.parse(text))


def test_versions_are_numbered_from_one_for_each_kind_and_name(act: Act) -> None:
    made = [
        registered(act, "delay"),
        registered(act, "delay"),
        registered(act, "cancelled"),
        registered(act, "delay", kind=Kind.DATASET),
        registered(act, "delay"),
    ]

    assert [str(one) for one in made] == ["delay@v1", "delay@v2", "cancelled@v1", "delay@v1", "delay@v3"]
    assert made[3].node == "dataset:delay@v1"


def test_a_version_is_found_as_it_was_registered(act: Act, home: Home) -> None:
    made = registered(act, "delay", usable=False, run_id="r1")

    with home.database.read() as connection:
        assert find_number(connection, "flights", Kind.MODEL, "delay", 1) == made


def test_bytes_that_the_project_does_not_hold_make_no_version(act: Act, home: Home) -> None:
    with pytest.raises(NotFound, match="holds no object"):
        act(lambda tx: register(tx, Kind.MODEL, "delay", manifest("elsewhere")))

    with home.database.read() as connection, pytest.raises(NotFound):
        require_held(connection, "other-project", manifest("first"))


def test_registering_once_gives_the_same_version_while_nothing_changed(act: Act) -> None:
    first = registered(act, "delay", "a")

    again = act(lambda tx: register_once(tx, Kind.MODEL, "delay", manifest("a")))
    registered(act, "delay", "b")
    back = act(lambda tx: register_once(tx, Kind.MODEL, "delay", manifest("a")))

    assert again == first
    assert back.number == 3  # the newest is "b" now


def test_lineage_is_written_with_the_version(act: Act, home: Home) -> None:
    sources = [Source(node="dataset:flights@v1", role="data"), Source(node="code:code@v2", role="code")]

    registered(act, "delay", sources=[*sources, sources[0]])

    with home.database.read() as connection:
        rows = connection.execute(select(lineage.c.source, lineage.c.target, lineage.c.role).order_by(lineage.c.role))
        assert [tuple(row) for row in rows] == [
            ("code:code@v2", "model:delay@v1", "code"),
            ("dataset:flights@v1", "model:delay@v1", "data"),
        ]


def test_a_reference_finds_by_number_alias_or_newest(act: Act, home: Home) -> None:
    for content in ("a", "b", "c"):
        registered(act, "delay", content)
    act(lambda tx: move(tx, "delay", "production", 2, expected=None, reason="asked for"))

    assert looked_up(home, "delay").number == 3
    assert looked_up(home, "delay@v1").number == 1
    assert looked_up(home, "delay@1").number == 1
    assert looked_up(home, "delay@production").number == 2


def test_the_newest_usable_version_leaves_out_those_whose_checks_failed(act: Act, home: Home) -> None:
    registered(act, "flights", "a", kind=Kind.DATASET)
    registered(act, "flights", "b", kind=Kind.DATASET, usable=False)

    with home.database.read() as connection:
        top = newest(connection, "flights", Kind.DATASET, "flights")
        usable = newest(connection, "flights", Kind.DATASET, "flights", usable_only=True)
        none = newest(connection, "flights", Kind.DATASET, "other")

    assert top is not None
    assert usable is not None
    assert (top.number, usable.number, none) == (2, 1, None)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("dealy", 'project "flights" has no model "dealy"', 'did you mean "delay"?'),
        ("dealy@production", 'project "flights" has no model "dealy"', 'did you mean "delay"?'),
        ("dealy@v1", 'project "flights" has no model "dealy"', 'did you mean "delay"?'),
        ("delay@v3", 'model "delay" has no version 3', "its versions are 1 to 2"),
        ("delay@v0", 'model "delay" has no version 0', "its versions are 1 to 2"),
        ("delay@prodution", 'model "delay" has no alias "prodution"', 'did you mean "production"?'),
        ("zzzzz", 'project "flights" has no model "zzzzz"', "known: cancelled, delay"),
    ],
)
def test_what_is_not_there_is_told_with_near_matches(act: Act, home: Home, text: str, message: str, hint: str) -> None:
    registered(act, "delay", "a")
    registered(act, "delay", "b")
    registered(act, "cancelled", "c")
    act(lambda tx: move(tx, "delay", "production", 2, expected=None, reason="asked for"))

    with pytest.raises(NotFound) as caught:
        looked_up(home, text)

    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_without_any_alias_the_hint_says_how_to_set_one(act: Act, home: Home) -> None:
    registered(act, "delay")

    with pytest.raises(NotFound) as caught:
        looked_up(home, "delay@production")

    assert caught.value.hint is not None
    assert 'run "evergreen promote delay production"' in caught.value.hint
