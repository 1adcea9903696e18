"""``evergreen audit``: prove that the journal was not edited."""

from __future__ import annotations

import click

from evergreen.core.errors import Corrupt
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import print_json
from evergreen.faces.cli.place import home_of
from evergreen.lifecycle.home import Home

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """Prove that the journal was not edited."""


@audit.command()
@placed
@as_json
def verify(place: Place, is_json: bool) -> None:
    """Recompute the hash tree over all events of the home and compare it with the signed head."""
    home = Home.open(home_of(place))
    try:
        with home.database.read() as connection:
            found = home.journal.verify(connection)
    finally:
        home.close()
    if is_json:
        print_json(found)
    else:
        click.echo(f"{found.events} events, root {found.root}")
        for fault in found.faults:
            click.echo(f"fault: {fault}")
    if not found.is_sound:
        raise Corrupt(
            f"the journal is not as it was written: {len(found.faults)} faults",
            hint="restore a backup of the home",
        )
    if not is_json:
        click.echo("sound: every event is as it was written, in its order, under the signed head")
