"""What one acknowledged commit costs: the disk's own flush, SQLite, ours with its journal; alone and with 8 writers.

Run it in a folder on the disk that matters: ``python -m benchmarks.commit --folder DIR``.
"""

from __future__ import annotations

import argparse
import functools
import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import compare, in_processes, machine, table, timed

from evergreen.core.clock import SystemClock
from evergreen.core.ids import new_id
from evergreen.db.database import Database
from evergreen.faces.client.local import open_local
from evergreen.journal.checkpoint import Signer
from evergreen.journal.log import Journal, NewEvent
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.start_run import StartRun

__all__: list[str] = []

WRITERS = 8
# about what one small command leaves: its own row, its event, its command record
ROWS = (("thing", 300), ("event", 200), ("command", 200))


def flusher(folder: Path, commits: int, writer: int) -> Callable[[], None]:
    """Prepare to write one page and flush it to the disk, ``commits`` times: what the hardware does."""
    page = os.urandom(4096)
    descriptor = os.open(folder / f"pages-{writer}", os.O_WRONLY | os.O_CREAT)

    def work() -> None:
        # in place, as a write-ahead log does once it has grown: a growing file would flush its size as well
        for number in range(commits):
            os.pwrite(descriptor, page, number * len(page))
            os.fdatasync(descriptor)

    return work


def raw_sqlite(folder: Path, commits: int, writer: int) -> Callable[[], None]:
    """Prepare to commit to SQLite as Evergreen opens it: WAL, every commit flushed, transactions begun by us."""
    del writer
    connection = sqlite3.connect(folder / "raw.db", timeout=120, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    for name, _ in ROWS:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} (id BLOB PRIMARY KEY, body BLOB NOT NULL)")

    def work() -> None:
        for _ in range(commits):
            connection.execute("BEGIN IMMEDIATE")
            for name, size in ROWS:
                connection.execute(f"INSERT INTO {name} VALUES (?, ?)", (os.urandom(16), os.urandom(size)))
            connection.execute("COMMIT")

    return work


def journalled(folder: Path, commits: int, writer: int) -> Callable[[], None]:
    """Prepare to journal and sign one event through the group-committing writer: no message, no dispatch."""
    journal = Journal(Signer.open(folder / "key"), SystemClock())
    database = Database(folder / "evergreen.db")
    database.create(journal.start)

    def commit(number: int) -> None:
        payload = {"model": "delay", "alias": "production", "writer": writer, "version": number}
        event = NewEvent(
            project="benchmark", at="2013-01-01T00:00:00Z", kind="alias.moved", actor="benchmark", payload=payload
        )
        database.write(lambda connection: journal.append(connection, [event]))

    def work() -> None:
        for number in range(commits):
            commit(number)

    return work


def command(folder: Path, commits: int, writer: int) -> Callable[[], None]:
    """Prepare to send a command as users do: encoded, authorised, its row, its event, its stored result."""
    del writer
    client = open_local(folder / "home", "benchmark", create=True)
    client.send(CreateProject())

    def work() -> None:
        for _ in range(commits):
            client.send(StartRun(run_id=new_id(), name="benchmark"))

    return work


SUBJECTS = {
    "SQLite, WAL and FULL": raw_sqlite,
    "one page and fdatasync": flusher,
    "Evergreen: a journalled event": journalled,
    "Evergreen: a command": command,
}


def alone(folder: Path, commits: int, turns: int) -> str:
    """Measure one writer."""
    subjects = {name: timed(prepare(folder, commits, 0), commits) for name, prepare in SUBJECTS.items()}
    return table("A commit, alone", compare(subjects, turns=turns))


def together(folder: Path, commits: int, turns: int) -> str:
    """Measure writers in eight processes on one database; the time is that of the whole over all commits."""
    subjects = {
        name: in_processes(functools.partial(prepare, folder, commits), WRITERS, commits)
        for name, prepare in SUBJECTS.items()
    }
    return table(f"A commit, {WRITERS} processes at once", compare(subjects, turns=turns))


def threads(folder: Path, commits: int, turns: int) -> str:
    """Measure eight threads of one process: SQLite one commit after the other, ours gathered into groups."""
    client = open_local(folder / "threads", "benchmark", create=True)
    client.send(CreateProject())
    lock = threading.Lock()
    raw = [raw_sqlite(folder, 1, 0)]

    def one_by_one() -> None:
        for _ in range(commits):
            with lock:
                raw[0]()

    def grouped() -> None:
        for _ in range(commits):
            client.send(StartRun(run_id=new_id(), name="benchmark"))

    def in_threads(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            running = [threading.Thread(target=work) for _ in range(WRITERS)]
            for thread in running:
                thread.start()
            for thread in running:
                thread.join()

        return run

    subjects = {
        "SQLite, one after the other": timed(in_threads(one_by_one), WRITERS * commits),
        "Evergreen: a command": timed(in_threads(grouped), WRITERS * commits),
    }
    return table(f"A commit, {WRITERS} threads of one process", compare(subjects, turns=turns))


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    parser.add_argument("--commits", type=int, default=100, help="commits in each turn of each writer")
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix=".benchmark-") as folder:
        print(f"{machine()}\n")
        print(alone(Path(folder), options.commits, options.turns))
        print(threads(Path(folder), options.commits // 4, options.turns))
        print(together(Path(folder), options.commits // 4, max(3, options.turns // 2)))


if __name__ == "__main__":
    main()
