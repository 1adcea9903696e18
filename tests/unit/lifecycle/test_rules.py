from collections.abc import Callable
from typing import Any

import pytest

from evergreen.core.client import Client
from evergreen.core.declaration import Declaration, EndpointSection, ModelSection, ProjectSection, RuleSection
from evergreen.faces.client.local import LocalClient
from evergreen.lifecycle.claim_job import ClaimJob
from evergreen.lifecycle.finish_job import FinishJob
from evergreen.lifecycle.promote import Promote
from evergreen.lifecycle.record_window import Judgement, RecordWindow
from evergreen.lifecycle.resume import Resume
from evergreen.lifecycle.roll_back import RollBack
from evergreen.lifecycle.tick import Tick
from evergreen.views.endpoints import ShowEndpoint
from evergreen.views.jobs import ListJobs
from evergreen.views.timeline import ShowTimeline

Apply = Callable[[Declaration], None]
Register = Callable[[], int]


def _declaration(*rules: RuleSection) -> Declaration:
    return Declaration(
        project=ProjectSection(name="shop"),
        models={"buys": ModelSection(pipeline="pipeline:train", task="binary-classification")},
        endpoints={"buys": EndpointSection(model="buys@production")},
        rules=list(rules),
    )


def _rule(do: str = "retrain", on: str = "performance.degraded", **arguments: Any) -> RuleSection:
    return RuleSection(on=on, do=do, arguments={"model": "buys", **arguments}, cooldown="3d")


def _alarm(verdict: str = "degraded", *, is_live: bool = True, drift: str | None = None) -> RecordWindow:
    return RecordWindow(
        monitor="buys",
        endpoint="buys",
        model="buys",
        version=1,
        is_live=is_live,
        start="2024-02-01T00:00:00.000000Z",
        end="2024-02-02T00:00:00.000000Z",
        predictions=10,
        outcomes=10,
        drift=None if drift is None else Judgement(verdict=drift, reason="x moved"),
        performance=Judgement(verdict=verdict, reason="auc fell"),
    )


def _decisions(client: Client) -> list[tuple[str, str]]:
    events = client.send(ShowTimeline(kinds=["rule.fired", "rule.skipped"]))
    return [(event.kind, event.payload["reason"]) for event in events]


def _end_job(client: LocalClient) -> None:
    fence = client.send(ClaimJob()).fence
    client.under(fence, "worker").send(FinishJob(job_id=fence.job_id))


def _promote_two(client: Client, register: Register) -> None:
    for expected in (None, 1):
        client.send(Promote(name="buys", version=register(), alias="production", expected=expected))


def test_an_alarm_queues_the_job_that_its_rule_names(client: Client, apply: Apply) -> None:
    apply(_declaration(_rule(window="14d")))

    assert client.send(_alarm()).alarms == ["performance.degraded"]

    [job] = client.send(ListJobs())
    assert (job.kind, job.request["params"]) == ("retrain", {"window": "14d"})
    assert job.request["reason"] == "performance.degraded: auc fell"
    [fired] = client.send(ShowTimeline(kinds=["rule.fired"]))
    assert fired.payload["job_id"] == job.id


@pytest.mark.parametrize(
    "quiet", [_alarm("ok"), _alarm("inconclusive"), _alarm(is_live=False), _alarm("ok", drift="drift")]
)
def test_what_is_no_alarm_of_the_rules_kind_fires_nothing(client: Client, apply: Apply, quiet: RecordWindow) -> None:
    apply(_declaration(_rule()))

    client.send(quiet)

    assert _decisions(client) == []
    assert client.send(ListJobs()) == []


def test_an_alarm_that_is_recorded_again_fires_once(client: Client, apply: Apply) -> None:
    apply(_declaration(_rule()))
    alarm = _alarm()

    assert client.send(alarm) == client.send(alarm)

    assert len(_decisions(client)) == 1
    assert len(client.send(ListJobs())) == 1


def test_while_the_job_is_under_way_the_rule_is_skipped(client: LocalClient, apply: Apply) -> None:
    apply(_declaration(_rule()))
    client.send(_alarm())
    client.send(_alarm())
    client.send(ClaimJob())
    client.send(_alarm())

    assert [kind for kind, _ in _decisions(client)] == ["rule.fired", "rule.skipped", "rule.skipped"]
    assert _decisions(client)[1][1] == "such a job is under way already"
    assert len(client.send(ListJobs())) == 1


def test_two_rules_for_one_verb_share_a_cool_down_in_business_time(client: LocalClient, apply: Apply) -> None:
    apply(_declaration(_rule(), _rule(on="drift.detected")))
    client.send(_alarm())
    _end_job(client)
    client.send(Tick(now="2024-03-03T23:00:00Z"))
    client.send(_alarm("ok", drift="drift"))
    client.send(Tick(now="2024-03-04T00:00:00Z"))
    client.send(_alarm("ok", drift="drift"))

    assert [kind for kind, _ in _decisions(client)] == ["rule.fired", "rule.skipped", "rule.fired"]
    assert "less than 3 days ago" in _decisions(client)[1][1]


def test_of_two_alarms_in_one_window_only_one_sets_off_the_job(client: Client, apply: Apply) -> None:
    apply(_declaration(_rule(), _rule(on="drift.detected")))

    client.send(_alarm(drift="drift"))

    assert sorted(kind for kind, _ in _decisions(client)) == ["rule.fired", "rule.skipped"]


def test_a_rule_can_roll_back_and_then_holds_the_alias(client: Client, apply: Apply, register: Register) -> None:
    apply(_declaration(_rule("roll_back")))
    _promote_two(client, register)

    client.send(_alarm())
    client.send(_alarm())

    assert [kind for kind, _ in _decisions(client)] == ["rule.fired", "rule.skipped"]
    assert client.send(ShowEndpoint(name="buys")).live.version == 1


def test_a_roll_back_that_is_not_possible_is_skipped_with_the_reason(
    client: Client, apply: Apply, register: Register
) -> None:
    apply(_declaration(_rule("roll_back")))
    client.send(Promote(name="buys", version=register(), alias="production", expected=None))

    client.send(_alarm())

    [(kind, reason)] = _decisions(client)
    assert kind == "rule.skipped"
    assert "first holder" in reason


def test_a_held_alias_keeps_rules_still_until_it_is_resumed(client: Client, apply: Apply, register: Register) -> None:
    apply(_declaration(_rule()))
    _promote_two(client, register)
    client.send(RollBack(name="buys", alias="production"))
    client.send(_alarm())
    client.send(Resume(name="buys", alias="production"))
    client.send(_alarm())

    assert _decisions(client) == [
        ("rule.skipped", "the alias is held since a roll-back"),
        ("rule.fired", "the event happened and nothing stands against it"),
    ]


def test_an_alarm_before_anything_is_applied_is_recorded_all_the_same(client: Client) -> None:
    client.send(_alarm())

    assert len(client.send(ShowTimeline(kinds=["performance.degraded"]))) == 1
