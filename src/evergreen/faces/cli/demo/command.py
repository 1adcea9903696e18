"""``evergreen demo``: the whole loop on a real year of flights, from the first model to the verified journal."""

from __future__ import annotations

import os
import shutil
import time
from datetime import datetime
from importlib import resources
from pathlib import Path

import click

from evergreen.core.declaration_file import FILE
from evergreen.core.errors import NotFound, Unavailable
from evergreen.faces.cli.demo.screen import open_screen

__all__ = ["demo"]

FILES = (FILE, "pipeline.py")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("evergreen-demo"))
@click.option("--until", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="Stop at this day of 2013.")
def demo(folder: Path, until: datetime | None) -> None:
    """Replay a year of real flights through a real endpoint, and watch a model be kept fresh.

    Ten months of departures from New York go to the endpoint over HTTP, hour by hour; outcomes come back when flights
    land. All state lies in FOLDER. The same command again goes on where it was, whatever was killed.
    """
    # One thread for each process: small batches lose more to OpenMP's hand-over than they gain. Set before numpy loads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from evergreen.faces.cli.demo.story import tell  # noqa: PLC0415 - only after OMP_NUM_THREADS is set

    began = time.monotonic()
    _copy_example(folder)
    with open_screen() as screen:
        tell(folder.resolve(), until, screen)
    click.echo(f"\n{time.monotonic() - began:.0f} seconds in all", err=True)


def _copy_example(folder: Path) -> None:
    """Copy the example project into ``folder``; files that are there already stay as they are."""
    source = _example()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if not (folder / name).exists():
                shutil.copyfile(source / name, folder / name)
    except OSError as error:
        raise Unavailable(
            f"cannot lay the demo's project into {folder}: {error.strerror}",
            hint="name a folder that you can write to: evergreen demo FOLDER",
        ) from error


def _example() -> Path:
    packaged = Path(str(resources.files("evergreen"))) / "examples" / "flights"
    in_checkout = Path(__file__).parents[5] / "examples" / "flights"
    for place in (packaged, in_checkout):
        if (place / FILE).exists():
            return place
    raise NotFound(f"the example project is not at {packaged}", hint="install evergreen-ml again")
