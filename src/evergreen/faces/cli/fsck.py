"""``evergreen fsck``: everything that is named is there, is whole, and is what the journal says."""

from __future__ import annotations

import click
import msgspec
from sqlalchemy import select

from evergreen.core.errors import Corrupt
from evergreen.db.integrity import database_faults
from evergreen.db.schema import project as project_table
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import Progress, print_json, working
from evergreen.faces.cli.place import home_of
from evergreen.jobs.check_objects import check_objects
from evergreen.lifecycle.home import Home
from evergreen.views.fold import differences

__all__ = ["fsck"]


class _Found(msgspec.Struct, kw_only=True):
    """What was looked at, and every fault."""

    projects: list[str]
    objects: int = 0
    size_bytes: int = 0
    events: int = 0
    faults: list[str] = []


@click.command()
@placed
@as_json
def fsck(place: Place, is_json: bool) -> None:
    """Check the whole home: database, journal, tables against events, and the bytes of every object."""
    home = Home.open(home_of(place))
    try:
        with working("reading") as show:
            found = _check(home, show)
    finally:
        home.close()
    if is_json:
        print_json(found)
    else:
        size = f"{found.size_bytes / 2**20:,.1f} MiB"
        click.echo(f"{', '.join(found.projects)}: {found.events} events, {found.objects} objects of {size}")
        for fault in found.faults:
            click.echo(f"fault: {fault}")
    if found.faults:
        raise Corrupt(f"{len(found.faults)} faults in {home.root}", hint="restore what is named above from a backup")
    if not is_json:
        click.echo("sound: all bytes are whole, all that is named is there, and the tables are what the events say")


def _check(home: Home, show: Progress) -> _Found:
    with home.database.read() as connection:
        show("the database", 0)
        faults = database_faults(connection)
        show("the journal", 0)
        journal = home.journal.verify(connection)
        names = list(connection.execute(select(project_table.c.name).order_by(project_table.c.name)).scalars())
        found = _Found(projects=names, events=journal.events, faults=[*faults, *journal.faults])
        for name in names:
            show(f"tables of {name}", 0)
            try:
                found.faults += [f"{name}: {line}" for line in differences(connection, name)]
            except (msgspec.DecodeError, KeyError) as error:  # an altered event: what it was, nobody can tell
                found.faults.append(f"{name}: the events cannot be held against the tables: {error}")
    for name in names:

        def show_objects(done: int, total: int, name: str = name) -> None:
            show(f"objects of {name}: {done:,} of {total:,}", done)

        checked = check_objects(home, name, show=show_objects)
        found.objects += checked.count
        found.size_bytes += checked.size_bytes
        found.faults += [f"{name}: {line}" for line in checked.faults]
    return found
