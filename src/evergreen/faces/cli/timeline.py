"""``evergreen timeline``: what was decided, when by the business clock, and why; one line a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import click

from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import print_json, say, short_time
from evergreen.faces.cli.place import open_project
from evergreen.views.timeline import DECISIONS, EventView, ShowTimeline

__all__ = ["timeline", "timeline_lines"]

Payload = Mapping[str, Any]  # JSON values, as the event's kind has them
AT_ONCE = 100_000


@click.command()
@click.option("--all", "is_all", is_flag=True, help="Every event: runs, jobs and windows too.")
@placed
@as_json
def timeline(place: Place, is_all: bool, is_json: bool) -> None:
    """Say what was decided and why, oldest first."""
    with open_project(place) as client:
        events = client.send(ShowTimeline(kinds=[] if is_all else list(DECISIONS), limit=AT_ONCE))
    if is_json:
        print_json(events)
        return
    if not events:
        say("nothing was decided yet")
    for line in timeline_lines(events):
        click.echo(line)


def timeline_lines(events: list[EventView]) -> list[str]:
    """Return one line per event: its business time, then what happened, in words."""
    return [f"{short_time(event.at):16}  {_told(event)}" for event in events]


def _told(event: EventView) -> str:
    spell = _SPELLINGS.get(event.kind)
    if spell is not None:
        return spell(event.payload)
    return f"{event.kind}: " + ", ".join(f"{name} {_short(value)}" for name, value in event.payload.items())


def _short(value: object) -> str:
    text = str(value)
    return text[:12] if len(text) in (32, 64) and text.isalnum() else text[:80]


def _drift(found: Payload) -> str:
    return f"drift detected at {found['endpoint']} (v{found['version']}): {found['reason']}"


def _degraded(found: Payload) -> str:
    return f"performance degraded at {found['endpoint']} (v{found['version']}): {found['reason']}"


def _failed_checks(found: Payload) -> str:
    return f"{found['name']}@v{found['number']} failed its checks and is not used: {'; '.join(found['checks'])}"


def _fired(found: Payload) -> str:
    return f"rule {found['rule']} fired on {found['on']}: {found['do'].replace('_', ' ')} {found['model']}"


def _skipped(found: Payload) -> str:
    return f"rule {found['rule']} did not fire on {found['on']}: {found['reason']}"


def _measured(found: Payload) -> str:
    verdicts: Counter[str] = Counter(found["verdicts"])
    counted = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    against = "with no champion" if found["champion"] is None else f"against v{found['champion']}"
    passed = "passed" if found["passed"] else "not passed"
    return f"gate {passed} by {found['name']}@v{found['candidate']} {against} ({counted or 'it asks nothing'})"


def _refused(found: Payload) -> str:
    return f"{found['name']}@v{found['version']} was refused as {found['alias']}: {'; '.join(found['reasons'])}"


def _moved(found: Payload) -> str:
    before = "nobody" if found["replaced"] is None else f"v{found['replaced']}"
    return f"{found['name']}@{found['alias']} moved from {before} to v{found['version']}: {found['reason']}"


def _rolled_back(found: Payload) -> str:
    return (
        f"{found['name']}@{found['alias']} rolled back from v{found['replaced']} to v{found['version']}, "
        f"held against rules: {found['reason'].removeprefix('roll-back: ')}"
    )


def _released(found: Payload) -> str:
    return f"endpoint {found['endpoint']} answers with {found['model']}@v{found['version']}"


_SPELLINGS: dict[str, Callable[[Payload], str]] = {
    "configuration.applied": lambda found: f"configuration {found['number']} applied, code v{found['code_version']}",
    "dataset.failed_checks": _failed_checks,
    "drift.detected": _drift,
    "performance.degraded": _degraded,
    "rule.fired": _fired,
    "rule.skipped": _skipped,
    "gate.measured": _measured,
    "promotion.refused": _refused,
    "alias.moved": _moved,
    "alias.rolled_back": _rolled_back,
    "alias.resumed": lambda found: f"rules may move {found['name']}@{found['alias']} again",
    "endpoint.released": _released,
    "version.archived": lambda found: f"{found['name']}@v{found['number']} archived",
}
