"""The journal itself: events appended last in the committing transaction, under one locked head row.

A leaf hashes (number, project, both times, kind, schema, salted digest of actor and payload): those two lie beside it,
so that they can be erased one day while the proof stays.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import DBAPIError

from evergreen.core.canonical import canonical
from evergreen.core.clock import Clock, isoformat
from evergreen.core.errors import Corrupt
from evergreen.db import schema as t
from evergreen.journal.checkpoint import Checkpoint, Signer
from evergreen.journal.merkle import Frontier, leaf_hash

__all__ = ["Event", "Journal", "NewEvent", "Verification"]

_HEAD = 1
_SALT_BYTES = 16
_NO_LEAF = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """Something that a transaction did, before it has a number."""

    project: str
    at: str
    kind: str
    actor: str
    payload: Mapping[str, Any]  # JSON values; no personal data
    schema: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened."""

    number: int
    project: str
    at: str
    recorded_at: str
    kind: str
    actor: str
    payload: dict[str, Any]  # JSON values
    schema: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What ``verify`` found."""

    events: int
    root: str
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults


class Journal:
    """Appends, reads and verifies one home's events."""

    def __init__(self, signer: Signer, clock: Clock) -> None:
        self._signer = signer
        self._clock = clock

    def start(self, connection: Connection) -> None:
        """Write the head of an empty journal, unless there is one."""
        if connection.execute(select(t.journal_head.c.size)).first() is None:
            empty = Frontier()
            note = self._signer.sign(Checkpoint(size=0, root=empty.root))
            connection.execute(t.journal_head.insert().values(id=_HEAD, size=0, frontier=b"", checkpoint=note))

    def next_number(self, connection: Connection) -> int:
        """Return the number that the next event will get, if this transaction commits first."""
        return int(connection.execute(select(t.journal_head.c.size)).scalar_one())

    def append(self, connection: Connection, events: Sequence[NewEvent]) -> list[int]:
        """Append ``events`` and return their numbers. Call it last in a transaction that holds the write lock.

        Raises:
            Corrupt: the head is not as it was signed; an altered one is never signed over.
        """
        if not events:
            return []
        frontier = self._signed_frontier(connection)
        recorded_at = isoformat(self._clock.now())
        rows: list[dict[str, Any]] = []  # of the event table
        for offset, event in enumerate(events):
            payload = canonical(event.payload)
            salt = os.urandom(_SALT_BYTES)
            number = frontier.size + offset
            leaf = _leaf(
                number, event.project, event.at, recorded_at, event.kind, event.schema, salt, event.actor, payload
            )
            rows.append(
                {
                    "number": number,
                    "project": event.project,
                    "at": event.at,
                    "recorded_at": recorded_at,
                    "kind": event.kind,
                    "schema": event.schema,
                    "actor": event.actor,
                    "payload": payload.decode(),
                    "salt": salt,
                    "leaf": leaf,
                }
            )
        frontier = frontier.appended(row["leaf"] for row in rows)
        note = self._signer.sign(Checkpoint(size=frontier.size, root=frontier.root))
        connection.execute(t.event.insert(), rows)
        head = {"size": frontier.size, "frontier": frontier.to_bytes(), "checkpoint": note}
        connection.execute(t.journal_head.update().where(t.journal_head.c.id == _HEAD).values(**head))
        return [row["number"] for row in rows]

    def read(
        self,
        connection: Connection,
        *,
        project: str | None = None,
        kinds: Sequence[str] = (),
        after: int = -1,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Yield events in their order, those numbered above ``after``."""
        query = select(t.event).where(t.event.c.number > after).order_by(t.event.c.number)
        if project is not None:
            query = query.where(t.event.c.project == project)
        if kinds:
            query = query.where(t.event.c.kind.in_(kinds))
        if limit is not None:
            query = query.limit(limit)
        for row in connection.execute(query):
            yield Event(
                number=row.number,
                project=row.project,
                at=row.at,
                recorded_at=row.recorded_at,
                kind=row.kind,
                actor=row.actor,
                payload=msgspec.json.decode(row.payload, type=dict[str, Any]),
                schema=row.schema,
            )

    def verify(self, connection: Connection) -> Verification:
        """Recompute every leaf and the root, and compare them with the signed head.

        Finds any edit, removal, insertion or reordering of events made without the key. Cutting the newest events off
        together with an old head needs a checkpoint kept elsewhere to be seen.
        """
        faults: list[str] = []
        frontier = Frontier()
        try:
            for expected, row in enumerate(connection.execute(select(t.event).order_by(t.event.c.number))):
                if row.number != expected:
                    faults.append(f"event {expected} is missing; the next one there is {row.number}")
                    break
                leaf = _stored_leaf(row)
                if leaf != row.leaf:
                    faults.append(f"event {row.number} ({row.kind}) was altered: its contents do not give its leaf")
                frontier = frontier.appended([leaf])
            heads = connection.execute(select(t.journal_head)).all()
        except DBAPIError as error:  # text that is no text, or pages that are no pages
            faults.append(f"the journal cannot be read: {error.orig}")
            return Verification(events=frontier.size, root=frontier.root.hex(), faults=tuple(faults))
        if [head.id for head in heads] == [_HEAD]:
            faults += self._head_faults(heads[0], frontier)
        else:
            faults.append(f"the journal has {len(heads)} heads, expected one with the id {_HEAD}")
        return Verification(events=frontier.size, root=frontier.root.hex(), faults=tuple(faults))

    def _signed_frontier(self, connection: Connection) -> Frontier:
        # Without this check an edit of the frontier would be signed with the next event, and look sound ever after.
        head = connection.execute(select(t.journal_head).where(t.journal_head.c.id == _HEAD)).one_or_none()
        try:
            frontier = Frontier() if head is None else Frontier.from_bytes(head.size, head.frontier)
        except (AttributeError, TypeError, ValueError):
            frontier = Frontier()
        if head is None or head.checkpoint != self._signer.sign(Checkpoint(size=frontier.size, root=frontier.root)):
            raise Corrupt(
                "the journal's head is not as it was signed: nothing more is written to it",
                hint='run "evergreen audit verify", then restore a backup',
            )
        return frontier

    def _head_faults(self, head: Row[Any], frontier: Frontier) -> Iterator[str]:  # SQLAlchemy rows are untyped
        try:
            checkpoint = self._signer.open_note(head.checkpoint)
        except Corrupt as error:
            yield error.message
            return
        if checkpoint.size != head.size:
            yield f"the head counts {head.size} events, its signed checkpoint {checkpoint.size}"
        if checkpoint.size != frontier.size:
            yield f"the signed checkpoint counts {checkpoint.size} events, there are {frontier.size}"
        elif checkpoint.root != frontier.root:
            yield "the root of all events is not the signed one: an event was altered, replaced or moved"
        if head.frontier != frontier.to_bytes():
            yield "the head's frontier is not that of the events"


def _leaf(
    number: int,
    project: str,
    at: str,
    recorded_at: str,
    kind: str,
    schema: int,
    salt: bytes,
    actor: str,
    payload: bytes,
) -> bytes:
    beside = hashlib.sha256(salt + canonical(actor) + payload).hexdigest()
    return leaf_hash(canonical([number, project, at, recorded_at, kind, schema, beside]))


def _stored_leaf(row: Row[Any]) -> bytes:  # SQLAlchemy rows are untyped
    """Return the leaf that the row's contents give; of contents that no append writes, one that none has."""
    texts = (row.project, row.at, row.recorded_at, row.kind, row.actor, row.payload)
    if not all(isinstance(text, str) for text in texts) or not isinstance(row.schema, int):
        return _NO_LEAF  # a SQLite column takes values of any type
    if not isinstance(row.salt, bytes) or len(row.salt) != _SALT_BYTES:
        return _NO_LEAF  # else bytes could move between salt, actor and payload unseen
    return _leaf(
        row.number,
        row.project,
        row.at,
        row.recorded_at,
        row.kind,
        row.schema,
        row.salt,
        row.actor,
        row.payload.encode(),
    )
