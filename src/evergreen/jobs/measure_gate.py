"""Measuring a gate: candidate and champion on the same held-out rows, later than anything either was trained on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import polars as pl

from evergreen.checks.gate import GateCheck, Scored, measure_gate, metrics_of
from evergreen.core.canonical import canonical
from evergreen.core.client import Client
from evergreen.core.clock import duration, isoformat
from evergreen.core.declaration import Declaration
from evergreen.core.digest import Digest
from evergreen.core.ids import derived_id, new_id
from evergreen.lifecycle.promote import Promote, Promotion
from evergreen.lifecycle.record_evidence import RecordEvidence
from evergreen.measures.scores import count_scores
from evergreen.serving.predictor import Predictor, load_predictor
from evergreen.versions.models import ModelManifest, read_model
from evergreen.views.monitors import ListEvidence
from evergreen.views.versions import FindVersion, ShowHolder

__all__ = ["GateReport", "Measured", "measure", "promote_measured", "spell_check"]

DEFAULT_WINDOW = timedelta(days=1)


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate saw. ``windows`` are the candidate's score counts per window: what performance is judged against."""

    name: str
    alias: str
    candidate: int
    champion: int | None
    holder: int | None
    """Who held the alias then: the champion, or the candidate itself."""
    rows: int
    start: str | None
    end: str | None
    checks: list[GateCheck]
    candidate_metrics: dict[str, float]
    champion_metrics: dict[str, float] | None
    windows: list[Digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Recorded evidence: whether the gate passes, and what it rests on."""

    evidence_id: str
    passed: bool
    report: GateReport
    expected: int | None
    """The holder that the candidate was measured against."""


def measure(client: Client, declaration: Declaration, name: str, version: int, alias: str, *, base: str) -> Measured:
    """Measure the gate of ``name`` for ``version`` taking ``alias``, and record the evidence.

    Evidence that was recorded under ``base`` before is taken up: a job that was killed after its promotion would
    otherwise measure the version against itself.
    """
    evidence_id = derived_id(base, "evidence")
    for found in client.send(ListEvidence(name=name, candidate=version)):
        if found.id == evidence_id:
            report = msgspec.json.decode(client.get(found.report), type=GateReport)
            return Measured(evidence_id=evidence_id, passed=found.passed, report=report, expected=report.holder)
    manifest = _manifest(client, name, version)
    held = client.send(ShowHolder(name=name, alias=alias))
    champion = held.version if held.version != version else None
    champion_manifest = None if champion is None else _manifest(client, name, champion)
    rows = _evaluation_rows(client, manifest, champion_manifest)
    section = declaration.models[name]
    scored = _score(client, manifest, version, champion_manifest, champion, rows)
    checks = measure_gate(section.gate, scored, section.task)
    report = GateReport(
        name=name,
        alias=alias,
        candidate=version,
        champion=champion,
        holder=held.version,
        rows=rows.height,
        start=_edge(rows, manifest, first=True),
        end=_edge(rows, manifest, first=False),
        checks=checks,
        candidate_metrics=metrics_of(scored.outcome, scored.candidate, section.task),
        champion_metrics=None if scored.champion is None else metrics_of(scored.outcome, scored.champion, section.task),
        windows=[client.put(data) for data in _windows(rows, manifest, scored, _window(declaration, name))],
    )
    recorded = client.send(
        RecordEvidence(
            command_id=derived_id(base, "record evidence"),
            evidence_id=evidence_id,
            name=name,
            alias=alias,
            candidate=version,
            champion=champion,
            gate=section.gate,
            verdicts=[check.verdict for check in checks],
            report=client.put(canonical(report)),
        )
    )
    return Measured(evidence_id=evidence_id, passed=recorded.passed, report=report, expected=held.version)


def promote_measured(
    client: Client, declaration: Declaration, name: str, version: int, alias: str, *, base: str | None = None
) -> tuple[Measured, Promotion]:
    """Measure the gate, then ask for the alias; a refusal comes back as a result."""
    base = base or new_id()
    measured = measure(client, declaration, name, version, alias, base=base)
    promotion = client.send(
        Promote(
            command_id=derived_id(base, "promote"),
            name=name,
            version=version,
            alias=alias,
            expected=measured.expected,
            evidence_id=measured.evidence_id,
            failures=[spell_check(check) for check in measured.report.checks if check.verdict not in _BINDING_PASSES],
        )
    )
    return measured, promotion


_BINDING_PASSES = ("pass", "not applicable")


def spell_check(check: GateCheck) -> str:
    """Say in one line what a statement of a gate came to."""
    measured = ", ".join(
        f"{name} is {value:.4g}" if isinstance(value, float) else f"{name} is {value}"
        for name, value in sorted(check.measured.items())  # the same line whether it was just measured or read again
    )
    return f'"{check.text}" {check.verdict}: {check.reason or measured}'


def _manifest(client: Client, name: str, version: int) -> ModelManifest:
    found = client.send(FindVersion(kind="model", reference=f"{name}@v{version}"))
    return read_model(client.get, found.manifest)


def _evaluation_rows(client: Client, manifest: ModelManifest, champion: ModelManifest | None) -> pl.DataFrame:
    """Return the candidate's held-out rows that are later than the training rows of both."""
    if manifest.held_out is None:
        return pl.DataFrame(schema=dict.fromkeys([*manifest.contract.names, manifest.target], pl.Null))
    rows = pl.read_ipc(io.BytesIO(client.get(manifest.held_out))).drop_nulls(manifest.target)
    until = [one.trained_until for one in (manifest, champion) if one is not None]
    if manifest.time is not None:
        moments = [datetime.fromisoformat(moment) for moment in until if isinstance(moment, str)]
        return rows.filter(pl.col(manifest.time) > max(moments)) if moments else rows
    # Without a time column "later" means committed later: the held-out rows begin where the candidate's training
    # rows end, so a champion that was trained further than that leaves nothing to compare on.
    ends = [row for row in until if isinstance(row, int)]
    own = manifest.trained_until
    return rows.clear() if isinstance(own, int) and max(ends, default=0) > own else rows


def _score(
    client: Client,
    manifest: ModelManifest,
    version: int,
    champion_manifest: ModelManifest | None,
    champion: int | None,
    rows: pl.DataFrame,
) -> Scored:
    empty = np.empty(0)
    answers: dict[str, Any] = {"candidate": empty, "champion": None if champion is None else empty}
    if rows.height:
        answers["candidate"] = _answers(load_predictor(client.get, manifest, version), rows)
        if champion_manifest is not None and champion is not None:
            answers["champion"] = _answers(load_predictor(client.get, champion_manifest, champion), rows)
    return Scored(
        outcome=rows[manifest.target].cast(pl.Float64).to_numpy(),
        candidate=answers["candidate"],
        champion=answers["champion"],
        groups={name: rows[name].cast(pl.String).fill_null("(null)").to_numpy() for name in manifest.contract.names},
    )


def _answers(predictor: Predictor, rows: pl.DataFrame) -> Any:  # an array, (n,)
    missing = [name for name in predictor.contract.names if name not in rows.columns]
    return predictor.answer(rows.with_columns(pl.lit(None).alias(name) for name in missing))


def _windows(rows: pl.DataFrame, manifest: ModelManifest, scored: Scored, window: timedelta) -> Iterator[bytes]:
    if manifest.time is None or not rows.height:
        return
    numbered = rows.select(pl.col(manifest.time).dt.truncate(window).alias("window")).with_row_index()
    for _, part in numbered.group_by("window", maintain_order=True):
        places = part["index"].to_numpy()
        yield count_scores(scored.outcome[places], scored.candidate[places]).encode()


def _window(declaration: Declaration, name: str) -> timedelta:
    for monitor in declaration.monitors.values():
        if declaration.endpoints[monitor.endpoint].model.partition("@")[0] == name:
            return duration(monitor.window)
    return DEFAULT_WINDOW


def _edge(rows: pl.DataFrame, manifest: ModelManifest, *, first: bool) -> str | None:
    if manifest.time is None or not rows.height:
        return None
    value = rows[manifest.time].min() if first else rows[manifest.time].max()
    return isoformat(value) if isinstance(value, datetime) else None
