"""What a flavour must do, and the table of flavours. Nothing here imports a model library."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from evergreen.core.errors import Invalid, nearest

__all__ = ["FLAVOURS", "Flavour", "Predict", "flavour_of", "open_flavour"]

Predict = Callable[[pl.DataFrame], npt.NDArray[np.float64]]
"""Takes a table of the contract's inputs (n rows), returns n numbers: for a binary task the probability of class 1."""


class Flavour(Protocol):
    """One library's models, as files and back.

    ``pack`` and ``load`` are each other's inverse: the loaded model answers as the packed one did. ``load`` runs no
    code that the files bring along.
    """

    def owns(self, estimator: object) -> bool:
        """Say whether ``estimator`` is of this library."""
        ...

    def pack(self, estimator: object) -> dict[str, bytes]:
        """Return the model as named files."""
        ...

    def load(self, files: dict[str, bytes], task: str) -> Predict:
        """Return the model as a function."""
        ...

    def predictor(self, estimator: object, task: str) -> Predict:
        """Return a model that is in memory already as a function."""
        ...


FLAVOURS = {"sklearn": "evergreen.versions.flavours.sklearn"}
"""Name to module; each module has an instance ``flavour``."""


def open_flavour(name: str) -> Flavour:
    """Import and return the flavour of that name.

    Raises:
        Invalid: no such flavour, or its library is not installed.
    """
    if name not in FLAVOURS:
        raise Invalid(f'no flavour "{name}"', hint=nearest(name, FLAVOURS))
    try:
        module = importlib.import_module(FLAVOURS[name])
    except ImportError as error:
        raise Invalid(
            f'the flavour "{name}" needs a library that is not installed: {error.name}',
            hint=f"pip install 'evergreen-ml[{name}]'",
        ) from error
    return cast("Flavour", module.flavour)


def flavour_of(estimator: Any) -> tuple[str, Flavour]:  # any library's model
    """Return the flavour that can pack ``estimator``.

    Raises:
        Invalid: none can.
    """
    for name in FLAVOURS:
        flavour = open_flavour(name)
        if flavour.owns(estimator):
            return name, flavour
    raise Invalid(
        f"no flavour packs a {type(estimator).__module__}.{type(estimator).__qualname__}",
        hint=f"this version packs models of: {', '.join(FLAVOURS)}",
    )
