from collections.abc import Callable
from typing import Protocol

import pytest

from evergreen.core.clock import Clock, isoformat
from evergreen.core.declaration import Declaration, ModelSection, ProjectSection
from evergreen.core.errors import Conflict, Denied, NotFound
from evergreen.core.message import Command, Fence
from evergreen.faces.client.local import LocalClient, dispatch_for
from evergreen.lifecycle.claim_job import ClaimedJob, ClaimJob
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.dispatch import JobTakenOver
from evergreen.lifecycle.finish_job import FinishJob
from evergreen.lifecycle.jobs import LEASE_S, MOST_ATTEMPTS
from evergreen.lifecycle.renew_job import RenewJob
from evergreen.lifecycle.retrain import Retrain
from evergreen.lifecycle.start_run import StartRun
from evergreen.lifecycle.tick import Tick
from evergreen.views.jobs import ListJobs
from evergreen.views.timeline import ShowTimeline


class Turned(Clock, Protocol):
    """The clock of these tests."""

    def advance(self, seconds: float) -> None: ...


MODEL = ModelSection(pipeline="pipeline:train", task="binary-classification")


@pytest.fixture
def worker(client: LocalClient, apply: Callable[[Declaration], None]) -> LocalClient:
    apply(Declaration(project=ProjectSection(name="shop"), models={"buys": MODEL, "sells": MODEL}))
    return LocalClient(dispatch_for(client.home), "shop", actor="worker")


def _claim(client: LocalClient) -> Fence | None:
    claimed: ClaimedJob = client.send(ClaimJob())
    return claimed.fence


def _claimed(client: LocalClient) -> Fence:
    fence = _claim(client)
    assert fence is not None
    return fence


def test_with_nothing_to_do_nothing_is_claimed(worker: LocalClient) -> None:
    assert _claim(worker) is None


def test_a_claimed_job_says_what_to_do_and_when_it_is(client: LocalClient, worker: LocalClient) -> None:
    queued = client.send(Retrain(model="buys", params={"window": "14d"}, reason="to see"))

    claimed = worker.send(ClaimJob())

    assert claimed.fence == Fence(job_id=queued.job_id, token=1)
    assert (claimed.kind, claimed.attempt, claimed.at) == ("retrain", 1, "2024-03-01T00:00:00.000000Z")
    assert claimed.request == {"model": "buys", "params": {"window": "14d"}, "reason": "to see"}


def test_jobs_of_one_lane_run_one_at_a_time_oldest_first(client: LocalClient, worker: LocalClient) -> None:
    first, second = (client.send(Retrain(model="buys")).job_id for _ in range(2))

    fence = _claimed(worker)

    assert fence.job_id == min(first, second)
    assert _claim(worker) is None
    worker.under(fence, "worker").send(FinishJob(job_id=fence.job_id))
    assert _claimed(worker).job_id == max(first, second)


def test_jobs_of_different_lanes_run_at_once(client: LocalClient, worker: LocalClient) -> None:
    client.send(Retrain(model="buys"))
    client.send(Retrain(model="sells"))

    assert _claimed(worker).job_id != _claimed(worker).job_id


def test_a_job_is_ours_as_long_as_the_lease_is_renewed(client: LocalClient, worker: LocalClient, clock: Turned) -> None:
    client.send(Retrain(model="buys"))
    fence = _claimed(worker)
    clock.advance(LEASE_S - 1)

    renewed = worker.under(fence, "worker").send(RenewJob(job_id=fence.job_id))
    clock.advance(LEASE_S - 1)

    assert renewed.lease_until > isoformat(clock.now())
    assert _claim(worker) is None


@pytest.mark.parametrize("late", ["finish", "renew", "any"])
def test_a_worker_whose_lease_lapsed_changes_nothing_any_more(
    client: LocalClient, worker: LocalClient, clock: Turned, late: str
) -> None:
    client.send(Retrain(model="buys"))
    lapsed = _claimed(worker)
    clock.advance(LEASE_S + 1)
    taken = _claimed(worker)
    messages: dict[str, Command] = {
        "finish": FinishJob(job_id=lapsed.job_id, result={"late": True}),
        "renew": RenewJob(job_id=lapsed.job_id),
        "any": StartRun(run_id="a" * 32, name="train"),
    }

    with pytest.raises(JobTakenOver):
        worker.under(lapsed, "worker").send(messages[late])

    assert (taken.job_id, taken.token) == (lapsed.job_id, 2)
    [job] = client.send(ListJobs())
    assert (job.state, job.attempts) == ("running", 2)


def test_a_job_ends_once(client: LocalClient, worker: LocalClient) -> None:
    client.send(Retrain(model="buys"))
    fence = _claimed(worker)
    fenced = worker.under(fence, "worker")
    fenced.send(FinishJob(job_id=fence.job_id, result={"version": 1}))

    with pytest.raises(Conflict):
        fenced.send(FinishJob(job_id=fence.job_id, error="no"))

    [job] = client.send(ListJobs())
    assert (job.state, job.result) == ("succeeded", {"version": 1})
    assert len(client.send(ShowTimeline(kinds=["job.ended"]))) == 1


def test_a_job_whose_workers_die_again_and_again_fails(client: LocalClient, worker: LocalClient, clock: Turned) -> None:
    client.send(Retrain(model="buys"))
    for _ in range(MOST_ATTEMPTS):
        _claimed(worker)
        clock.advance(LEASE_S + 1)

    assert _claim(worker) is None

    [job] = client.send(ListJobs())
    assert (job.state, job.result) == ("failed", {"error": f"its worker died {MOST_ATTEMPTS} times"})


def test_after_one_that_failed_the_next_of_the_lane_is_claimed(
    client: LocalClient, worker: LocalClient, clock: Turned
) -> None:
    client.send(Retrain(model="buys"))
    client.send(Retrain(model="buys"))
    for _ in range(MOST_ATTEMPTS):
        _claimed(worker)
        clock.advance(LEASE_S + 1)

    assert _claimed(worker).token == 1


@pytest.mark.parametrize("message", [RenewJob, FinishJob])
def test_a_job_of_another_project_cannot_be_reached(
    client: LocalClient, worker: LocalClient, message: type[RenewJob] | type[FinishJob]
) -> None:
    client.send(Retrain(model="buys"))
    fence = _claimed(worker)
    other = LocalClient(dispatch_for(client.home), "other")
    other.send(CreateProject())

    with pytest.raises(NotFound, match="no job"):
        other.send(message(job_id=fence.job_id))


def test_a_worker_may_not_move_the_clock(worker: LocalClient) -> None:
    with pytest.raises(Denied, match="maintain"):
        worker.send(Tick(now="2024-03-02T00:00:00Z"))


def test_an_unknown_actor_may_nothing(client: LocalClient) -> None:
    with pytest.raises(Denied, match='actor "stranger"'):
        LocalClient(dispatch_for(client.home), "shop", actor="stranger").send(ListJobs())


def test_a_claim_whose_answer_was_lost_is_the_same_when_it_is_sent_again(
    client: LocalClient, worker: LocalClient
) -> None:
    client.send(Retrain(model="buys"))
    message = ClaimJob()

    assert worker.send(message) == worker.send(message)
