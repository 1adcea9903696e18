"""Random commands: afterwards the tables are what the events alone say, and the journal verifies."""

import contextlib
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from evergreen.core.clock import isoformat
from evergreen.core.declaration import (
    Declaration,
    EndpointSection,
    Keep,
    ModelSection,
    MonitorSection,
    ProjectSection,
    RuleSection,
)
from evergreen.core.errors import EvergreenError
from evergreen.core.message import Command
from evergreen.faces.client.local import open_local
from evergreen.lifecycle.apply import Apply
from evergreen.lifecycle.claim_job import ClaimJob
from evergreen.lifecycle.commit_dataset import CommitDataset
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.finish_job import FinishJob
from evergreen.lifecycle.finish_run import FinishRun
from evergreen.lifecycle.promote import Promote
from evergreen.lifecycle.record_evidence import RecordEvidence
from evergreen.lifecycle.record_outcomes import RecordOutcomes
from evergreen.lifecycle.record_step import RecordStep
from evergreen.lifecycle.record_window import Judgement, RecordWindow
from evergreen.lifecycle.register_model import RegisterModel
from evergreen.lifecycle.resume import Resume
from evergreen.lifecycle.retrain import Retrain
from evergreen.lifecycle.roll_back import RollBack
from evergreen.lifecycle.start_run import StartRun
from evergreen.lifecycle.tick import Tick
from evergreen.traffic.outcomes import Outcome
from evergreen.views.fold import differences
from evergreen.views.versions import ShowHolder

GATE = ["roc_auc >= 0.5", "log_loss <= champion.log_loss"]
MODELS = st.sampled_from(["delay", "price"])
ALIASES = st.sampled_from(["production", "staging"])
VERSIONS = st.integers(1, 4)


