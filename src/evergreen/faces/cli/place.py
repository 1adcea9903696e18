"""Finding the home and the project that a command works on, and opening them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from evergreen.core.declaration import Declaration
from evergreen.core.declaration_file import FILE, read_declaration
from evergreen.core.errors import Invalid, NotFound
from evergreen.db.schema import project as project_table
from evergreen.faces.cli.options import Place
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.lifecycle.apply import expression_faults
from evergreen.lifecycle.home import Home, find_home

__all__ = ["declaration_of", "folder_of", "home_of", "open_project", "project_of"]


def home_of(place: Place) -> Path:
    """Return the home's folder, whether it is there yet or not."""
    return (place.home or find_home(Path.cwd())).absolute()


def folder_of(place: Place) -> Path:
    """Return the project's folder: the one with an ``evergreen.toml`` from here upwards, or the one beside the home.

    Raises:
        NotFound: there is none.
    """
    found = _folder(place)
    if found is None:
        raise NotFound(
            f"there is no {FILE} in {Path.cwd()} or above it", hint='make a project here: "evergreen init --data FILE"'
        )
    return found


def declaration_of(place: Place) -> Declaration:
    """Read the project's ``evergreen.toml``; all its faults come at once, those of gates and checks too."""
    declared = read_declaration(folder_of(place) / FILE, further=expression_faults)
    if place.project is not None and place.project != declared.project.name:
        raise Invalid(
            f'{FILE} is about project "{declared.project.name}", not "{place.project}"', hint="leave --project out"
        )
    return declared


def project_of(place: Place) -> str:
    """Return the project's name: as given, as ``evergreen.toml`` says, or the only one of the home."""
    if place.project is not None:
        return place.project
    folder = _folder(place)
    if folder is None:
        return _only_project(home_of(place))
    try:
        name = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))["project"]["name"]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        name = None
    # A file with faults elsewhere still says which project it is about, and looking at that must go on.
    return name if isinstance(name, str) else read_declaration(folder / FILE).project.name


@contextmanager
def open_project(place: Place, *, create: bool = False) -> Iterator[LocalClient]:
    """Give a client of the project, and close its home afterwards.

    Raises:
        NotFound: there is no home, or nothing was applied to it yet.
    """
    client = open_local(home_of(place), project_of(place), create=create)
    try:
        yield client
    finally:
        client.home.close()


def _folder(place: Place) -> Path | None:
    beside = [] if place.home is None else [place.home.absolute().parent]
    return next((folder for folder in (*beside, Path.cwd(), *Path.cwd().parents) if (folder / FILE).exists()), None)


def _only_project(root: Path) -> str:
    home = Home.open(root)
    try:
        with home.database.read() as connection:
            names = connection.execute(select(project_table.c.name).order_by(project_table.c.name)).scalars().all()
    finally:
        home.close()
    if len(names) != 1:
        raise Invalid(
            f"the home {root} holds {len(names)} projects" + (f": {', '.join(names)}" if names else ""),
            hint="name one with --project" if names else 'run "evergreen apply" in a project\'s folder',
        )
    return str(names[0])
