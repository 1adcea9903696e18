from collections.abc import Callable

import pytest

from evergreen.core.client import Client
from evergreen.core.declaration import (
    Declaration,
    EndpointSection,
    ModelSection,
    MonitorSection,
    Outcomes,
    ProjectSection,
)
from evergreen.core.errors import Invalid
from evergreen.lifecycle.tick import Tick
from evergreen.views.jobs import ListJobs
from evergreen.views.status import ShowStatus


@pytest.fixture(autouse=True)
def _watched(apply: Callable[[Declaration], None]) -> None:
    apply(
        Declaration(
            project=ProjectSection(name="shop"),
            models={"buys": ModelSection(pipeline="pipeline:train", task="binary-classification")},
            endpoints={"buys": EndpointSection(model="buys@production")},
            monitors={
                "buys": MonitorSection(
                    endpoint="buys", window="1d", false_alarms="1 per year", outcomes=Outcomes(within="36h")
                )
            },
        )
    )


def test_the_clock_never_goes_back(client: Client) -> None:
    with pytest.raises(Invalid, match="cannot go back to 2024-02-29"):
        client.send(Tick(now="2024-02-29T23:59:59Z"))

    assert client.send(ShowStatus()).now == "2024-03-01T00:00:00.000000Z"


def test_the_same_moment_again_queues_nothing(client: Client) -> None:
    assert client.send(Tick(now="2024-03-01T01:00:00+01:00")).jobs == []


def test_a_look_is_queued_when_a_window_closes_or_its_outcomes_are_all_in(client: Client) -> None:
    assert client.send(Tick(now="2024-03-01T11:59:59Z")).jobs == []
    assert len(client.send(Tick(now="2024-03-01T12:00:00Z")).jobs) == 1  # 36 hours after a window's end


def test_one_look_waits_at_a_time_and_moves_to_the_newest_moment(client: Client) -> None:
    first = client.send(Tick(now="2024-03-02T00:00:00Z")).jobs

    second = client.send(Tick(now="2024-03-05T00:00:00Z")).jobs

    assert (len(first), second) == (1, [])
    [job] = client.send(ListJobs())
    assert (job.id, job.at) == (first[0], "2024-03-05T00:00:00.000000Z")
