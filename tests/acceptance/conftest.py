"""The installed command, driven in processes of its own as a user drives it, and projects for it to work on."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

COMMAND = Path(sys.executable).with_name("evergreen")
ROWS = 600


def _without_privilege() -> None:
    """Give up root's right to write everywhere, where the tests run as root: then permissions count for it too."""
    if os.getuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for programs."""
        return json.loads(self.out)


Run = Callable[..., Ended]
Serve = Callable[..., AbstractContextManager[str]]


def environment(**more: str) -> dict[str, str]:
    """What a user's shell has, and not what this test run happens to have."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVERGREEN_")}
    return {**kept, "POLARS_MAX_THREADS": "1", **more}


def run_in(folder: Path) -> Run:
    """Return a function that runs ``evergreen`` in ``folder``; every end but the one expected is a failure."""

    def run(*arguments: str | Path, code: int = 0, **more: str) -> Ended:
        done = subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=folder,
            env=environment(**more),
            preexec_fn=_without_privilege,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in ended.err + ended.out, ended.err + ended.out
        assert ended.code == code, f"{arguments} ended with {ended.code}\n{ended.out}\n{ended.err}"
        return ended

    return run


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[str]:
    """Start a command that serves, and give the address in its one line on stdout."""
    process = subprocess.Popen(
        [COMMAND, *arguments], cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        address = next((word for word in line.split() if word.startswith("http://")), None)
        assert address, process.communicate(timeout=20)[1]
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    assert rest == ""  # one line, no more


def post(address: str, body: object) -> tuple[int, Any]:
    """Post ``body`` as JSON; return status and answer."""
    request = urllib.request.Request(
        address, data=json.dumps(body).encode(), headers={"content-type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def customers(rows: int = ROWS, *, seed: int = 0) -> pl.DataFrame:
    """A table as users have them: an id, nulls, text, booleans, an id-like text; no time."""
    random = np.random.default_rng(seed)
    age, plan, active = (
        random.integers(18, 90, rows),
        random.choice(["basic", "plus", "pro"], rows),
        random.random(rows) < 0.5,
    )
    chance = 1 / (1 + np.exp(-((age - 50) / 10 + (plan == "pro") * 1.5 - active * 1.5)))
    return pl.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in range(rows)],
            "age": age,
            "plan": [None if number % 50 == 0 else str(name) for number, name in enumerate(plan)],
            "active": active,
            "income": [
                None if number % 10 == 3 else float(value) for number, value in enumerate(random.normal(50, 9, rows))
            ],
            "note": [f"text {number}" for number in range(rows)],
            "churned": ["yes" if value else "no" for value in random.random(rows) < chance],
        }
    )


def visits(rows: int = ROWS) -> pl.DataFrame:
    """The same with a time, a row every two hours."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return customers(rows).with_columns(
        pl.Series("seen_at", [start + timedelta(hours=2 * number) for number in range(rows)])
    )


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of ``visits`` with two versions, the first of them in production. Read only: see ``project``."""
    folder = tmp_path_factory.mktemp("released") / "shop"
    folder.mkdir()
    visits().write_csv(folder / "visits.csv")
    run = run_in(folder)
    run("init", "--data", "visits.csv", "--target", "churned")
    run("apply")
    run("data", "add", "visits", "visits.csv")
    run("run", "churned")
    run("promote", "churned", "production")
    again = run("run", "pipeline:train", "-p", "learning_rate=0.05")
    assert "churned@v2 is trained on 480 rows" in again.out
    assert "evergreen promote churned@v2 production" in again.err
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with the user's table ``customers.csv`` and nothing else."""
    folder = tmp_path / "work"
    folder.mkdir()
    customers().write_csv(folder / "customers.csv")
    return folder


@pytest.fixture
def project(released: Path, tmp_path: Path) -> Path:
    """A copy of that project for one test."""
    folder = tmp_path / "shop"
    shutil.copytree(released, folder)
    return folder


@pytest.fixture
def run(project: Path) -> Run:
    """Run ``evergreen`` in the project."""
    return run_in(project)


@pytest.fixture
def run_empty(empty: Path) -> Run:
    """Run ``evergreen`` in the folder without a project."""
    return run_in(empty)


@pytest.fixture
def serve(project: Path) -> Serve:
    """Serve from the project."""
    return lambda *arguments: serving(project, *arguments)


@pytest.fixture(name="post")
def post_fixture() -> Callable[[str, object], tuple[int, Any]]:
    """Post JSON."""
    return post
