"""Running a step in this process: the plain call, with its CPU time and the metrics it logs."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from evergreen.core.errors import Invalid
from evergreen.pipelines.graph import Step

__all__ = ["Ran", "log", "run_inline"]

_log = logging.getLogger("evergreen.run")


@dataclass(slots=True, kw_only=True)
class Ran:
    """What a step gave. ``metrics`` are (name, step, value) in the order logged."""

    value: Any  # whatever the step returned
    cpu_seconds: float
    metrics: list[tuple[str, int, float]] = field(default_factory=list)


_logged: ContextVar[list[tuple[str, int, float]] | None] = ContextVar("evergreen_logged", default=None)


def run_inline(step: Step[..., Any], arguments: Mapping[str, Any]) -> Ran:
    """Call the step's function and return what it gave. Its exceptions pass through."""
    metrics: list[tuple[str, int, float]] = []
    token = _logged.set(metrics)
    began = time.process_time()
    try:
        value = step.function(**arguments)
    finally:
        _logged.reset(token)
    return Ran(value=value, cpu_seconds=time.process_time() - began, metrics=metrics)


def log(step: int = 0, **metrics: float) -> None:
    """Log metrics of the step that runs now, for example ``eg.log(loss=0.31, step=1)``.

    A value that is not finite is told in the log and left out: tracking never ends a training.

    Raises:
        Invalid: no step is running, or a value is no number.
    """
    logged = _logged.get()
    if logged is None:
        raise Invalid(
            "eg.log has nothing to log to: no step is running", hint="call it inside a function with @eg.step"
        )
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Invalid(f'metric "{name}" is {value!r}, expected a number')
        if not math.isfinite(value):
            _log.warning("metric %s is %s at step %s, which is not kept: training goes on", name, value, step)
            continue
        logged.append((name, step, float(value)))
