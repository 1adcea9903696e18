from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evergreen.core.clock import isoformat
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.faces.worker.loop import drain, perform_claimed
from evergreen.lifecycle.claim_job import ClaimJob
from evergreen.lifecycle.jobs import LEASE_S
from evergreen.lifecycle.tick import Tick
from evergreen.testing.project import apply_project, day, write_project
from evergreen.views.jobs import JobView, ListJobs


class _TurnedClock:
    def __init__(self) -> None:
        self._now = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> _TurnedClock:
    return _TurnedClock()


@pytest.fixture
def client(tmp_path: Path, clock: _TurnedClock) -> Iterator[LocalClient]:
    """A client of a project with a look at its monitor to do."""
    folder = write_project(tmp_path / "shop")
    applied, _ = apply_project(folder)
    applied.home.close()
    opened = open_local(folder / ".evergreen", "shop", clock=clock)
    opened.send(Tick(now=isoformat(day(1))))
    yield opened
    opened.home.close()


def _job(client: LocalClient) -> JobView:
    [job] = client.send(ListJobs())
    found: JobView = job
    return found


def test_draining_does_all_that_waits_and_says_how_much(client: LocalClient) -> None:
    kinds: list[str] = []

    assert drain(client, on_job=kinds.append) == 1
    assert drain(client) == 0

    assert kinds == ["watch"]
    assert (_job(client).state, _job(client).result) == ("succeeded", {"monitor": "buys", "closed": 0, "matured": 0})


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_worker_that_is_too_late_keeps_quiet(client: LocalClient, clock: _TurnedClock, has_ended: bool) -> None:
    late = client.send(ClaimJob())
    clock.advance(LEASE_S + 1)
    taken = client.send(ClaimJob())
    if has_ended:
        perform_claimed(client, taken, taken.fence, Path())

    perform_claimed(client, late, late.fence, Path())

    assert _job(client).state == ("succeeded" if has_ended else "running")
    assert _job(client).attempts == 2
