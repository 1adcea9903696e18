"""One database: what shares a commit, what fails alone, and what is never half done."""

import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from evergreen.core.errors import Conflict, Corrupt, Invalid, Unavailable
from evergreen.db.database import Database
from evergreen.db.engine import refuse_network_file_system
from evergreen.db.schema import project, run_param

Work = Callable[[Connection], Any]


class Commits:
    """Counts transactions, and does what a test wants just before they commit."""

    def __init__(self) -> None:
        self.groups: list[list[Any]] = []
        self.before: Callable[[], None] = lambda: None

    def __call__(self, _: Connection, results: Sequence[Any]) -> None:
        self.groups.append(list(results))
        self.before()


@pytest.fixture
def commits() -> Commits:
    return Commits()


@pytest.fixture
def database(tmp_path: Path, commits: Commits) -> Iterator[Database]:
    made = Database(tmp_path / "evergreen.db", before_commit=commits)
    made.create()
    yield made
    made.close()


def add(name: str) -> Work:
    def work(connection: Connection) -> str:
        connection.execute(project.insert().values(name=name, created_at="now"))
        return name

    return work


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(project.c.name).order_by(project.c.name)).scalars())


def together(database: Database, works: Sequence[Work]) -> list[Any]:
    """Run ``works`` in threads of their own, all waiting while an earlier write holds the database."""
    held, go_on = threading.Event(), threading.Event()
    outcomes: list[Any] = [None] * len(works)

    def hold(_: Connection) -> None:
        held.set()
        assert go_on.wait(20)

    def run(place: int, work: Work) -> None:
        try:
            outcomes[place] = database.write(work)
        except Exception as error:  # noqa: BLE001 - the outcome that the test looks at
            outcomes[place] = error

    holder = threading.Thread(target=database.write, args=(hold,))
    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    holder.start()
    assert held.wait(20)
    for thread in threads:
        thread.start()
    time.sleep(0.3)  # until all of them wait
    go_on.set()
    for thread in [holder, *threads]:
        thread.join(30)
        assert not thread.is_alive()
    return outcomes


# ------------------------------------------------------------------ one commit for all that wait


def test_writes_that_wait_at_the_same_time_share_one_commit(database: Database, commits: Commits) -> None:
    works = [add(f"p{number:02}") for number in range(20)]

    outcomes = together(database, works)

    assert outcomes == [f"p{number:02}" for number in range(20)]
    assert names(database) == outcomes
    assert len(commits.groups) == 2
    assert sorted(commits.groups[1]) == outcomes


def test_more_writes_than_fit_a_group_are_all_made(database: Database, commits: Commits) -> None:
    outcomes = together(database, [add(f"p{number:03}") for number in range(300)])

    assert names(database) == outcomes
    assert 3 <= len(commits.groups) <= 6


def test_a_refusal_undoes_only_itself(database: Database, commits: Commits) -> None:
    def refused(connection: Connection) -> None:
        add("half")(connection)
        raise Conflict("somebody else was first")

    outcomes = together(database, [add("a"), refused, add("b"), add("a"), add("c")])

    assert names(database) == ["a", "b", "c"]
    assert isinstance(outcomes[1], Conflict)
    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 1  # the second "a", whichever it was
    assert len(commits.groups) == 2


def test_a_failing_commit_fails_the_whole_group_and_the_database_works_afterwards(database: Database) -> None:
    def orphan(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")  # checked by COMMIT itself
        connection.execute(run_param.insert().values(run_id="none", name="x", value="1"))

    def refused(connection: Connection) -> None:
        raise Conflict(f"refused because of {connection.execute(select(func.count()).select_from(project)).scalar()}")

    outcomes = together(database, [add("a"), orphan, refused, add("b")])

    assert all(isinstance(outcome, IntegrityError) for outcome in outcomes), outcomes
    assert names(database) == []
    assert database.write(add("later")) == "later"
    assert names(database) == ["later"]


def test_an_error_before_the_commit_fails_the_whole_group(database: Database, commits: Commits) -> None:
    def fail() -> None:
        if len(commits.groups) == 2:
            raise Corrupt("the journal's head is damaged")

    commits.before = fail

    outcomes = together(database, [add("a"), add("b")])

    assert [type(outcome) for outcome in outcomes] == [Corrupt, Corrupt]
    assert names(database) == []
    assert database.write(add("later")) == "later"


def test_an_error_leaves_no_half_written_rows(database: Database) -> None:
    def half(connection: Connection) -> None:
        for number in range(100):
            add(f"p{number}")(connection)
        raise Invalid("the last one is wrong")

    with pytest.raises(Invalid, match="the last one is wrong"):
        database.write(half)

    assert names(database) == []


def test_an_interrupt_leaves_no_half_written_rows_and_the_database_works_afterwards(database: Database) -> None:
    def interrupted(connection: Connection) -> None:
        add("half")(connection)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(interrupted)

    assert database.write(add("later")) == "later"
    assert names(database) == ["later"]


def test_nobody_is_answered_before_the_commit(database: Database, commits: Commits) -> None:
    reached, go_on, answered = threading.Event(), threading.Event(), threading.Event()

    def pause() -> None:
        reached.set()
        assert go_on.wait(20)

    commits.before = pause

    def write() -> None:
        database.write(add("a"))
        answered.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert reached.wait(20)

    before = (answered.wait(0.2), names(database))
    go_on.set()
    writer.join(20)

    assert before == (False, [])
    assert answered.is_set()
    assert names(database) == ["a"]


# ------------------------------------------------------------------ connections


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable, match="readonly"), database.read() as connection:
        add("a")(connection)

    assert names(database) == []


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    database.write(add("a"))

    with database.read() as connection:
        first = connection.execute(select(func.count()).select_from(project)).scalar()
        database.write(add("b"))
        second = connection.execute(select(func.count()).select_from(project)).scalar()

    assert (first, second) == (1, 1)
    assert names(database) == ["a", "b"]


