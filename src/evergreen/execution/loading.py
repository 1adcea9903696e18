"""Importing a project's own code from its folder: only where its user, or a job of its project, asked for that."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from evergreen.core.errors import Invalid, nearest
from evergreen.pipelines.graph import Pipeline

__all__ = ["load_pipeline"]


def load_pipeline(folder: Path, name: str) -> Pipeline[..., object]:
    """Import ``module:function`` from ``folder``.

    Raises:
        Invalid: the module cannot be imported, or holds no such pipeline.
    """
    module_name, _, function = name.partition(":")
    # First on the path, as when the user starts a script there.
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise Invalid(
            f'cannot import "{module_name}" from {folder}: {type(error).__name__}: {error}',
            hint=f"try: python -c 'import {module_name}'",
        ) from error
    found = getattr(module, function, None)
    if isinstance(found, Pipeline):
        return found
    pipelines = [key for key, value in vars(module).items() if isinstance(value, Pipeline)]
    if found is None:
        raise Invalid(f'module "{module_name}" has no "{function}"', hint=nearest(function, pipelines))
    raise Invalid(f'"{name}" is no pipeline', hint="put @eg.pipeline above the function")
