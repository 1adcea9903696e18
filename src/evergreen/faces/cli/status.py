"""``evergreen status`` and ``evergreen jobs``: how the project stands."""

from __future__ import annotations

from datetime import timedelta

import click

from evergreen.core.clock import moment
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import print_json, print_table, say, short_time
from evergreen.faces.cli.place import open_project
from evergreen.views.jobs import JobView, ListJobs
from evergreen.views.status import ProjectStatus, ShowStatus

__all__ = ["jobs", "status"]

TICKING_WITHIN = timedelta(minutes=2)
"""A server ticks twice a minute; longer ago means that nobody does."""


@click.command()
@placed
@as_json
def status(place: Place, is_json: bool) -> None:
    """Say how the project stands: what is live, what waits, when the loop last turned."""
    with open_project(place) as client:
        found = client.send(ShowStatus())
        ago = None if found.last_tick is None else client.home.clock.now() - moment(found.last_tick)
    if is_json:
        print_json(found)
        return
    applied = f"configuration {found.configuration}" if found.configuration else "nothing applied yet"
    click.echo(f"{found.project}: {applied}, {found.events} events")
    click.echo(f"{'clock':10}{_clock(found, ago)}")
    for title, numbers in (("datasets", found.datasets), ("models", found.models)):
        click.echo(f"{title:10}{', '.join(f'{name}@v{number}' for name, number in numbers.items()) or 'none yet'}")
    click.echo(f"{'jobs':10}{found.waiting_jobs} waiting, {found.running_jobs} running, {found.failed_jobs} failed")
    for endpoint in found.endpoints:
        live = (
            "no version yet" if endpoint.version is None else f"v{endpoint.version} since {short_time(endpoint.since)}"
        )
        held = ", held against rules" if endpoint.held else ""
        click.echo(f"{'endpoint':10}{endpoint.name} follows {endpoint.reference}: {live}{held}")
        click.echo(f"{'':10}{endpoint.predictions:,} predictions sealed, {endpoint.outcomes:,} outcomes")
    for monitor in found.monitors:
        verdicts = f"drift {monitor.drift or 'not judged yet'}, performance {monitor.performance or 'not judged yet'}"
        click.echo(
            f"{'monitor':10}{monitor.name}: {monitor.windows} windows to {short_time(monitor.last_window)}; {verdicts}"
        )
    if found.failed_jobs:
        say('hint: "evergreen jobs" says why jobs failed')


@click.command()
@click.option("--open", "is_open", is_flag=True, help="Only those waiting or running.")
@click.option("--limit", default=20, show_default=True, help="So many of the newest.")
@placed
@as_json
def jobs(place: Place, is_open: bool, limit: int, is_json: bool) -> None:
    """List jobs, newest first: what waits, what runs, how it ended."""
    with open_project(place) as client:
        found = client.send(ListJobs(is_open=is_open, limit=limit))
    if is_json:
        print_json(found)
        return
    if not found:
        say("there are no jobs" + (" waiting or running" if is_open else " yet"))
    print_table(
        ["job", "lane", "state", "as of", "attempts", "result"],
        [[one.id[:12], one.lane, one.state, short_time(one.at), one.attempts, _result(one)] for one in found],
    )


def _clock(found: ProjectStatus, ago: timedelta | None) -> str:
    now = "follows the machine's" if found.now is None else f"at {short_time(found.now)}"
    if ago is None:
        return f'{now}; nobody has ticked yet: run "evergreen server", or "evergreen tick"'
    if ago > TICKING_WITHIN:
        return f'{now}; nobody ticks since {short_time(found.last_tick)}: run "evergreen server", or "evergreen tick"'
    return f"{now}; last tick {max(0, round(ago.total_seconds()))} s ago"


def _result(one: JobView) -> str:
    result = one.result or {}
    if "error" in result:
        return str(result["error"]).splitlines()[0][:100]
    if "version" in result:
        moved = [alias for alias, outcome in result.get("aliases", {}).items() if outcome["moved"]]
        return f"v{result['version']}, " + (f"now {', '.join(moved)}" if moved else "not promoted")
    return ", ".join(f"{name} {value}" for name, value in result.items())[:100]
