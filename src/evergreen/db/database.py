"""One database: reads on their own connections, writes through one group-committing writer per process.

Commands that wait at the same time share one transaction, each in a SAVEPOINT: a refusal undoes only itself, a
failed commit fails all of them, and nobody is answered before the fsync.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from evergreen.core.errors import Corrupt, EvergreenError, Unavailable
from evergreen.db.engine import open_engine, refuse_network_file_system
from evergreen.db.schema import REVISION, metadata, schema_revision

__all__ = ["Database", "Work"]

WAIT_S = 30.0
"""How long a write waits for other processes in all, before it is ``Unavailable``."""
MOST_IN_A_GROUP = 256
STEPS_BETWEEN_LOOKS = 10_000
"""Steps of SQLite's machine between two looks at the clock of a bounded read: well under a millisecond."""

_T = TypeVar("_T")
BeforeCommit = Callable[[Connection, Sequence[Any]], None]


@dataclass(slots=True, eq=False)
class Work:
    """One waiting write: a function of the connection, and later its result or its error."""

    function: Callable[[Connection], Any]
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Process:
    """Everything that must not survive a fork."""

    pid: int
    writer: Engine
    reader: Engine
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting_lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[Work] = field(default_factory=list)
    connection: Connection | None = None


class Database:
    """A SQLite database in one file.

    Safe for threads; after a fork the child opens its own connections. ``before_commit`` is called once per
    transaction with the results of the works that succeeded: the journal appends there, last.
    """

    def __init__(self, path: Path, *, before_commit: BeforeCommit | None = None, wait_s: float = WAIT_S) -> None:
        self.path = path
        self._before_commit = before_commit
        self._wait_s = wait_s
        self._current: _Process | None = None
        self._inherited: list[_Process] = []
        self._opening = threading.Lock()

    def create(self, first: Callable[[Connection], None] | None = None) -> None:
        """Make the schema with its revision row, and what ``first`` adds, in one transaction, unless it is there.

        Two processes may start at once: the second finds the schema made.

        Raises:
            Unavailable: the folder is read-only, full, or on a network file system.
            Corrupt: the file is not a database, or of a schema this release does not know.
        """
        refuse_network_file_system(self.path.parent)

        def make(connection: Connection) -> None:
            metadata.create_all(connection)
            if connection.execute(schema_revision.select()).first() is None:
                connection.execute(schema_revision.insert().values(revision=REVISION, oldest_release="0.1.0"))
            if first is not None:
                first(connection)

        if not self.path.exists():
            self._write_alone(make)
        else:
            with self._explained(), self._process().reader.connect() as connection:
                known = connection.dialect.has_table(connection, "schema_revision")
            if not known:  # another process is making it just now, or an earlier first start was killed
                self._write_alone(make)
        self._check_revision()

    def _check_revision(self) -> None:
        with self.read() as connection:
            found = connection.execute(schema_revision.select()).scalar()
        if found != REVISION:
            raise Corrupt(
                f"database {self.path} has schema {found}, this release works with {REVISION}",
                hint='run "evergreen migrate" (it makes a backup first), or install the release that made it',
            )

    @contextmanager
    def read(self, *, at_most_s: float | None = None) -> Iterator[Connection]:
        """Give a connection that sees one consistent state and cannot write.

        With ``at_most_s`` the reading as a whole may take so long; then it is ended as ``Unavailable``.
        """
        with self._explained(), self._process().reader.connect() as connection:
            if at_most_s is None:
                yield connection
                return
            deadline = time.monotonic() + at_most_s
            raw = connection.connection.dbapi_connection
            if not isinstance(raw, sqlite3.Connection):
                raise TypeError(f"the driver's connection is a {type(raw).__name__}")
            raw.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
            try:
                yield connection
            finally:
                raw.set_progress_handler(None, 0)

    def write(self, function: Callable[[Connection], Any]) -> Any:
        """Run ``function`` in a transaction, alone or together with whoever waits, and return once it is durable.

        Raises whatever ``function`` raises; then nothing of it is kept.
        """
        process = self._process()
        work = Work(function)
        with process.waiting_lock:
            process.waiting.append(work)
        with process.lock:
            # Whoever holds the lock commits for all that wait: while it fsyncs, the next group gathers.
            if not work.is_done:
                with process.waiting_lock:
                    group, process.waiting = process.waiting[:MOST_IN_A_GROUP], process.waiting[MOST_IN_A_GROUP:]
                if work not in group:
                    with process.waiting_lock:
                        process.waiting.remove(work)
                    group.append(work)
                self._commit(process, group)
        if work.error is not None:
            with self._explained():
                raise work.error
        return work.result

    def close(self) -> None:
        """Close all connections of this process."""
        current, self._current = self._current, None
        if current is not None and current.pid == os.getpid():
            _close_connections(current)

    # ------------------------------------------------------------------ inside

    def _process(self) -> _Process:
        current = self._current
        if current is None or current.pid != os.getpid():
            with self._opening:
                current = self._current
                if current is None or current.pid != os.getpid():
                    if current is not None:
                        # Should one of the parent's connections have come along, it is kept and not used: SQLite
                        # must not close in a child what the parent opened.
                        self._inherited.append(current)
                    else:
                        _close_before_each_fork(self)
                    current = _Process(
                        pid=os.getpid(),
                        writer=open_engine(self.path, writes=True),
                        reader=open_engine(self.path, writes=False),
                    )
                    self._current = current
        return current

    def _commit(self, process: _Process, group: list[Work]) -> None:
        try:
            with self._explained():
                self._transaction(process, group)
        except BaseException as error:  # noqa: BLE001 - handed to everyone who waits for this commit
            for work in group:  # refusals too: they may rest on what was undone
                work.error, work.result = error, None
            if not isinstance(error, EvergreenError):
                self._drop_connection(process)
        finally:
            for work in group:
                work.is_done = True

    def _transaction(self, process: _Process, group: list[Work]) -> None:
        if process.connection is None:
            process.connection = self._patiently(process.writer.connect)
        connection = process.connection
        transaction = self._patiently(connection.begin)
        try:
            succeeded = []
            for work in group:
                savepoint = connection.begin_nested()
                try:
                    work.result = work.function(connection)
                except Exception as error:  # noqa: BLE001 - handed to whoever waits for this work
                    try:
                        savepoint.rollback()
                    except DBAPIError:  # a full or failing disk has undone the whole transaction
                        raise error from None
                    work.error = error
                else:
                    savepoint.commit()
                    succeeded.append(work.result)
            if self._before_commit is not None and succeeded:
                self._before_commit(connection, succeeded)
            transaction.commit()
        except BaseException:
            try:
                transaction.rollback()
            finally:
                self._drop_connection(process)
            raise

    def _drop_connection(self, process: _Process) -> None:
        connection, process.connection = process.connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _write_alone(self, function: Callable[[Connection], None]) -> None:
        with self._explained():
            engine = open_engine(self.path, writes=True)
            try:
                with self._patiently(engine.connect) as connection, self._patiently(connection.begin):
                    function(connection)
            finally:
                engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the driver's errors into ours: what happened to which file, and what to do."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            explained = _explain(self.path, str(cause), self._wait_s)
            if explained is None:
                raise
            raise explained from error
        except PoolTimeout as error:
            raise Unavailable(f"{self.path} has too many readers at once", hint="try again") from error

    def _patiently(self, attempt: Callable[[], _T]) -> _T:
        """Connect or begin, waiting for other processes: SQLite's own waiting is unfair, jitter evens it out."""
        deadline = time.monotonic() + self._wait_s
        while True:
            try:
                return attempt()
            except DBAPIError as error:
                if "locked" not in str(error.orig) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.001, 0.02))


