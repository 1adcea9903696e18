"""Many processes on one database: nothing is lost, nothing is half done, and nobody's connection crosses a fork."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from evergreen.core.errors import Conflict
from evergreen.db.schema import journal_head, project, schema_revision
from evergreen.journal.log import NewEvent
from evergreen.lifecycle.home import Home

AT = "2013-03-01T00:00:00.000000Z"
PROCESSES = 8
WRITES = 60

pytestmark = pytest.mark.slow

spawn = multiprocessing.get_context("spawn")


def add(name: str) -> Callable[[Connection], tuple[str, list[NewEvent]]]:
    """Add a project, or refuse if it is there, having written something by then."""

    def work(connection: Connection) -> tuple[str, list[NewEvent]]:
        connection.execute(project.insert().values(name=f"{name}-half", created_at=AT))
        if connection.execute(select(project.c.name).where(project.c.name == name)).first() is not None:
            raise Conflict(f"{name} is there")
        connection.execute(project.update().where(project.c.name == f"{name}-half").values(name=name))
        return name, [NewEvent(project=name, at=AT, kind="project.created", actor="tester", payload={"name": name})]

    return work


def write_many(root: str, own: int, start: Any, answers: Any) -> None:  # a barrier and a queue
    """Write ``WRITES`` names: every third is one that all processes want, the others are one's own."""
    home = Home.open(Path(root), create=True)
    start.wait(60)
    outcomes = {}
    for number in range(WRITES):
        name = f"shared-{number}" if number % 3 == 0 else f"own-{own}-{number}"
        try:
            home.database.write(add(name))
            outcomes[name] = "made"
        except Conflict:
            outcomes[name] = "refused"
    home.close()
    answers.put(outcomes)


def names(home: Home) -> set[str]:
    with home.database.read() as connection:
        return set(connection.execute(select(project.c.name)).scalars())


def created(home: Home) -> list[str]:
    """Verify the journal and return the names in it, in their order."""
    with home.database.read() as connection:
        assert home.journal.verify(connection).faults == ()
        events = list(home.journal.read(connection))
    assert [event.number for event in events] == list(range(len(events)))
    return [event.payload["name"] for event in events]


def test_eight_processes_writing_at_once_lose_nothing_and_refuse_only_what_is_there(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home", create=True)
    start, answers = spawn.Barrier(PROCESSES), spawn.Queue()
    children = [
        spawn.Process(target=write_many, args=(str(home.root), own, start, answers)) for own in range(PROCESSES)
    ]
    for child in children:
        child.start()

    outcomes = [answers.get(timeout=180) for _ in children]
    for child in children:
        child.join(30)

    made = [name for outcome in outcomes for name, answer in outcome.items() if answer == "made"]
    own = {f"own-{process}-{number}" for process in range(PROCESSES) for number in range(WRITES) if number % 3}
    shared = {f"shared-{number}" for number in range(0, WRITES, 3)}
    assert [child.exitcode for child in children] == [0] * PROCESSES
    assert sum(len(outcome) for outcome in outcomes) == PROCESSES * WRITES
    assert sorted(made) == sorted(own | shared)  # each shared name was made by one process
    assert names(home) == own | shared  # and no refusal left its half
    assert sorted(created(home)) == sorted(made)
    home.close()


def open_first(roots: list[str], start: Any, answers: Any) -> None:  # a barrier and a queue
    for root in roots:
        start.wait(60)
        try:
            home = Home.open(Path(root), create=True)
            home.database.write(add(f"of-{os.getpid()}"))
            home.close()
            answers.put("works")
        except Exception as error:  # noqa: BLE001 - the answer that the test looks at
            answers.put(repr(error))


def test_first_starts_at_once_make_one_home(tmp_path: Path) -> None:
    count = 4
    roots = [tmp_path / f"home-{number}" for number in range(12)]
    start, answers = spawn.Barrier(count), spawn.Queue()
    children = [
        spawn.Process(target=open_first, args=([str(root) for root in roots], start, answers)) for _ in range(count)
    ]
    for child in children:
        child.start()

    outcomes = [answers.get(timeout=120) for _ in children for _ in roots]
    for child in children:
        child.join(30)

    assert outcomes == ["works"] * count * len(roots)
    for root in roots:
        home = Home.open(root)
        assert len(created(home)) == count  # signed by one key, or the verification in it would fail
        with home.database.read() as connection:
            assert len(connection.execute(select(schema_revision)).all()) == 1
            assert len(connection.execute(select(journal_head)).all()) == 1
        assert [path.name for path in (root / "key").iterdir()] == ["journal.ed25519"]
        home.close()


FORK = """
import json, os, sys
from pathlib import Path

from sqlalchemy import select

from evergreen.db.schema import project
from evergreen.lifecycle.home import Home

parent_closes_first = sys.argv[2] == "parent"
home = Home.open(Path(sys.argv[1]), create=True)

def add(name):
    def work(connection):
        connection.execute(project.insert().values(name=name, created_at=""))
        return name, []

    home.database.write(work)

def count():
    with home.database.read() as connection:
        return len(connection.execute(select(project)).all())

add("before")
count()
to_child, to_parent = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    add("child 1")
    os.write(to_parent[1], b"x")
    os.read(to_child[0], 1)
    if parent_closes_first:
        add("child 2")
        add("child 3")
        os._exit(0 if count() == 5 else 1)
    home.close()
    os._exit(0)
os.read(to_parent[0], 1)
add("parent 1")
if parent_closes_first:
    home.close()
os.write(to_child[1], b"x")
_, status = os.waitpid(child, 0)
if not parent_closes_first:
    add("parent 2")
    add("parent 3")
    count()
    home.close()
print(json.dumps({"child": os.waitstatus_to_exitcode(status)}))
"""


@pytest.mark.parametrize("first_to_close", ["parent", "child"])
def test_parent_and_child_both_write_after_a_fork(tmp_path: Path, first_to_close: str) -> None:
    root = tmp_path / "home"

    answer = subprocess.run(
        [sys.executable, "-c", FORK, str(root), first_to_close],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {"child": 0}, answer.stderr
    other = "child" if first_to_close == "parent" else "parent"
    home = Home.open(root)
    assert names(home) == {"before", "child 1", "parent 1", f"{other} 2", f"{other} 3"}
    home.close()


def test_a_fork_while_another_thread_writes_harms_neither(tmp_path: Path) -> None:
    script = """
import os, sys, threading
from pathlib import Path

from evergreen.db.database import Database
from evergreen.db.schema import project

database = Database(Path(sys.argv[1]) / "evergreen.db")
database.create()

def add(name):
    database.write(lambda connection: connection.execute(project.insert().values(name=name, created_at="")) and None)

def many(prefix):
    for number in range(100):
        add(f"{prefix}-{number}")

threads = [threading.Thread(target=many, args=(f"parent-{number}",)) for number in range(3)]
for thread in threads:
    thread.start()
children = []
for number in range(5):
    child = os.fork()
    if child == 0:
        add(f"child-{number}")
        database.close()
        os._exit(0)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
for thread in threads:
    thread.join()
with database.read() as connection:
    print(codes, len(connection.execute(project.select()).all()))
"""

    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert answer.stdout.strip() == "[0, 0, 0, 0, 0] 305", answer.stderr
