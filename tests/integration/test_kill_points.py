"""Killed at each system call that writes, one after the other: what was acknowledged is there, and nothing is torn."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from evergreen.db.schema import project
from evergreen.journal.log import NewEvent
from evergreen.lifecycle.home import Home

pytestmark = pytest.mark.slow

STRACE = shutil.which("strace")
KILLED = 128 + 9
WRITES = ("pwrite64", "write", "ftruncate", "fdatasync", "fsync", "unlink")
AT = "2013-03-01T00:00:00.000000Z"

COMMITS = """
import sys
from pathlib import Path

from evergreen.db.schema import project
from evergreen.journal.log import NewEvent
from evergreen.lifecycle.home import Home

def commit(name):
    def work(connection):
        connection.execute(project.insert().values(name=name, created_at="now"))
        event = dict(project=name, at="2013-03-01T00:00:00.000000Z", actor="tester", payload={"name": name})
        return name, [NewEvent(kind="project.created", **event), NewEvent(kind="project.greeted", **event)]

    home.database.write(work)
    print(f"ack {name}", flush=True)

home = Home.open(Path(sys.argv[1]) / "home", create=True)
for number in range(3):
    commit(f"warm-{number}")
print("mark", flush=True)
commit("last")
print("mark", flush=True)
home.close()
print("mark", flush=True)
"""

WRITES_A_FILE = """
import sys
from pathlib import Path

from evergreen.store.atomic import atomic_write

path = Path(sys.argv[1]) / "file"
replace = sys.argv[2] == "replace"
if replace:
    atomic_write(path, b"old" * 5000)
