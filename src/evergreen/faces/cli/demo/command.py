"""``evergreen demo``: the whole loop on a real year of flights, from the first model to the verified journal."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Protocol

import click

from evergreen.core.declaration_file import FILE
from evergreen.core.errors import NotFound

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
    with _screen() as screen:
        tell(folder.resolve(), until, screen)
    click.echo(f"\n{time.monotonic() - began:.0f} seconds in all", err=True)


class Screen(Protocol):
    """Where the story is told: lines that stay, and a bar."""

    def say(self, line: str) -> None:
        """Print a line that stays."""
        ...

    def progress(self, done: int, total: int, text: str) -> None:
        """Show how far it is."""
        ...


class _PlainScreen:
    """For pipes and logs: one line a month instead of a bar."""

    def __init__(self) -> None:
        self._last = ""

    def say(self, line: str) -> None:
        click.echo(line)

    def progress(self, done: int, total: int, text: str) -> None:
        month = text[:7]
        if month != self._last:
            self._last = month
            click.echo(f"[{100 * done // total:3d} %] {text}", err=True)


@contextmanager
def _screen() -> Iterator[Screen]:
    if not click.get_text_stream("stdout").isatty():
        yield _PlainScreen()
        return
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    columns = (BarColumn(bar_width=24), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        class _RichScreen:
            def say(self, line: str) -> None:
                console.print(line, markup=False)

            def progress(self, done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total, description=text)

        yield _RichScreen()


def _copy_example(folder: Path) -> None:
    """Copy the example project into ``folder``; files that are there already stay as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    source = _example()
    for name in FILES:
        if not (folder / name).exists():
            shutil.copyfile(source / name, folder / name)


def _example() -> Path:
    packaged = Path(str(resources.files("evergreen"))) / "examples" / "flights"
    in_checkout = Path(__file__).parents[5] / "examples" / "flights"
    for place in (packaged, in_checkout):
        if (place / FILE).exists():
            return place
    raise NotFound(f"the example project is not at {packaged}", hint="install evergreen-ml again")
