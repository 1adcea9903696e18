"""The journal: numbers without a gap, and no edit of what happened goes unseen."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from evergreen.core.errors import Corrupt, Invalid
from evergreen.journal.log import Event, NewEvent
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.home import Home

AT = "2013-03-01T00:00:00.000000Z"
KINDS = ("version.registered", "alias.moved", "run.ended")
TAMPERINGS = 320


def event(number: int) -> NewEvent:
    payload = {"name": f"thing-{number}", "number": number, "share": number / 7, "reason": "déjà vu"}
    return NewEvent(project="demo", at=AT, kind=KINDS[number % 3], actor="user", payload=payload)


def append(home: Home, *events: NewEvent) -> None:
    home.database.write(lambda _: (None, list(events)))


def faults(home: Home) -> tuple[str, ...]:
    with home.database.read() as connection:
        return home.journal.verify(connection).faults


def events(home: Home, **wanted: Any) -> list[Event]:
    with home.database.read() as connection:
        return list(home.journal.read(connection, **wanted))


@pytest.fixture
def filled(home: Home) -> Home:
    """A home with 23 events: 1, 2, 3, ... at a time."""
    count = 0
    for size in (1, 2, 3, 4, 5, 8):
        append(home, *(event(number) for number in range(count, count + size)))
        count += size
    return home


# ------------------------------------------------------------------ appending and reading


def test_a_healthy_journal_is_sound(filled: Home) -> None:
    with filled.database.read() as connection:
        found = filled.journal.verify(connection)

    assert found.is_sound
    assert found.events == 23


def test_an_empty_journal_is_sound(home: Home) -> None:
    assert faults(home) == ()


def test_events_are_numbered_from_zero_without_a_gap(filled: Home) -> None:
    assert [found.number for found in events(filled)] == list(range(23))
    assert events(filled)[4].payload == event(4).payload


def test_events_are_read_by_kind_place_and_number(filled: Home) -> None:
    found = events(filled, project="demo", kinds=["alias.moved"], after=5, limit=3)

    assert [one.number for one in found] == [7, 10, 13]
    assert events(filled, project="other") == []


def test_an_event_without_a_canonical_form_fails_its_own_command_only(
    act: Callable[[Callable[[Transaction], Any]], Any], home: Home
) -> None:
    with pytest.raises(Invalid, match="no canonical form"):
        act(lambda tx: tx.emit("run.ended", loss=float("nan")))

    act(lambda tx: tx.emit("run.ended", loss=0.5))
    assert [found.payload for found in events(home)] == [{"loss": 0.5}]


def test_a_refused_write_takes_no_number(filled: Home) -> None:
    def refused(_: Connection) -> None:
        raise Invalid("no")

    with pytest.raises(Invalid):
        filled.database.write(refused)
    append(filled, event(23))

    assert events(filled)[-1].number == 23
    assert faults(filled) == ()


# ------------------------------------------------------------------ tampering


@dataclass(frozen=True, slots=True)
class Tamperer:
    """Edits tables past Evergreen, and puts them back."""

    path: Path

    def run(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        raw = sqlite3.connect(self.path)
        with raw:
            for statement, values in statements:
                raw.execute(statement, values)
        raw.close()

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        raw = sqlite3.connect(self.path)
        raw.text_factory = bytes
        try:
            # blobs and texts both arrive as bytes: what is put back must keep its type
            columns = [row[1].decode() for row in raw.execute(f"PRAGMA table_info({table})")]
            typed = ", ".join(f"{column}, typeof({column})" for column in columns)
            found = []
            for row in raw.execute(f"SELECT {typed} FROM {table} ORDER BY 1"):
                pairs = zip(row[::2], row[1::2], strict=True)
                found.append(tuple(value.decode() if kind == b"text" else value for value, kind in pairs))
            return found
        finally:
            raw.close()

    def restore(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        holes = ", ".join("?" for _ in rows[0])
        self.run((f"DELETE FROM {table}", ()), *((f"INSERT INTO {table} VALUES ({holes})", row) for row in rows))


@pytest.fixture
def tamper(filled: Home) -> Iterator[Tamperer]:
    yield Tamperer(filled.root / "evergreen.db")


COLUMNS = ("number", "project", "at", "recorded_at", "kind", "schema", "actor", "payload", "salt", "leaf")
HEAD_COLUMNS = ("id", "size", "frontier", "checkpoint")


def edited(value: Any, rng: random.Random) -> Any:
    """Return ``value`` with one character or byte changed, removed or inserted, or with another type."""
    if isinstance(value, int):
        return rng.choice([value + 1, value - 1, value + 2**32, f"{value}x", -value - 1])
    place = rng.randrange(len(value)) if value else 0
    if isinstance(value, bytes):
        flipped = bytes([value[place] ^ (1 << rng.randrange(8))]) if value else b"x"
        more = value[:place] + flipped + value[place:]
        return rng.choice([value[:place] + flipped + value[place + 1 :], more, value[:-1]])
    new = rng.choice(sorted(set('aZ0 \n"\\é') - set(value[place : place + 1])))
    return rng.choice(
        [
            value[:place] + new + value[place + 1 :],
            value[:place] + new + value[place:],
            value[:place] + value[place + 1 :],
            value.encode(),  # the same bytes, but no longer a text
            value[::-1] + "x",
        ]
    )


def tampering(rows: list[tuple[Any, ...]], rng: random.Random) -> tuple[str, list[tuple[str, tuple[object, ...]]]]:
    """Return the name of a random tampering and the statements that do it."""
    first, second = rng.sample(rows, 2)
    holes = ", ".join("?" for _ in COLUMNS)
    way = rng.choice(["edit", "edit", "edit", "edit", "remove", "swap", "exchange", "insert", "copy", "cut"])
    if way == "edit":
        place = rng.randrange(len(COLUMNS))
        value = edited(first[place], rng)
        if place == 0:
            value = rng.choice([-1, 23 + rng.randrange(100), 2**40])
        statement = f"UPDATE event SET {COLUMNS[place]} = ? WHERE number = ?"
        return f"edit {COLUMNS[place]} of {first[0]}: {value!r}", [(statement, (value, first[0]))]
    if way == "remove":
        return f"remove {first[0]}", [("DELETE FROM event WHERE number = ?", (first[0],))]
    if way == "swap":  # two events trade their numbers
        move = "UPDATE event SET number = ? WHERE number = ?"
        a, b = first[0], second[0]
        return f"swap {a} and {b}", [(move, (-5, a)), (move, (a, b)), (move, (b, -5))]
    if way == "exchange":  # one column of two events, with the values of the other
        place = rng.choice([7, 8, 9])
        update = f"UPDATE event SET {COLUMNS[place]} = ? WHERE number = ?"
        return f"exchange {COLUMNS[place]}", [(update, (first[place], second[0])), (update, (second[place], first[0]))]
    if way == "insert":
        return "insert at the end", [(f"INSERT INTO event VALUES ({holes})", (23, *first[1:]))]
    if way == "copy":
        values = ", ".join(f"{column} = ?" for column in COLUMNS[1:])
        return f"copy {first[0]} over {second[0]}", [
            (f"UPDATE event SET {values} WHERE number = ?", (*first[1:], second[0]))
        ]
    return "cut the end off", [("DELETE FROM event WHERE number > ?", (rng.randrange(22),))]


def test_every_random_tampering_with_events_is_found(filled: Home, tamper: Tamperer) -> None:
    rng = random.Random(20130301)
    rows = tamper.rows("event")
    unseen = []

    for _ in range(TAMPERINGS):
        what, statements = tampering(rows, rng)
        tamper.run(*statements)
        if not faults(filled):
            unseen.append(what)
        tamper.restore("event", rows)

    assert unseen == []
    assert faults(filled) == ()


def test_every_random_edit_of_the_head_is_found(filled: Home, tamper: Tamperer) -> None:
    rng = random.Random(6962)
    rows = tamper.rows("journal_head")
    unseen = []

    for _ in range(80):
        place = rng.randrange(len(HEAD_COLUMNS))
        value = edited(rows[0][place], rng)
        if HEAD_COLUMNS[place] == "id":
            value = rng.choice([0, 2, 77])
        tamper.run((f"UPDATE journal_head SET {HEAD_COLUMNS[place]} = ?", (value,)))
        if not faults(filled):
            unseen.append(f"{HEAD_COLUMNS[place]}: {value!r}")
        tamper.restore("journal_head", rows)

    assert unseen == []
    assert faults(filled) == ()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM journal_head",
        "INSERT INTO journal_head SELECT 2, size, frontier, checkpoint FROM journal_head",
        "UPDATE event SET payload = CAST(x'7b22c3286e7d' AS TEXT) WHERE number = 3",  # no UTF-8
        "UPDATE event SET project = x'75e9a8' WHERE number = 3",  # bytes whose base64 is "demo"
        "UPDATE event SET actor = x'bac7ab' WHERE number = 3",  # and "user"
        "UPDATE event SET leaf = 'text' WHERE number = 3",
        "UPDATE journal_head SET checkpoint = CAST(checkpoint AS BLOB)",
        "UPDATE journal_head SET checkpoint = checkpoint || x'0a'",
        "DELETE FROM event",
    ],
)
def test_contents_that_no_append_writes_are_faults_and_not_tracebacks(
    filled: Home, tamper: Tamperer, statement: str
) -> None:
    tamper.run((statement, ()))

    assert faults(filled)


def test_bytes_moved_between_salt_actor_and_payload_are_found(filled: Home, tamper: Tamperer) -> None:
    row = dict(zip(COLUMNS, tamper.rows("event")[3], strict=True))
    payload = row["payload"]
    assert payload.startswith('{"name":')

    tamper.run(  # the same bytes in a row: salt, '"user"', '{"name":...'
        (
            "UPDATE event SET salt = ?, actor = ?, payload = ? WHERE number = 3",
            (row["salt"] + b'"user"{', "name", payload.removeprefix('{"name"')),
        )
    )

    assert any("event 3" in fault for fault in faults(filled))


def test_an_altered_head_is_never_signed_over(filled: Home, tamper: Tamperer) -> None:
    """An attacker who edits event, leaf and frontier alike would otherwise wait for the next commit to sign it."""
    (_, size, frontier, _) = tamper.rows("journal_head")[0]
    tamper.run(("UPDATE journal_head SET frontier = ?", (bytes([frontier[0] ^ 1]) + frontier[1:],)))

    with pytest.raises(Corrupt, match="not as it was signed") as caught:
        append(filled, event(23))

    assert caught.value.hint is not None
    assert "evergreen audit verify" in caught.value.hint
    assert size == 23
    assert len(events(filled)) == 23


def test_writing_goes_on_once_the_head_is_restored(filled: Home, tamper: Tamperer) -> None:
    rows = tamper.rows("journal_head")
    tamper.run(("UPDATE journal_head SET size = 7, frontier = x''", ()))
    with pytest.raises(Corrupt):
        append(filled, event(23))

    tamper.restore("journal_head", rows)
    append(filled, event(23))

    assert faults(filled) == ()
