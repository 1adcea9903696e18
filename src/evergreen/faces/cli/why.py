"""``evergreen why ENDPOINT``: the story of the live version, from what set it off to what it was proved by."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from evergreen.core.client import Client
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import print_json, short_time
from evergreen.faces.cli.place import open_project
from evergreen.jobs.measure_gate import GateReport, spell_check
from evergreen.versions.datasets import Span
from evergreen.versions.models import ModelManifest, read_model
from evergreen.views.why import ShowWhy, Why

__all__ = ["why", "why_text"]


@click.command()
@click.argument("endpoint")
@placed
@as_json
def why(place: Place, endpoint: str, is_json: bool) -> None:
    """Say why the version that answers at ENDPOINT is live."""
    with open_project(place) as client:
        if is_json:
            print_json(client.send(ShowWhy(endpoint=endpoint)))
        else:
            click.echo(why_text(client, endpoint))


def why_text(client: Client, endpoint: str) -> str:
    """Return the story of the endpoint's present release, for people."""
    found: Why = client.send(ShowWhy(endpoint=endpoint))
    manifest = read_model(client.get, found.version.manifest)
    report = None if found.report is None else msgspec.json.decode(client.get(found.report), type=GateReport)
    return "\n".join([*_headline(found), *_cause(found), *_proof(report), *_made(found, manifest), *_further(found)])


def _headline(found: Why) -> Iterator[str]:
    yield f"{found.endpoint} answers with {found.model}@v{found.version.number} since {short_time(found.since)}"
    if found.replaced is not None:
        yield f"  replaced    v{found.replaced} ({found.reason})"
    else:
        yield f"  replaced    nobody: it is the first {found.alias} ({found.reason})"
    yield f"  moved by    {found.actor}"
    if found.held:
        yield (
            f"  held        {found.alias} is held against rules since a roll-back; "
            f'"evergreen resume {found.model} {found.alias}" ends that'
        )
    else:
        yield f"  held        no: rules may move {found.alias}"


def _cause(found: Why) -> Iterator[str]:
    yield ""
    yield "what set it off"
    if found.trigger is not None:
        reason = str((found.alarm or {}).get("reason", ""))
        event, _, told = reason.partition(": ")
        yield f"  alarm       {event or found.trigger['on']}"
        if told:
            yield f"              {told}"
        yield f"  rule        rules[{found.trigger['rule']}]: on {found.trigger['on']} do {found.trigger['do']}"
    elif found.alarm is not None:
        yield f"  a retrain job, {found.alarm.get('reason', 'asked for')}"
    else:
        yield "  a person: it was trained and promoted by hand"


def _proof(report: GateReport | None) -> Iterator[str]:
    yield ""
    if report is None:
        yield "no gate was measured for it"
        return
    yield "what it was proved by"
    rows = f"  scored on   {report.rows:,} rows later than any that were trained on"
    yield rows if report.start is None else f"{rows}, {short_time(report.start)} to {short_time(report.end)}"
    for check in report.checks:
        measured = spell_check(check).partition(f" {check.verdict}: ")[2]
        yield f"  {check.verdict:16}{check.text}  ({measured})"
    champion = report.champion_metrics
    against = "" if report.champion is None else f"v{report.champion}"
    yield f"  {'':24}{f'v{report.candidate}':>10}{against:>10}"
    for name, value in report.candidate_metrics.items():
        other = "" if champion is None or name not in champion else f"{champion[name]:.4f}"
        yield f"  {name:24}{value:>10.4f}{other:>10}".rstrip()


def _made(found: Why, manifest: ModelManifest) -> Iterator[str]:
    yield ""
    yield "what it was made of"
    for one in manifest.inputs:
        held_out = f"; held out for the gate: {_spell(one.held_out)}" if one.held_out is not None else ""
        yield f"  data        {one.dataset}@v{one.version}, rows {_spell(one.span)}{held_out}"
    yield f"  trained on  {manifest.rows:,} rows" + _until(manifest)
    if manifest.params:
        yield f"  parameters  {', '.join(f'{name} = {value}' for name, value in manifest.params.items())}"
    nodes = {role: node for node, role in found.version.sources}
    for role in ("code", "environment"):
        if role in nodes:
            yield f"  {role:12}{nodes[role].removeprefix(f'{role}:')}"
    yield f"  run         {manifest.run_id[:12]}, pipeline {manifest.pipeline}"


def _until(manifest: ModelManifest) -> str:
    return f", the newest of {short_time(manifest.trained_until)}" if isinstance(manifest.trained_until, str) else ""


def _further(found: Why) -> Iterator[str]:
    yield ""
    yield "look further"
    yield f"  evergreen show {(found.version.run_id or '')[:12]}"
    yield f"  evergreen models {found.model}"
    yield "  evergreen timeline"


def _spell(span: Span) -> str:
    if isinstance(span.start, int) or isinstance(span.end, int):
        return f"{span.start or 0} to {span.end}"
    start = "the first" if span.start is None else short_time(span.start)
    return f"{start} to {'the newest' if span.end is None else short_time(span.end)}"
