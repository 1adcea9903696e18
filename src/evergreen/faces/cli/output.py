"""How commands print: JSON for programs, tables and short times for people, talk on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
import msgspec

__all__ = ["Progress", "next_commands", "print_json", "print_table", "say", "short_time", "working"]


class Progress(Protocol):
    """Says how far it is: what is under way, and how many of all are done."""

    def __call__(self, text: str, done: int, /) -> None:
        """Show it."""
        ...


def print_json(value: Any) -> None:  # a Struct, a list of them, or JSON values
    """Print ``value`` on stdout as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def say(text: str) -> None:
    """Print talk, on stderr."""
    click.echo(text, err=True)


def next_commands(*lines: str) -> None:
    """Name the commands that come next, on stderr."""
    say("next:")
    for line in lines:
        say(f"  {line}")


def short_time(text: str | None) -> str:
    """Return a stored moment as people read it: the day, with hour and minute unless they are zero.

    >>> short_time("2013-03-01T00:00:00.000000Z")
    '2013-03-01'
    >>> short_time("2013-03-01T07:45:10.000000Z")
    '2013-03-01 07:45'
    """
    if text is None:
        return "-"
    return text[:10] if text[11:16] == "00:00" else f"{text[:10]} {text[11:16]}"


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below their headings: aligned text, on a terminal with headings in bold."""
    if sys.stdout.isatty():
        _print_rich(headings, rows)
        return
    texts = [list(headings), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(headings))]
    for row in texts:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def working(text: str, total: int | None = None) -> Iterator[Progress]:
    """Show on a terminal that something is under way; gives a function (text, done) that says how far."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich import progress  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal

    columns: list[progress.ProgressColumn] = [progress.SpinnerColumn()]
    if total is not None:
        columns.append(progress.BarColumn(bar_width=24))
    columns += [progress.TextColumn("{task.description}", markup=False), progress.TimeElapsedColumn()]
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=total)
        yield lambda said, done: bar.update(task, description=said, completed=done)


def _silent(_text: str, _done: int, /) -> None:
    """Show nothing."""


def _print_rich(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich import box  # noqa: PLC0415 - only where there is a terminal
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    Console(highlight=False).print(table)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
