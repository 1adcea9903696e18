"""Options that many commands share. Nothing heavy is imported here, so that asking for help stays cheap."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
import msgspec

from evergreen.core.errors import Invalid

__all__ = ["Place", "as_json", "parameters", "placed", "read_parameters"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which home and project a command was told to work on; None means: find it."""

    home: Path | None = None
    project: str | None = None


def placed(function: Callable[Concatenate[Place, P], R]) -> Callable[P, R]:
    """Add ``--home`` and ``--project`` and give the function the place that they name, as its first argument."""

    @click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="EVERGREEN_HOME",
        metavar="DIR",
        help="Evergreen's folder; by default the .evergreen/ found from here upwards (or EVERGREEN_HOME).",
    )
    @click.option("--project", metavar="NAME", help="The project; by default the one in evergreen.toml.")
    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> R:
        home, project = kwargs.pop("home", None), kwargs.pop("project", None)
        place = Place(
            home=home if isinstance(home, Path) else None, project=project if isinstance(project, str) else None
        )
        return function(place, *args, **kwargs)

    return command


as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON for programs.")
parameters = click.option(
    "-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the pipeline; may be given several times."
)


def read_parameters(given: Sequence[str]) -> dict[str, Any]:  # JSON values
    """Read ``NAME=VALUE`` pairs; what is no JSON value is taken as text.

    >>> read_parameters(["window=90d", "learning_rate=0.2"])
    {'window': '90d', 'learning_rate': 0.2}
    """
    params: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Invalid(f'"{text}" is no parameter', hint="write it as -p NAME=VALUE")
        if name in params:
            raise Invalid(f'parameter "{name}" is given twice')
        try:
            params[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            params[name] = value
    return params
