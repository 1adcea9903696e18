"""Evergreen keeps machine-learning models fresh: it notices, retrains, proves better, releases and rolls back.

Names are loaded when they are first used, so that importing Evergreen stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any  # noqa: TID251 - the one lazy seam: see __getattr__

from evergreen._version import __version__

if TYPE_CHECKING:  # for readers and type checkers; at run time __getattr__ below does the same lazily
    from polars import DataFrame as Table

    from evergreen.core.errors import EvergreenError
    from evergreen.execution.inline import log
    from evergreen.faces.python.connect import connect
    from evergreen.pipelines.graph import dataset, pipeline, step
    from evergreen.versions.models import Model

__all__ = [
    "EvergreenError",
    "Model",
    "Table",
    "__version__",
    "connect",
    "dataset",
    "log",
    "pipeline",
    "step",
]

_HOMES = {
    "EvergreenError": "evergreen.core.errors",
    "Model": "evergreen.versions.models",
    "connect": "evergreen.faces.python.connect",
    "dataset": "evergreen.pipelines.graph",
    "log": "evergreen.execution.inline",
    "pipeline": "evergreen.pipelines.graph",
    "step": "evergreen.pipelines.graph",
}


def __getattr__(name: str) -> Any:  # any of the names above
    if name == "Table":
        return importlib.import_module("polars").DataFrame
    if name not in _HOMES:
        raise AttributeError(f"module 'evergreen' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