@pytest.mark.parametrize(("pragma", "expected"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_every_connection_is_set_up_for_durability(database: Database, pragma: str, expected: object) -> None:
    def ask(connection: Connection) -> object:
        return connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()

    with database.read() as connection:
        reading = ask(connection)

    assert (reading, database.write(ask)) == (expected, expected)


def test_a_write_holds_the_write_lock_before_its_first_read(database: Database) -> None:
    def other_begins(_: Connection) -> str:
        other = sqlite3.connect(database.path, timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return str(error)
        finally:
            other.close()
        return "began"

    assert database.write(other_begins) == "database is locked"


def test_a_write_is_unavailable_when_others_hold_the_database_too_long(tmp_path: Path) -> None:
    database = Database(tmp_path / "evergreen.db", wait_s=0.1)
    database.create()
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable, match="was busy") as caught:
        database.write(add("a"))
    other.execute("ROLLBACK")
    other.close()

    assert caught.value.hint == "try again"
    assert database.write(add("b")) == "b"
    assert names(database) == ["b"]
    database.close()


def test_a_closed_database_opens_itself_again(database: Database) -> None:
    database.write(add("a"))
    database.close()

    database.write(add("b"))

    assert names(database) == ["a", "b"]


# ------------------------------------------------------------------ opening


def test_creating_again_changes_nothing(database: Database) -> None:
    database.write(add("a"))

    again = Database(database.path)
    again.create(first=add("never"))

    assert names(again) == ["a"]
    again.close()


def test_a_creation_that_fails_leaves_no_schema_and_can_be_made_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "evergreen.db")

    def fail(_: Connection) -> None:
        raise Unavailable("the key cannot be written")

    with pytest.raises(Unavailable, match="the key"):
        database.create(first=fail)
    database.create(first=add("first"))

    assert names(database) == ["first"]
    database.close()


def test_another_schema_is_refused_with_what_to_do(database: Database) -> None:
    database.close()
    with sqlite3.connect(database.path) as raw:
        raw.execute("UPDATE schema_revision SET revision = '9999'")
    raw.close()

    again = Database(database.path)
    with pytest.raises(Corrupt, match="has schema 9999") as caught:
        again.create()

    assert caught.value.hint is not None
    assert "evergreen migrate" in caught.value.hint
    again.close()


@pytest.mark.parametrize(
    "content", [b"this is a text, " * 400, b"\x00" * 8192, b"SQLite format 3\x00" + b"\xff" * 8000]
)
def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "evergreen.db"
    path.write_bytes(content)

    with pytest.raises(Corrupt, match=r"evergreen\.db is damaged"):
        Database(path).create()

    assert path.read_bytes() == content


def test_a_damaged_page_is_corrupt_and_not_a_traceback(database: Database) -> None:
    for number in range(400):
        database.write(add(f"{number:04}" * 40))
    database.close()
    data = bytearray(database.path.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 8] = b"\xff" * 8
    database.path.write_bytes(bytes(data))

    with pytest.raises(Corrupt, match="is damaged"):
        names(Database(database.path))


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that nobody but root can write, below folders that anybody can enter."""
    with tempfile.TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        folder = Path(above) / "closed"
        folder.mkdir(mode=0o555)
        yield folder


def test_a_read_only_folder_is_unavailable_and_named(closed_folder: Path) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from evergreen.core.errors import Unavailable\n"
        "from evergreen.db.database import Database\n"
        "if os.getuid() == 0:\n"
        "    os.setuid(65534)\n"
        "try:\n"
        "    Database(Path(sys.argv[1]) / 'evergreen.db').create()\n"
        "except Unavailable as error:\n"
        "    print(error.message, '|', error.hint, '|', error.facts)\n"
    )

    answer = subprocess.run(
        [sys.executable, "-c", script, str(closed_folder)], capture_output=True, text=True, check=True, timeout=60
    ).stdout

    assert str(closed_folder / "evergreen.db") in answer
    assert f"check the permissions of {closed_folder}" in answer
    assert list(closed_folder.iterdir()) == []


# ------------------------------------------------------------------ network file systems


def mounts(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "mounts"
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_a_network_file_system_is_refused_with_advice(tmp_path: Path, kind: str) -> None:
    listed = mounts(tmp_path, "disk / ext4 rw 0 0", f"server:/x {tmp_path} {kind} rw 0 0")

    with pytest.raises(Unavailable, match=kind) as caught:
        refuse_network_file_system(tmp_path / "home", listed)

    assert caught.value.hint == "use --home with a folder on a local disk"
    assert caught.value.facts["file_system"] == kind


def test_the_nearest_mount_decides(tmp_path: Path) -> None:
    spaced = tmp_path / "with space"
    escaped = str(spaced).replace(" ", "\\040")
    listed = mounts(tmp_path, "server:/x / nfs rw 0 0", f"disk {escaped} ext4 rw 0 0", f"s:/y {escaped}-not nfs rw 0 0")

    refuse_network_file_system(spaced / "home", listed)

    with pytest.raises(Unavailable, match="nfs"):
        refuse_network_file_system(tmp_path, listed)


def test_where_mounts_are_not_listed_nothing_is_refused(tmp_path: Path) -> None:
    refuse_network_file_system(tmp_path, tmp_path / "absent")


def test_a_reading_that_takes_too_long_is_ended_and_the_database_goes_on(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    database.create()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    with pytest.raises(Unavailable, match="took too long"), database.read(at_most_s=0.05) as connection:
        connection.exec_driver_sql(endless)

    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
