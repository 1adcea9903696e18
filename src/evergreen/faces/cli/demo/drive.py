"""Driving the year: what a client of a real endpoint would do, hour by hour, by a stepped clock.

Each step can be done again as it is: predictions carry their ids, outcomes and commits are recognised, and the clock
says which steps are done. So a killed demo goes on, and the decisions are the same on any machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import httpx
import msgspec
import polars as pl

from evergreen.core.clock import isoformat, moment
from evergreen.core.declaration import Declaration
from evergreen.core.declaration_file import FILE, read_declaration
from evergreen.core.errors import Invalid, Unavailable
from evergreen.core.ids import derived_id, new_id
from evergreen.faces.cli.demo.processes import Processes
from evergreen.faces.cli.demo.replay_data import INPUTS, Replay, Step
from evergreen.faces.client.http import HttpClient
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.faces.web.messages import PredictAnswer
from evergreen.jobs.commit_rows import commit_rows
from evergreen.jobs.measure_gate import promote_measured
from evergreen.jobs.train import train
from evergreen.lifecycle.apply import Apply
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.record_outcomes import RecordOutcomes
from evergreen.lifecycle.tick import Tick
from evergreen.traffic.outcomes import Outcome
from evergreen.versions.code import manifest_bytes, snapshot
from evergreen.views.configuration import ShowConfiguration
from evergreen.views.endpoints import ShowEndpoint
from evergreen.views.jobs import ListJobs
from evergreen.views.versions import NewestVersion, ShowHolder

__all__ = ["ENDPOINT", "MODEL", "PROJECT", "Driver", "prepare"]

PROJECT, MODEL, ALIAS, ENDPOINT = "flights", "delay", "production", "delay"
JOBS_WITHIN_S = 600.0
_COMMITS = "00000000000000000000000000002013"
"""The id below which the demo's commits have theirs."""


def prepare(folder: Path, replay: Replay, say: Callable[[str], None]) -> LocalClient:
    """Apply the example, commit the first two months, train on them and release; what is done already is left."""
    client = open_local(folder / ".evergreen", PROJECT, create=True)
    client.send(CreateProject())
    if client.send(ShowConfiguration()).now is None:
        client.send(Tick(now=isoformat(replay.start)))
    declaration = read_declaration(folder / FILE)
    code, contents = snapshot(folder)
    for data in contents.values():
        client.put(data)
    client.send(Apply(declaration=declaration, code=client.put(manifest_bytes(code))))
    for name, table in (("flights", replay.initial_flights), ("weather", replay.initial_weather)):
        if not client.send(NewestVersion(kind="dataset", name=name)).number:
            done = commit_rows(client, name, table)
            say(f"dataset {name}@v{done.number}: {done.rows:,} rows, {len(done.checks)} checks passed")
    _release_first(client, declaration, folder, replay.start, say)
    return client


def _release_first(
    client: LocalClient, declaration: Declaration, folder: Path, start: datetime, say: Callable[[str], None]
) -> None:
    if client.send(ShowHolder(name=MODEL, alias=ALIAS)).version is not None:
        return
    number = client.send(NewestVersion(kind="model", name=MODEL)).number
    if not number:
        trained = train(client, MODEL, declaration, folder, at=isoformat(start), base=new_id(), params={})
        number = trained.number
        say(f"model {MODEL}@v{number}: trained on {trained.rows:,} flights of January and February")
    measured, promotion = promote_measured(client, declaration, MODEL, number, ALIAS)
    if not promotion.moved:
        raise Invalid(f"the first model was refused: {'; '.join(promotion.reasons)}")
    auc = measured.report.candidate_metrics["roc_auc"]
    say(f"released to {MODEL}@{ALIAS}: ROC AUC {auc:.3f} on {measured.report.rows:,} later flights")