def _close_connections(process: _Process) -> None:
    connection, process.connection = process.connection, None
    if connection is not None:
        connection.close()
    process.writer.dispose()
    process.reader.dispose()


def _close_before_each_fork(database: Database) -> None:
    """Let no connection come along into a child.

    SQLite keeps in the process' memory which locks it holds. A child that inherits this believes in locks that only
    its parent has, and loses the write-ahead log under its feet when the parent closes.
    """
    alive = weakref.ref(database)  # Python keeps the functions below for ever, they must not keep the database
    locked: list[threading.Lock] = []

    def before() -> None:
        found = alive()
        process = None if found is None else found._current
        if process is not None and process.pid == os.getpid() and process.lock.acquire(timeout=WAIT_S):
            locked.append(process.lock)
            _close_connections(process)

    def after() -> None:
        while locked:
            locked.pop().release()

    os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)


def _explain(path: Path, cause: str, wait_s: float) -> EvergreenError | None:
    folder = str(path.parent)
    if "disk is full" in cause or "disk I/O error" in cause:
        return Unavailable(
            f"cannot write to {path}: {cause}",
            hint=f"make room in {folder}, then try again; reading goes on",
            folder=folder,
        )
    if "readonly" in cause or "unable to open" in cause:
        return Unavailable(
            f"cannot open {path} for writing: {cause}", hint=f"check the permissions of {folder}", folder=folder
        )
    if "interrupted" in cause:
        return Unavailable(
            f"a question to {path} took too long and was ended", hint="ask for less, with a smaller limit"
        )
    if "locked" in cause or "busy" in cause:
        return Unavailable(f"{path} was busy for {wait_s:.0f} s: other processes are writing", hint="try again")
    if "not a database" in cause or "malformed" in cause or "decode to UTF-8" in cause:
        return Corrupt(f"{path} is damaged: {cause}", hint='restore a backup; "evergreen fsck" tells what is readable')
    return None
