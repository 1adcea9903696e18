"""``evergreen init``: the smallest project for the user's own table: ``evergreen.toml`` and ``pipeline.py``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from evergreen.core.declaration_file import FILE
from evergreen.core.errors import Conflict, Unavailable
from evergreen.core.reference import checked_name
from evergreen.faces.cli.files import read_rows
from evergreen.faces.cli.output import next_commands, say
from evergreen.faces.cli.project_files import declaration_text, pipeline_text
from evergreen.faces.cli.reading import Reading, read_table

__all__ = ["init"]

PIPELINE = "pipeline.py"


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option(
    "--data", "file", required=True, type=click.Path(path_type=Path), help="Your table: CSV, Parquet, JSON lines."
)
@click.option("--target", required=True, metavar="COLUMN", help="What to predict: a column with two values.")
@click.option("--time", metavar="COLUMN", help="When a row was so; splits by time, drift and monitors need it.")
@click.option("--key", metavar="COLUMN", help="What identifies a row: a row with the same key replaces the older one.")
@click.option("--name", metavar="NAME", help="The project's and the dataset's name; by default the file's.")
def init(folder: Path, file: Path, target: str, time: str | None, key: str | None, name: str | None) -> None:
    """Make the smallest project for your own table in DIR (here by default): evergreen.toml and pipeline.py.

    Nothing is guessed silently, and no file is ever overwritten.
    """
    chosen = checked_name(name, "project") if name else _named_after(file.stem, "data")
    for existing in (folder / FILE, folder / PIPELINE):
        if existing.exists():
            raise Conflict(
                f"{existing} exists already, and init overwrites nothing", hint="name another DIR, or move it"
            )
    found = read_table(read_rows(file), target=target, time=time, key=key)
    model = _named_after(target, "model")
    _write(folder / FILE, declaration_text(found, name=chosen, model=model))
    _write(folder / PIPELINE, pipeline_text(found, dataset=chosen, file=file.name))
    click.echo(f"made {folder / FILE} and {folder / PIPELINE}")
    for line in found.said:
        say(f"  {line}")
    _tell_next(folder, file, found, chosen, model)


def _tell_next(folder: Path, file: Path, found: Reading, name: str, model: str) -> None:
    enter = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    path = file if not enter or file.is_absolute() else file.absolute()
    next_commands(
        *enter,
        "evergreen apply",
        f"evergreen data add {name} {path}",
        f"evergreen run {model}",
        f"evergreen promote {model} production",
        f"evergreen serve {model}",
    )
    if found.time is None:
        say("without a time column there is nothing to watch drift by, so no monitor is declared")


def _named_after(text: str, otherwise: str) -> str:
    """Return a name made of ``text``, as names of versions and TOML keys must be."""
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")[:64]
    return cleaned if re.match(r"[A-Za-z]", cleaned) else f"{otherwise}_{cleaned}".strip("_")[:64]


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Conflict(f"{path} exists already, and init overwrites nothing") from None
    except OSError as error:
        raise Unavailable(
            f"cannot write {path}: {error.strerror}", hint="check the permissions of that folder"
        ) from error