class Driver:
    """Sends one step after the other and waits for what it sets off."""

    def __init__(self, local: LocalClient, server: str, endpoint: str, processes: Processes) -> None:
        self._local = local
        self._server = HttpClient(server, PROJECT)
        self._predict_url = endpoint
        self._describe_url = endpoint.removesuffix("/predict")
        self._http = httpx.Client(timeout=60.0, trust_env=False)
        self._processes = processes
        self.rows_sent = 0

    @property
    def now(self) -> datetime | None:
        """The project's clock: steps up to it are done."""
        now = self._server.send(ShowConfiguration()).now
        return None if now is None else moment(now)

    def take(self, step: Step) -> bool:
        """Do one step and return whether jobs ran."""
        if step.requests.height:
            self._predict(step.requests)
        if step.outcomes.height:
            self._deliver(step.outcomes)
        for commit in step.commits:
            for name, table in (("flights", commit.flights), ("weather", commit.weather)):
                if table.height:
                    commit_rows(self._local, name, table, commit_id=derived_id(_COMMITS, name, isoformat(commit.at)))
        jobs = self._server.send(Tick(now=isoformat(step.end))).jobs
        if jobs:
            self.settle()
        return bool(jobs)

    def settle(self) -> None:
        """Wait until no job is open and the endpoint answers with the version that is released.

        Raises:
            Invalid: a job failed; its error says why.
            Unavailable: jobs took longer than ten minutes, or a process is gone.
        """
        deadline = time.monotonic() + JOBS_WITHIN_S
        pause = 0.005
        awaited: set[str] = set()
        while still_open := self._server.send(ListJobs(is_open=True)):
            awaited.update(job.id for job in still_open)
            self._processes.require_alive()
            if time.monotonic() > deadline:
                raise Unavailable(f"jobs are still open after {JOBS_WITHIN_S:.0f} s", hint="evergreen jobs")
            time.sleep(pause)
            pause = min(0.1, pause * 1.5)
        for job in self._server.send(ListJobs(limit=20)):
            if job.id in awaited and job.state == "failed":
                raise Invalid(f"job {job.kind} failed: {(job.result or {}).get('error')}", hint="evergreen jobs")
        released = self._server.send(ShowEndpoint(name=ENDPOINT)).live
        while released is not None and self._generation() != released.generation:
            self._processes.require_alive()
            if time.monotonic() > deadline:
                raise Unavailable(f"the endpoint does not follow to generation {released.generation}")
            time.sleep(0.02)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._server.close()

    def _predict(self, requests: pl.DataFrame) -> None:
        rows = [
            {
                "id": row["flight_id"],
                "at": isoformat(row["scheduled_departure"]),
                **{name: row[name] for name in INPUTS},
            }
            for row in requests.iter_rows(named=True)
        ]
        answer = self._post(msgspec.json.encode({"rows": rows}))
        if len(answer.predictions) != len(rows):
            raise Invalid(f"{len(rows)} rows were sent, {len(answer.predictions)} answers came")
        self.rows_sent += len(rows)

    def _post(self, body: bytes) -> PredictAnswer:
        try:
            response = self._http.post(self._predict_url, content=body)
        except httpx.TransportError as error:
            self._processes.require_alive()
            raise Unavailable(f"the endpoint does not answer: {error}", hint="run the same command again") from error
        if response.status_code != 200:
            raise Invalid(f"the endpoint refused a request: {response.text[:500]}")
        return msgspec.json.decode(response.content, type=PredictAnswer)

    def _deliver(self, outcomes: pl.DataFrame) -> None:
        told = [
            Outcome(prediction_id=flight, value=float(late), known_at=isoformat(known_at))
            for flight, late, known_at in outcomes.select("flight_id", "late", "known_at").iter_rows()
        ]
        self._server.send(RecordOutcomes(endpoint=ENDPOINT, outcomes=told))

    def _generation(self) -> int:
        response = self._http.get(self._describe_url)
        try:
            return int(response.json()["generation"])
        except (KeyError, ValueError):
            return 0
