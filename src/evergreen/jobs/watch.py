"""The watch job: profile each closed window of traffic, judge drift, and performance once outcomes are in.

What was judged before is in rows, so a killed job goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from evergreen.core.client import Client
from evergreen.core.clock import duration, isoformat, moment
from evergreen.core.declaration import Declaration, MonitorSection
from evergreen.core.digest import Digest
from evergreen.core.errors import NotFound
from evergreen.core.ids import derived_id
from evergreen.jobs.measure_gate import GateReport
from evergreen.lifecycle.claim_job import ClaimedJob
from evergreen.lifecycle.record_window import Judgement, RecordWindow
from evergreen.measures.profile import Profile, empty
from evergreen.measures.scores import ScoreCounts, count_scores
from evergreen.monitoring.budget import LOOK_EVERY, SHARES, alpha_per_look
from evergreen.monitoring.drift import judge_drift
from evergreen.monitoring.performance import completes_look, judge_performance
from evergreen.monitoring.reference import Reference, decode_reference, profile_rows
from evergreen.traffic.predictions import ANSWER, AT, ID, VERSION, inputs_of, window
from evergreen.versions.models import ModelManifest, read_model
from evergreen.views.configuration import ShowConfiguration
from evergreen.views.endpoints import EndpointState, ShowEndpoint
from evergreen.views.monitors import ListEvidence, ListWindows, WindowView
from evergreen.views.traffic import FindBatches, FindOutcomes
from evergreen.views.versions import FindVersion

__all__ = ["watch"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def watch(client: Client, job: ClaimedJob, job_id: str) -> dict[str, Any]:  # JSON values
    """Judge every window that is due at the job's business time and return what was found."""
    declaration = client.send(ShowConfiguration()).declaration
    name = str(job.request["monitor"])
    if declaration is None or name not in declaration.monitors:
        raise NotFound(f'monitor "{name}" is not declared any more')
    section = declaration.monitors[name]
    watcher = _Watcher(
        client=client,
        name=name,
        section=section,
        endpoint=client.send(ShowEndpoint(name=section.endpoint)),
        declaration=declaration,
        job_id=job_id,
        length=duration(section.window),
        windows=client.send(ListWindows(monitor=name)),
        references={},
        score_references={},
    )
    closed = sum(watcher.close(start) for start in watcher.due_to_close(moment(job.at)))
    matured = sum(watcher.mature(one) for one in watcher.due_to_mature(moment(job.at)))
    return {"monitor": name, "closed": closed, "matured": matured}


