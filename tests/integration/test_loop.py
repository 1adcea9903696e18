"""The whole loop in one process, day by day: the relation turns around, and the project finds its way back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from evergreen.core.clock import isoformat, moment
from evergreen.core.declaration import Outputs
from evergreen.faces.client.local import LocalClient
from evergreen.faces.worker.loop import drain
from evergreen.jobs.commit_rows import commit_rows
from evergreen.lifecycle.resume import Resume
from evergreen.lifecycle.retrain import Retrain
from evergreen.lifecycle.roll_back import RollBack
from evergreen.lifecycle.tick import Tick
from evergreen.serving.endpoint import Endpoint, Live
from evergreen.serving.predictor import load_predictor
from evergreen.testing.project import PIPELINE, apply_project, day, request, visits, write_project
from evergreen.traffic.segment import SegmentWriter
from evergreen.versions.models import read_model
from evergreen.views.endpoints import ShowEndpoint
from evergreen.views.fold import differences
from evergreen.views.jobs import ListJobs
from evergreen.views.monitors import ListWindows
from evergreen.views.timeline import DECISIONS, ShowTimeline
from evergreen.views.versions import FindVersion, ListVersions, ShowHolder
from evergreen.views.why import ShowWhy

TURNED_ON = 60


class _Shop:
    """Lives through one day after the other, as the project's users and their endpoint would."""

    def __init__(self, client: LocalClient) -> None:
        self._client = client
        self._endpoint = Endpoint("buys", Outputs(), SegmentWriter(client.home.log_folder("shop", "buys")))
        self.today = TURNED_ON

    def live_until(self, is_over: Callable[[], bool], *, days: int) -> None:
        """Go on until something has happened, which must be within so many days."""
        for _ in range(days):
            self._live_a_day()
            if is_over():
                return
        raise AssertionError(f"nothing happened until day {self.today}: {self.decisions()}")

    def decisions(self) -> list[tuple[str, Any]]:
        """Return what was decided since the relation turned around, with the version or the reason."""
        events = self._client.send(ShowTimeline(kinds=list(DECISIONS)))
        turned = isoformat(day(TURNED_ON))
        return [
            (event.kind, event.payload.get("version") or event.payload.get("candidate") or event.payload.get("reason"))
            for event in events
            if event.at > turned and event.kind != "configuration.applied"
        ]

    def count(self, kind: str) -> int:
        return [decided for decided, _ in self.decisions()].count(kind)

    def _live_a_day(self) -> None:
        self._follow()
        rows = visits(self.today, 1, flipped=True)
        asked = request(rows)
        times = [isoformat(moment(str(row["at"]))) for row in asked]
        self._endpoint.answer([str(row["id"]) for row in asked], times, [{"x": row["x"]} for row in asked])
        commit_rows(self._client, "visits", rows)  # tells the outcomes too
        self.today += 1
        self._client.send(Tick(now=isoformat(day(self.today))))
        drain(self._client)
        assert [job.result for job in self._client.send(ListJobs()) if job.state != "succeeded"] == []

    def _follow(self) -> None:
        live = self._client.send(ShowEndpoint(name="buys")).live
        manifest = read_model(self._client.get, live.manifest)
        predictor = load_predictor(self._client.get, manifest, live.version)
        self._endpoint.swap(Live(predictor=predictor, generation=live.generation, fallback=None))


def test_the_loop_notices_retrains_refuses_releases_and_rests_after_a_roll_back(
    client: LocalClient, shop: Path
) -> None:
    drain(client)
    life = _Shop(client)
    applied = client.send(FindVersion(kind="code", reference="shop"))
    (shop / "pipeline.py").write_text('raise RuntimeError("this was edited after apply")\n')

    # The first candidate has seen too little of the new relation, and its gate says so.
    life.live_until(lambda: life.count("promotion.refused") == 1, days=12)
    assert client.send(ShowHolder(name="buys", alias="production")).version == 1
    assert [kind for kind, _ in life.decisions()] == [
        "performance.degraded",
        "rule.fired",
        "gate.measured",
        "promotion.refused",
    ]

    # The second one has, and is released.
    life.live_until(lambda: life.count("endpoint.released") == 1, days=12)
    assert client.send(ShowHolder(name="buys", alias="production")).version == 3
    why = client.send(ShowWhy(endpoint="buys"))
    assert why.reason == "version 3 passed its gate against version 1"
    assert why.trigger["on"] == "performance.degraded"
    assert ("code:shop@v1", "code") in why.version.sources
    assert applied.number == client.send(FindVersion(kind="code", reference="shop")).number == 1

    # A person rolls back. Alarms go on, rules keep still.
    assert client.send(RollBack(name="buys", alias="production", reason="to see")).version == 1
    life.live_until(lambda: life.count("rule.skipped") == 1, days=12)
    assert life.decisions()[-1] == ("rule.skipped", "the alias is held since a roll-back")
    assert client.send(ShowHolder(name="buys", alias="production")).version == 1

    # Until they are let go again.
    client.send(Resume(name="buys", alias="production"))
    life.live_until(lambda: life.count("alias.moved") == 2, days=12)
    assert [one.number for one in client.send(ListVersions(kind="model", name="buys"))] == [4, 3, 2, 1]
    assert client.send(ShowHolder(name="buys", alias="production")).version == 4

    windows = client.send(ListWindows(monitor="buys"))
    judged = [one for one in windows if one.start >= isoformat(day(TURNED_ON))]
    assert {one.predictions for one in judged} == {80}
    assert {one.outcomes for one in judged[:-2]} == {80}
    with client.home.database.read() as connection:
        assert differences(connection, "shop") == []
        client.home.journal.verify(connection)


def test_a_retrain_whose_code_fails_is_written_down_and_changes_nothing(client: LocalClient, shop: Path) -> None:
    drain(client)
    other, _ = apply_project(write_project(shop, pipeline=f"{PIPELINE}\n1 / 0\n"))
    client.send(Retrain(model="buys"))

    drain(client)

    [job] = [job for job in client.send(ListJobs()) if job.kind == "retrain"]
    assert job.state == "failed"
    assert 'cannot import "pipeline"' in (job.result or {})["error"]
    assert client.send(ShowHolder(name="buys", alias="production")).version == 1
    other.home.close()
