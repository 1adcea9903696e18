"""``evergreen tick``: one turn of the loop from cron or CI, without a server."""

from __future__ import annotations

import click

from evergreen.core.clock import isoformat, moment
from evergreen.core.errors import EvergreenError
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import print_json, say, short_time, working
from evergreen.faces.cli.place import open_project
from evergreen.faces.cli.timeline import timeline_lines
from evergreen.faces.worker.loop import drain
from evergreen.lifecycle.tick import Tick
from evergreen.views.jobs import ListJobs
from evergreen.views.status import ShowStatus
from evergreen.views.timeline import DECISIONS, ShowTimeline

__all__ = ["tick"]

ENDED = ("succeeded", "failed")
MOST_JOBS = 10_000


@click.command()
@click.option("--now", metavar="MOMENT", help="Business time such as 2013-03-01T00:00:00Z; by default the machine's.")
@placed
@as_json
def tick(place: Place, now: str | None, is_json: bool) -> None:
    """Move the project's clock, judge the windows that this closes, and do every job that waits, here and now."""
    given = None if now is None else moment(now)
    with open_project(place) as client:
        at = isoformat(given or client.home.clock.now())
        events = client.send(ShowStatus()).events
        open_before = {job.id for job in client.send(ListJobs(is_open=True, limit=MOST_JOBS))}
        newest = max((job.id for job in client.send(ListJobs(limit=1))), default="")
        ticked = client.send(Tick(now=at))
        with working("looking for jobs") as show:
            drain(client, on_job=lambda kind: show(kind, 0))
        done = [
            job
            for job in client.send(ListJobs(limit=MOST_JOBS))
            if job.state in ENDED and (job.id in open_before or job.id > newest)
        ]
        decided = client.send(ShowTimeline(kinds=list(DECISIONS), after=events - 1))
    if is_json:
        print_json({"now": ticked.now, "jobs": done, "decisions": decided})
    else:
        click.echo(f"the clock is at {short_time(ticked.now)}; {len(done)} jobs done")
        for line in timeline_lines(decided):
            click.echo(f"  {line}")
    failed = [job for job in done if job.state == "failed"]
    for job in failed:
        say(f"job {job.id[:12]} ({job.lane}) failed: {(job.result or {}).get('error')}")
    if failed:
        raise EvergreenError(f"{len(failed)} of {len(done)} jobs failed", hint='see "evergreen jobs"')
