"""Workers that die, stall or meet in the middle of a retrain: it ends once, with one model and one decision."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evergreen.faces.client.local import LocalClient, open_local
from evergreen.faces.worker.loop import drain
from evergreen.lifecycle.retrain import Retrain
from evergreen.testing.project import DECLARATION, PIPELINE, apply_project, write_project
from evergreen.views.jobs import JobView, ListJobs
from evergreen.views.monitors import ListEvidence
from evergreen.views.runs import ListRuns
from evergreen.views.timeline import ShowTimeline
from evergreen.views.versions import ListVersions, ShowHolder

WITHIN_S = 30.0
WAITS = '''
import os
import time
from pathlib import Path


def wait_at(place):
    """Stay here for ever where the test wants that, and tell it which process stays."""
    if os.environ.get("SHOP_WAITS_AT") == place:
        Path(os.environ["SHOP_WAITS_IN"]).write_text(str(os.getpid()))
        time.sleep(600)


wait_at("import")
'''
PLACES = {
    "import": PIPELINE,
    "step": PIPELINE.replace("    estimator.fit(", '    wait_at("step")\n    estimator.fit('),
    "holdout": PIPELINE.replace(
        "    return visits.select(",
        '    if visits["at"].min().day > 10:\n        wait_at("holdout")\n    return visits.select(',
    ),
}


@pytest.fixture
def place() -> str:
    return "step"


@pytest.fixture
def queued(shop: Path, place: str) -> Iterator[LocalClient]:
    """A project whose code waits at a place, with a retrain to do."""
    client = open_local(shop / ".evergreen", "shop")
    drain(client)
    applied, _ = apply_project(write_project(shop, declaration=DECLARATION, pipeline=WAITS + PLACES[place]))
    applied.home.close()
    client.send(Retrain(model="buys"))
    yield client
    client.home.close()


@contextmanager
def _worker(shop: Path, *, waits_at: str = "") -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "SHOP_WAITS_AT": waits_at, "SHOP_WAITS_IN": str(_mark(shop))}
    worker = subprocess.Popen(
        [sys.executable, "-m", "evergreen.faces.worker", str(shop / ".evergreen")], env=environment
    )
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGCONT)
        worker.kill()
        worker.wait()


def _mark(shop: Path) -> Path:
    return shop.parent / "waiting"


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _waiting_process(shop: Path) -> int:
    _until(lambda: _mark(shop).exists() and _mark(shop).read_text() != "")
    return int(_mark(shop).read_text())


def _is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _let_the_lease_lapse(shop: Path) -> None:
    with sqlite3.connect(shop / ".evergreen" / "evergreen.db") as connection:
        connection.execute("UPDATE job SET lease_until = '2000-01-01T00:00:00.000000Z' WHERE state = 'running'")
    connection.close()


def _retrain_job(client: LocalClient) -> JobView:
    [job] = [job for job in client.send(ListJobs()) if job.kind == "retrain"]
    found: JobView = job
    return found


def _require_one_end(client: LocalClient, *, attempts: int) -> None:
    job = _retrain_job(client)
    assert (job.state, job.attempts) == ("succeeded", attempts), job.result
    assert [one.number for one in client.send(ListVersions(kind="model", name="buys"))] == [2, 1]
    assert len(client.send(ListEvidence(name="buys", candidate=2))) == 1
    assert client.send(ShowHolder(name="buys", alias="production")).version == 2
    assert len(client.send(ShowTimeline(kinds=["alias.moved"]))) == 2
    assert [event.payload["id"] for event in client.send(ShowTimeline(kinds=["job.ended"]))].count(job.id) == 1
    assert "running" not in {run.state for run in client.send(ListRuns())}
    with client.home.database.read() as connection:
        client.home.journal.verify(connection)


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_worker_killed_in_a_retrain_leaves_it_to_the_next_one(queued: LocalClient, shop: Path, place: str) -> None:
    with _worker(shop, waits_at=place) as worker:
        process = _waiting_process(shop)
        worker.kill()
        worker.wait()
        _until(lambda: _is_gone(process))
    _let_the_lease_lapse(shop)

    drain(queued)

    _require_one_end(queued, attempts=2)


def test_a_worker_that_stalls_beyond_its_lease_changes_nothing_when_it_wakes(queued: LocalClient, shop: Path) -> None:
    with _worker(shop, waits_at="step") as worker:
        process = _waiting_process(shop)
        worker.send_signal(signal.SIGSTOP)
        _let_the_lease_lapse(shop)
        drain(queued)
        worker.send_signal(signal.SIGCONT)

        _until(lambda: _is_gone(process))  # the worker learns that the job is another's, and ends its own attempt

        assert worker.poll() is None
    _require_one_end(queued, attempts=2)


def test_a_job_process_that_dies_alone_fails_the_job_and_says_so(queued: LocalClient, shop: Path) -> None:
    with _worker(shop, waits_at="step") as worker:
        os.kill(_waiting_process(shop), signal.SIGKILL)
        _until(lambda: _retrain_job(queued).state == "failed")

        assert worker.poll() is None
    assert "its process ended with -9" in (_retrain_job(queued).result or {})["error"]
    assert [one.number for one in queued.send(ListVersions(kind="model", name="buys"))] == [1]


def test_of_two_workers_one_does_the_job(queued: LocalClient, shop: Path) -> None:
    with _worker(shop), _worker(shop):
        _until(lambda: _retrain_job(queued).state not in ("waiting", "running"))

    _require_one_end(queued, attempts=1)