class SteppedClock:
    """The machine's time, moved by the test only."""

    def __init__(self) -> None:
        self.time = datetime(2013, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def declared(*, gate: list[str], versions: int | None, alias: str, verb: str, cooldown: str) -> Declaration:
    return Declaration(
        project=ProjectSection(name="flights"),
        models={
            name: ModelSection(
                pipeline="pipeline:train", task="binary-classification", gate=gate, keep=Keep(versions=versions)
            )
            for name in ("delay", "price")
        },
        endpoints={
            "delay": EndpointSection(model=f"delay@{alias}"),
            "price": EndpointSection(model="price@production"),
        },
        monitors={"delay": MonitorSection(endpoint="delay", window="1d", false_alarms="1 per year")},
        rules=[
            RuleSection(on="drift.detected", do=verb, arguments={"model": "delay"}, cooldown=cooldown),
            RuleSection(on="performance.degraded", do="retrain", arguments={"model": "delay"}, cooldown=cooldown),
        ],
    )


DECLARATIONS = st.builds(
    declared,
    gate=st.sampled_from([[], GATE]),
    versions=st.sampled_from([None, 1, 2]),
    alias=ALIASES,
    verb=st.sampled_from(["retrain", "roll_back"]),
    cooldown=st.sampled_from(["1h", "2d"]),
)


class RandomCommands(RuleBasedStateMachine):
    """What many clients and workers may do to one project, in any order; refusals are part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = SteppedClock()
        self.client = open_local(self.folder / "home", "flights", create=True, clock=self.clock)
        self.now = self.clock.time
        self.ids = 0
        self.runs: list[str] = []
        self.jobs: list[Any] = []
        self.sent: list[Command] = []

    def new_id(self) -> str:
        """Return an id that is the same in each repetition, so that Hypothesis can shrink a failure."""
        self.ids += 1
        return f"{self.ids:032x}"

    def attempt(self, command: Command) -> Any:
        self.sent.append(command)
        with contextlib.suppress(EvergreenError):
            return self.client.send(command)

    @initialize(declaration=DECLARATIONS)
    def begin(self, declaration: Declaration) -> None:
        self.client.send(CreateProject())
        self.client.send(Apply(declaration=declaration, code=self.client.put(b"code")))
        self.client.send(Tick(now=isoformat(self.now)))
        for data in (b"first", b"second", b"third"):
            self.register_model("delay", data)
        for version in (1, 2):
            self.measure_and_promote("delay", "production", version, "pass")

    @rule(declaration=DECLARATIONS, code=st.sampled_from([b"code", b"other code"]))
    def apply(self, declaration: Declaration, code: bytes) -> None:
        self.attempt(Apply(declaration=declaration, code=self.client.put(code)))

    @rule(name=MODELS, data=st.binary(max_size=4))
    def register_model(self, name: str, data: bytes) -> None:
        manifest, code, environment = (self.client.put(one) for one in (data, b"code", b"environment"))
        self.attempt(
            RegisterModel(name=name, manifest=manifest, run_id=self.new_id(), code=code, environment=environment)
        )

    @rule(usable=st.booleans(), after=st.sampled_from([None, 1, 2]))
    def commit_dataset(self, usable: bool, after: int | None) -> None:
        failed = [] if usable else ["rows > 0"]
        manifest = self.client.put(b"rows")
        self.attempt(CommitDataset(name="rows", manifest=manifest, after=after, usable=usable, failed_checks=failed))

    @rule(name=MODELS, alias=ALIASES, version=VERSIONS, verdict=st.sampled_from(["pass", "fail", "inconclusive"]))
    def measure_and_promote(self, name: str, alias: str, version: int, verdict: str) -> None:
        held = self.client.send(ShowHolder(name=name, alias=alias)).version
        evidence_id = self.new_id()
        self.attempt(
            RecordEvidence(
                evidence_id=evidence_id,
                name=name,
                alias=alias,
                candidate=version,
                champion=held,
                gate=GATE,
                verdicts=["pass", verdict],
                report=self.client.put(b"report"),
            )
        )
        self.attempt(
            Promote(name=name, version=version, alias=alias, expected=held, evidence_id=evidence_id, failures=[verdict])
        )

    @rule(name=MODELS, alias=ALIASES, version=VERSIONS, knows_holder=st.booleans())
    def promote_without_evidence(self, name: str, alias: str, version: int, knows_holder: bool) -> None:
        held = self.client.send(ShowHolder(name=name, alias=alias)).version
        self.attempt(Promote(name=name, version=version, alias=alias, expected=held if knows_holder else 4))

    @rule(name=MODELS, alias=ALIASES)
    def roll_back(self, name: str, alias: str) -> None:
        self.attempt(RollBack(name=name, alias=alias))

    @rule(name=MODELS, alias=ALIASES)
    def resume(self, name: str, alias: str) -> None:
        self.attempt(Resume(name=name, alias=alias))

    @rule()
    def start_run(self) -> None:
        self.runs.append(self.new_id())
        self.attempt(StartRun(run_id=self.runs[-1], name="train delay"))

    @rule(data=st.data(), state=st.sampled_from(["succeeded", "failed", "cached", "running"]))
    def finish_run(self, data: st.DataObject, state: str) -> None:
        if self.runs:
            run_id = data.draw(st.sampled_from(self.runs))
            self.attempt(FinishRun(run_id=run_id, state=state))

    @rule(data=st.data(), state=st.sampled_from(["succeeded", "failed", "cached"]))
    def record_step(self, data: st.DataObject, state: str) -> None:
        if self.runs:
            self.attempt(
                RecordStep(
                    run_id=self.new_id(),
                    parent=data.draw(st.sampled_from(self.runs)),
                    name="fit",
                    state=state,
                    started_at=isoformat(self.clock.time),
                    cache_key="key",
                    output="{}",
                )
            )

    @rule(name=MODELS)
    def retrain(self, name: str) -> None:
        self.attempt(Retrain(model=name))

    @rule()
    def claim_job(self) -> None:
        claimed = self.attempt(ClaimJob())
        if claimed is not None and claimed.fence is not None:
            self.jobs.append(claimed.fence)

    @rule(data=st.data(), error=st.none() | st.just("it broke"))
    def finish_job(self, data: st.DataObject, error: str | None) -> None:
        if self.jobs:
            fence = self.jobs[data.draw(st.integers(0, len(self.jobs) - 1))]
            worker = self.client.under(fence, "worker:test")
            with contextlib.suppress(EvergreenError):
                worker.send(FinishJob(job_id=fence.job_id, error=error))

    @rule()
    def leases_lapse(self) -> None:
        self.clock.time += timedelta(minutes=1)

    @rule(hours=st.integers(-1, 40))
    def tick(self, hours: int) -> None:
        self.now += timedelta(hours=max(0, hours))
        self.attempt(Tick(now=isoformat(self.now + timedelta(hours=min(0, hours)))))

    @rule(value=st.sampled_from([0.0, 1.0]), day=st.integers(1, 3))
    def record_outcomes(self, value: float, day: int) -> None:
        known_at = f"2013-01-0{day}T00:00:00Z"
        self.attempt(
            RecordOutcomes(endpoint="delay", outcomes=[Outcome(prediction_id="a", value=value, known_at=known_at)])
        )

    @rule(
        day=st.integers(1, 9),
        is_live=st.booleans(),
        drift=st.sampled_from([None, "ok", "drift"]),
        performance=st.sampled_from([None, "ok", "degraded"]),
    )
    def record_window(self, day: int, is_live: bool, drift: str | None, performance: str | None) -> None:
        self.attempt(
            RecordWindow(
                monitor="delay",
                endpoint="delay",
                model="delay",
                version=1,
                is_live=is_live,
                start=f"2013-01-0{day}T00:00:00.000000Z",
                end=f"2013-01-0{day + 1}T00:00:00.000000Z",
                predictions=10,
                drift=None if drift is None else Judgement(verdict=drift, reason="it moved"),
                performance=None if performance is None else Judgement(verdict=performance, reason="it fell"),
            )
        )

    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        if self.sent:
            self.attempt(self.sent[data.draw(st.integers(0, len(self.sent) - 1))])

    @invariant()
    def tables_are_what_the_events_say(self) -> None:
        with self.client.home.database.read() as connection:
            assert differences(connection, "flights") == []

    def teardown(self) -> None:
        try:
            with self.client.home.database.read() as connection:
                assert self.client.home.journal.verify(connection).faults == ()
        finally:
            self.client.home.close()
            shutil.rmtree(self.folder)


TestRandomCommands = RandomCommands.TestCase
TestRandomCommands.settings = settings(
    max_examples=25,
    stateful_step_count=50,
    deadline=None,  # a commit waits for the disk
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
