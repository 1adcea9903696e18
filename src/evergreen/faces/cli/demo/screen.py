"""Where the demo is told: a bar and lines above it in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click

__all__ = ["Screen", "open_screen"]


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
        """Print a line that stays."""
        click.echo(line)

    def progress(self, done: int, total: int, text: str) -> None:
        """Print how far it is when a month begins."""
        month = text[:7]
        if month != self._last:
            self._last = month
            click.echo(f"[{100 * done // total:3d} %] {text}", err=True)


@contextmanager
def open_screen() -> Iterator[Screen]:
    """Give the screen that fits where stdout goes."""
    if not sys.stdout.isatty():
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
                """Print a line above the bar."""
                console.print(line, markup=False)

            def progress(self, done: int, total: int, text: str) -> None:
                """Move the bar."""
                bar.update(task, completed=done, total=total, description=text)

        yield _RichScreen()
