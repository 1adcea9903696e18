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
    _forget(folder)
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


def _forget(folder: Path) -> None:
    """Forget earlier imports of what the folder has a source for: they may be of an older text, or of another project.

    The step cache and the version's lineage name the code as it lies there now, so that is what must run.
    """
    own = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    own -= {"__init__", "__main__", "evergreen", *sys.stdlib_module_names}
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]
    importlib.invalidate_caches()