print("mark", flush=True)
atomic_write(path, b"new" * 5000, replace=replace)
print("ack new", flush=True)
print("mark", flush=True)
"""


def traced(script: str, folder: Path, *options: str, args: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    if STRACE is None:
        pytest.skip("strace is not installed")
    command = [STRACE, "-f", "-qq", *options, sys.executable, "-W", "ignore", "-c", script, str(folder), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def calls_between_marks(
    script: str, folder: Path, names: tuple[str, ...], args: tuple[str, ...] = ()
) -> list[Counter[str]]:
    """Return how often each call was made before the first mark, before the second, and so on."""
    log = folder / "calls"
    answer = traced(script, folder, "-e", f"trace={','.join(names)}", "-o", str(log), args=args)
    if "ptrace" in answer.stderr and "not permitted" in answer.stderr:
        pytest.skip(f"strace may not trace: {answer.stderr.strip()}")
    assert answer.returncode == 0, answer.stderr
    sums, counted = [], Counter[str]()
    for line in log.read_text().splitlines():
        if (match := re.match(r"\d+ +(\w+)\(", line)) is not None:
            counted[match[1]] += 1
            if '(1, "mark' in line:
                sums.append(counted.copy())
    return sums


def kills(
    script: str,
    tmp_path: Path,
    names: tuple[str, ...],
    start: int,
    end: int,
    every: int = 1,
    args: tuple[str, ...] = (),
) -> Iterator[tuple[str, Path, list[str]]]:
    """Kill the script at each call between two marks, and yield where, the folder, and what it acknowledged before."""
    (tmp_path / "counted").mkdir()
    sums = [Counter[str](), *calls_between_marks(script, tmp_path / "counted", names, args)]
    for name in names:
        for number in range(sums[start][name] + 1, sums[end][name] + 1, every):
            folder = tmp_path / f"{name}-{number}"
            folder.mkdir()
            inject = f"inject={name}:signal=KILL:when={number}"
            answer = traced(script, folder, "-e", f"trace={name}", "-e", inject, "-o", "/dev/null", args=args)
            assert answer.returncode in {KILLED, -9}, f"not killed at {name} {number}: {answer.stderr}"
            yield f"{name} {number}", folder, re.findall(r"^ack (.+)$", answer.stdout, re.MULTILINE)
            shutil.rmtree(folder)


def assert_sound(where: str, folder: Path, acknowledged: list[str]) -> None:
    home = Home.open(folder / "home", create=True)
    with home.database.read() as connection:
        found = set(connection.execute(select(project.c.name)).scalars())
        events = [event.payload["name"] for event in home.journal.read(connection)]
        faults = home.journal.verify(connection).faults
        pages = connection.exec_driver_sql("PRAGMA integrity_check").scalar()

    assert (faults, pages) == ((), "ok"), where
    assert set(acknowledged) <= found, where
    assert found - set(acknowledged) <= {"last", "warm-0"}, where  # written, and killed before it could say so
    assert sorted(events) == sorted([*found, *found]), where  # rows and events, both or neither

    event = NewEvent(project="after", at=AT, kind="project.created", actor="tester", payload={"name": "after"})
    home.database.write(
        lambda connection: (connection.execute(project.insert().values(name="after", created_at=AT)), [event])
    )
    with home.database.read() as connection:
        assert home.journal.verify(connection).events == len(events) + 1, where
    home.close()


def test_a_kill_at_any_write_of_a_commit_loses_nothing_acknowledged(tmp_path: Path) -> None:
    points = 0

    for where, folder, acknowledged in kills(COMMITS, tmp_path, WRITES, start=1, end=2):
        assert_sound(where, folder, acknowledged)
        points += 1

    assert points >= 10


def test_a_kill_at_any_write_of_a_checkpoint_loses_nothing_acknowledged(tmp_path: Path) -> None:
    points = 0

    for where, folder, acknowledged in kills(COMMITS, tmp_path, WRITES, start=2, end=3):
        assert "last" in acknowledged
        assert_sound(where, folder, acknowledged)
        points += 1

    assert points >= 5


def test_a_kill_while_the_home_is_made_leaves_one_that_opens(tmp_path: Path) -> None:
    points = 0

    for where, folder, acknowledged in kills(COMMITS, tmp_path, WRITES, start=0, end=1, every=23):
        if (folder / "home").exists():
            Home.open(folder / "home", create=True).close()
        if acknowledged:
            assert_all_acknowledged(where, folder, acknowledged)
        points += 1

    assert points >= 5


def assert_all_acknowledged(where: str, folder: Path, acknowledged: list[str]) -> None:
    home = Home.open(folder / "home")
    with home.database.read() as connection:
        assert home.journal.verify(connection).is_sound, where
        assert set(acknowledged) <= set(connection.execute(select(project.c.name)).scalars()), where
    home.close()


@pytest.mark.parametrize("way", ["replace", "keep"])
def test_a_kill_at_any_call_of_an_atomic_write_leaves_the_old_file_or_the_new_one(tmp_path: Path, way: str) -> None:
    calls = ("openat", "write", "fchmod", "fsync", "rename", "link", "linkat", "unlink", "close")
    states = Counter[str]()

    for where, folder, acknowledged in kills(WRITES_A_FILE, tmp_path, calls, start=1, end=2, args=(way,)):
        path = folder / "file"
        content = path.read_bytes() if path.exists() else b""
        assert content in {b"old" * 5000 if way == "replace" else b"", b"new" * 5000}, where
        assert content == b"new" * 5000 or not acknowledged, where
        states[content[:3].decode()] += 1

    assert states["new"]
    assert states["old" if way == "replace" else ""]


def calls_of(script: str, folder: Path, names: tuple[str, ...], args: tuple[str, ...] = ()) -> list[str]:
    """Return the names of the calls between the first mark and the second, in their order."""
    folder.mkdir(exist_ok=True)
    calls_between_marks(script, folder, names, args)
    found: list[str] = []
    marks = 0
    for line in (folder / "calls").read_text().splitlines():
        marks += '(1, "mark' in line
        if marks == 1 and '"mark' not in line and (match := re.match(r"\d+ +(\w+)\((.*)", line)) is not None:
            found.append(f"ack {match[1]}" if match[2].startswith('1, "ack') else match[1])
    return found


def test_a_commit_is_durable_before_it_is_acknowledged(tmp_path: Path) -> None:
    """A kill cannot tell, since the page cache outlives it; a power loss would."""
    calls = calls_of(COMMITS, tmp_path / "traced", WRITES)

    written = max(place for place, call in enumerate(calls) if call == "pwrite64")
    assert written < calls.index("fdatasync") < calls.index("ack write")
    assert calls.count("fdatasync") == 1


@pytest.mark.parametrize(
    ("way", "naming"), [("replace", {"rename", "renameat", "renameat2"}), ("keep", {"link", "linkat"})]
)
def test_a_file_is_durable_before_it_gets_its_name_and_its_name_before_the_answer(
    tmp_path: Path, way: str, naming: set[str]
) -> None:
    calls = calls_of(WRITES_A_FILE, tmp_path / "traced", ("write", "fsync", *sorted(naming)), args=(way,))

    named = next(place for place, call in enumerate(calls) if call in naming)
    assert "write" in calls[:named]
    assert calls[named - 1] == "fsync"
    assert calls[named + 1 : named + 3] == ["fsync", "ack write"]
