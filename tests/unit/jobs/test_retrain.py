"""The retrain job, killed after each of its commands: run again, it ends the same."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evergreen.core.clock import isoformat
from evergreen.core.declaration_file import FILE, read_declaration
from evergreen.core.digest import Digest
from evergreen.core.ids import new_id
from evergreen.core.message import Command, Fence, Message
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.jobs.measure_gate import promote_measured
from evergreen.jobs.retrain import retrain
from evergreen.jobs.train import train
from evergreen.lifecycle.claim_job import ClaimedJob, ClaimJob
from evergreen.lifecycle.jobs import LEASE_S
from evergreen.lifecycle.retrain import Retrain
from evergreen.testing.project import day
from evergreen.views.monitors import ListEvidence
from evergreen.views.runs import ListRuns
from evergreen.views.timeline import ShowTimeline
from evergreen.views.versions import ListVersions, ShowHolder


class _Killed(BaseException):
    """The process is gone."""


class _Mortal:
    """A client whose process dies when command number ``last`` has taken effect, before anybody hears of it."""

    def __init__(self, client: LocalClient, last: int) -> None:
        self._client = client
        self._last = last
        self.commands: list[str] = []
        self.is_dead = False
        self.project = client.project

    def send(self, message: Message) -> Any:  # the message's result type
        self._require_life()
        if not isinstance(message, Command):
            return self._client.send(message)
        self.commands.append(type(message).__name__)
        result = self._client.send(message)
        if len(self.commands) == self._last:
            self.is_dead = True
            raise _Killed
        return result

    def put(self, data: bytes) -> Digest:
        self._require_life()
        return self._client.put(data)

    def get(self, digest: Digest) -> bytes:
        self._require_life()
        return self._client.get(digest)

    def _require_life(self) -> None:
        if self.is_dead:
            raise _Killed


class _LapsingClock:
    """Jumps over a lease whenever it is asked to."""

    def __init__(self) -> None:
        self._now = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def lapse(self) -> None:
        self._now += timedelta(seconds=LEASE_S + 1)


@pytest.fixture(scope="module")
def released(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first model, a weak one, is released."""
    folder = shutil.copytree(filled, tmp_path_factory.mktemp("released") / "shop")
    client = open_local(folder / ".evergreen", "shop")
    declaration = read_declaration(folder / FILE)
    train(client, "buys", declaration, folder, at=isoformat(day(60)), base=new_id(), params={"strength": 0.001})
    _, promotion = promote_measured(client, declaration, "buys", 1, "production")
    assert promotion.moved
    client.home.close()
    return folder


def _claim(client: LocalClient) -> tuple[ClaimedJob, Fence]:
    job = client.send(ClaimJob())
    return job, job.fence


def _facts(client: LocalClient) -> tuple[object, ...]:
    """Return what must be the same however often the job was killed."""
    moves = client.send(ShowTimeline(kinds=["alias.moved", "promotion.refused", "endpoint.released"]))
    return (
        [one.number for one in client.send(ListVersions(kind="model", name="buys"))],
        client.send(ShowHolder(name="buys", alias="production")).version,
        [(event.kind, event.payload.get("version"), event.payload.get("reason")) for event in moves],
        [(one.candidate, one.champion, one.passed) for one in client.send(ListEvidence(name="buys"))],
    )


def test_a_retrain_killed_after_any_command_and_run_again_ends_the_same(released: Path, tmp_path: Path) -> None:
    clock = _LapsingClock()

    def queued(name: str) -> tuple[LocalClient, Path]:
        folder = shutil.copytree(released, tmp_path / name)
        client = open_local(folder / ".evergreen", "shop", clock=clock)
        client.send(Retrain(model="buys"))
        return client, folder

    client, folder = queued("undisturbed")
    job, fence = _claim(client)
    counted = _Mortal(client.under(fence, "worker"), 0)
    expected = retrain(counted, job, fence.job_id, folder)
    facts = _facts(client)
    client.home.close()

    assert expected["aliases"]["production"]["moved"]
    assert counted.commands[-2:] == ["RecordEvidence", "Promote"]
    for number in range(1, len(counted.commands) + 1):
        client, folder = queued(str(number))
        job, fence = _claim(client)
        with pytest.raises(_Killed):
            retrain(_Mortal(client.under(fence, "worker"), number), job, fence.job_id, folder)
        clock.lapse()
        job, fence = _claim(client)

        result = retrain(client.under(fence, "worker"), job, fence.job_id, folder)

        assert job.attempt == 2
        assert result == expected
        assert _facts(client) == facts
        assert "running" not in {run.state for run in client.send(ListRuns())}
        client.home.close()
