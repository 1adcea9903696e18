"""``evergreen migrate``: bring the database to this release's schema, after a backup."""

from __future__ import annotations

import click

from evergreen.core.clock import SystemClock
from evergreen.db.migrate import migrate as migrate_database
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import print_json, say
from evergreen.faces.cli.place import home_of
from evergreen.lifecycle.home import DATABASE

__all__ = ["migrate"]


@click.command()
@placed
@as_json
def migrate(place: Place, is_json: bool) -> None:
    """Bring the database to this release's schema. A copy is made beside it first; without need nothing is done."""
    done = migrate_database(
        home_of(place) / DATABASE, now=SystemClock().now(), show=lambda step: None if is_json else say(f"{step} ...")
    )
    if is_json:
        print_json({"before": done.before, "after": done.after, "steps": done.steps, "backup": str(done.backup or "")})
    elif not done.steps:
        click.echo(f"the database is current, at revision {done.after}")
    else:
        click.echo(f"the database went from {done.before or 'nothing'} to revision {done.after}; backup: {done.backup}")