@dataclass(slots=True, kw_only=True)
class _Watcher:
    client: Client
    name: str
    section: MonitorSection
    endpoint: EndpointState
    declaration: Declaration
    job_id: str
    length: timedelta
    windows: list[WindowView]
    references: dict[int, Reference | None]
    score_references: dict[int, list[ScoreCounts]]

    def due_to_close(self, now: datetime) -> Iterator[datetime]:
        """Yield the starts of windows that are over and not judged yet, oldest first."""
        if self.windows:
            start = max(moment(one.end) for one in self.windows)
        else:
            first = self.client.send(FindBatches(endpoint=self.section.endpoint)).first_at
            if first is None:
                return
            start = moment(first) - (moment(first) - _EPOCH) % self.length
        while start + self.length <= now:
            yield start
            start += self.length

    def close(self, start: datetime) -> int:
        """Profile a window for each version that answered in it, and judge drift; return the rows seen."""
        end = start + self.length
        table = self._predictions(isoformat(start), isoformat(end))
        versions = sorted(table[VERSION].unique().to_list()) or [self._live_version()]
        for version in versions:
            rows = table.filter(pl.col(VERSION) == version)
            reference = self._reference(version)
            profile = None if reference is None else _profile(reference, rows)
            digest = None if profile is None else self.client.put(profile.encode())
            self._record(
                WindowView(
                    start=isoformat(start),
                    end=isoformat(end),
                    version=version,
                    predictions=rows.height,
                    outcomes=None,
                    positives=None,
                    profile=digest,
                    scores=None,
                    drift=None,
                    performance=None,
                ),
                drift=self._judge_drift(version, reference, profile),
            )
        return table.height

    def due_to_mature(self, now: datetime) -> list[WindowView]:
        """Return the windows whose outcomes are all in by now, oldest first."""
        if self.section.outcomes is None:
            return []
        late = duration(self.section.outcomes.within)
        return [one for one in self.windows if one.outcomes is None and moment(one.end) + late <= now]

    def mature(self, one: WindowView) -> int:
        """Join a window's predictions with the outcomes known by its maturity, and judge performance."""
        outcomes = self.section.outcomes
        late = timedelta(0) if outcomes is None else duration(outcomes.within)
        rows = self._predictions(one.start, one.end).filter(pl.col(VERSION) == one.version)
        known = self.client.send(
            FindOutcomes(
                endpoint=self.section.endpoint, ids=rows[ID].to_list(), as_of=isoformat(moment(one.end) + late)
            )
        )
        values = pl.DataFrame({ID: known.ids, "value": known.values}, schema={ID: pl.String, "value": pl.Float64})
        joined = rows.select(ID, ANSWER).join(values, on=ID, how="inner", maintain_order="left")
        scores = count_scores(joined["value"].to_numpy(), joined[ANSWER].to_numpy()) if joined.height else ScoreCounts()
        matured = msgspec.structs.replace(
            one, outcomes=joined.height, positives=scores.positives, scores=self.client.put(scores.encode())
        )
        self._record(matured, performance=self._judge_performance(one, scores))
        return joined.height

    # ------------------------------------------------------------------ judging

    def _judge_drift(self, version: int, reference: Reference | None, latest: Profile | None) -> Judgement | None:
        """Return the verdict if this window completes a look, so that each look is acted on once."""
        seen = [one.profile for one in self._of_version(version) if one.profile is not None and one.predictions]
        if reference is None or latest is None or not latest.rows or (len(seen) + 1) % LOOK_EVERY:
            return None
        current = [*(Profile.decode(self.client.get(digest)) for digest in seen), latest]
        alpha = alpha_per_look(self.section.false_alarms, self.length, SHARES["drift"])
        found = judge_drift(reference.grid, reference.windows, current, alpha=alpha)
        return Judgement(verdict=found.verdict, reason=found.reason, p_value=found.p_value, alpha=found.alpha)

    def _judge_performance(self, one: WindowView, latest: ScoreCounts) -> Judgement | None:
        """Return the verdict if this window completes a look."""
        earlier = [other for other in self._of_version(one.version) if other.scores and other.start < one.start]
        classes = [(other.positives or 0, (other.outcomes or 0) - (other.positives or 0)) for other in earlier]
        if not completes_look([*classes, (latest.positives, latest.negatives)]):
            return None
        current = [ScoreCounts.decode(self.client.get(other.scores)) for other in earlier if other.scores]
        alpha = alpha_per_look(self.section.false_alarms, self.length, SHARES["performance"])
        found = judge_performance(self._score_reference(one.version), [*current, latest], alpha=alpha)
        return Judgement(verdict=found.verdict, reason=found.reason, p_value=found.p_value, alpha=found.alpha)

    def _record(self, one: WindowView, *, drift: Judgement | None = None, performance: Judgement | None = None) -> None:
        stage = "closed" if one.outcomes is None else "matured"
        self.client.send(
            RecordWindow(
                command_id=derived_id(self.job_id, self.name, one.start, str(one.version), stage),
                monitor=self.name,
                endpoint=self.section.endpoint,
                model=self.endpoint.model,
                version=one.version,
                is_live=one.version == self._live_version(),
                start=one.start,
                end=one.end,
                predictions=one.predictions,
                outcomes=one.outcomes,
                positives=one.positives,
                profile=one.profile,
                scores=one.scores,
                drift=drift,
                performance=performance,
            )
        )
        kept = [other for other in self.windows if (other.start, other.version) != (one.start, one.version)]
        self.windows = sorted([*kept, one], key=lambda other: (other.start, other.version))

    # ------------------------------------------------------------------ fetching

    def _of_version(self, version: int) -> list[WindowView]:
        return [one for one in self.windows if one.version == version]

    def _live_version(self) -> int:
        live = self.endpoint.live
        return 0 if live is None else live.version

    def _predictions(self, start: str, end: str) -> pl.DataFrame:
        found = self.client.send(FindBatches(endpoint=self.section.endpoint, start=start, end=end))
        return window(self.client.get, found.digests, start, end).sort(AT, ID)

    def _manifest(self, version: int) -> ModelManifest:
        found = self.client.send(FindVersion(kind="model", reference=f"{self.endpoint.model}@v{version}"))
        return read_model(self.client.get, found.manifest)

    def _reference(self, version: int) -> Reference | None:
        if version not in self.references:
            digest = self._manifest(version).reference if version else None
            self.references[version] = None if digest is None else decode_reference(self.client.get(digest))
        return self.references[version]

    def _score_reference(self, version: int) -> list[ScoreCounts]:
        """Return the score counts of the newest gate measurement of the version, window by window."""
        if version not in self.score_references:
            found = self.client.send(ListEvidence(name=self.endpoint.model, candidate=version))
            self.score_references[version] = self._windows_of(found[0].report) if found else []
        return self.score_references[version]

    def _windows_of(self, report: Digest) -> list[ScoreCounts]:
        windows = msgspec.json.decode(self.client.get(report), type=GateReport).windows
        return [ScoreCounts.decode(self.client.get(digest)) for digest in windows]


def _profile(reference: Reference, rows: pl.DataFrame) -> Profile:
    return profile_rows(reference.grid, inputs_of(rows)) if rows.height else empty(reference.grid)
