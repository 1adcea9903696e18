"""Pipelines as static graphs.

A step called outside a pipeline is the plain function. Called while a pipeline is traced it becomes a node, so that
the graph is known, and checked, before anything runs.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar

from evergreen.core.clock import duration
from evergreen.core.errors import Invalid, nearest
from evergreen.core.reference import checked_name

__all__ = ["DatasetNode", "Graph", "Node", "Pipeline", "Step", "StepNode", "dataset", "pipeline", "share", "step"]

P = ParamSpec("P")
R = TypeVar("R")

_SHARE = re.compile(r"(\d{1,2})\s*%")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DatasetNode:
    """Rows of a dataset: the newest ``last``, of which the newest ``holdout`` are kept from training."""

    name: str
    last: str | None = None
    holdout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepNode:
    """A call of a step, with nodes or plain values as arguments."""

    step: Step[..., Any]
    arguments: Mapping[str, Any]  # nodes and JSON values

    @property
    def inputs(self) -> dict[str, Node]:
        """The arguments that are nodes."""
        return {name: value for name, value in self.arguments.items() if isinstance(value, (DatasetNode, StepNode))}


Node = DatasetNode | StepNode

_tracing: ContextVar[bool] = ContextVar("evergreen_tracing", default=False)


class Step(Generic[P, R]):
    """A function that pipelines are made of."""

    def __init__(self, function: Callable[P, R]) -> None:
        self.function = function
        self.signature = inspect.signature(function)
        functools.update_wrapper(self, function)

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.function.__name__)

    @property
    def place(self) -> str:
        """Where the function is defined: two modules may each have a step of the same name."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function; while a pipeline is traced, return a node instead."""
        if not _tracing.get():
            return self.function(*args, **kwargs)
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise Invalid(f'step "{self.name}": {error}', hint=f"its parameters are {self.signature}") from error
        bound.apply_defaults()
        node = StepNode(step=self, arguments=dict(bound.arguments))
        return node  # type: ignore[return-value]  # while tracing, a node stands for the value


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The steps of a pipeline, each after those that it needs; the last one makes the result."""

    name: str
    result: StepNode
    params: Mapping[str, Any] = field(default_factory=dict)  # JSON values

    @property
    def order(self) -> list[StepNode]:
        """The steps in an order in which they can run."""
        seen: dict[int, StepNode] = {}

        def visit(node: Node) -> None:
            if isinstance(node, StepNode) and id(node) not in seen:
                for needed in node.inputs.values():
                    visit(needed)
                seen[id(node)] = node

        visit(self.result)
        return list(seen.values())

    @property
    def datasets(self) -> list[DatasetNode]:
        """The dataset inputs of all steps, each once."""
        found: dict[int, DatasetNode] = {}
        for node in self.order:
            for needed in node.inputs.values():
                if isinstance(needed, DatasetNode):
                    found[id(needed)] = needed
        return list(found.values())

    @property
    def model_rows(self) -> Node | None:
        """The table that the last step is fitted on: its first input."""
        return next(iter(self.result.inputs.values()), None)


class Pipeline(Generic[P, R]):
    """A function that calls steps. ``graph`` traces it; nothing runs by that."""

    def __init__(self, function: Callable[P, R]) -> None:
        self.function = function
        self.signature = inspect.signature(function)
        functools.update_wrapper(self, function)

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.function.__name__)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function as it stands, only to be traced: steps run when Evergreen runs the graph."""
        if _tracing.get():
            return self.function(*args, **kwargs)
        raise Invalid(
            f'pipeline "{self.name}" is not called but run', hint="run it with: evergreen run MODEL [-p NAME=VALUE]"
        )

    def graph(self, **given: Any) -> Graph:
        """Trace the pipeline with parameters; those not given take their defaults.

        Raises:
            Invalid: a parameter is unknown, missing, or of another type than its default, or no step made the result.
        """
        params = self._params(given)
        token = _tracing.set(True)
        try:
            result = self.function(**params)  # type: ignore[call-arg]  # checked against the signature just above
        finally:
            _tracing.reset(token)
        if not isinstance(result, StepNode):
            raise Invalid(
                f'pipeline "{self.name}" returns {type(result).__name__}, expected what a step returned',
                hint="end it with: return fit(...)",
            )
        return Graph(name=self.name, result=result, params=params)

    def _params(self, given: Mapping[str, Any]) -> dict[str, Any]:  # JSON values
        known = self.signature.parameters
        for name in given:
            if name not in known:
                raise Invalid(f'pipeline "{self.name}" has no parameter "{name}"', hint=nearest(name, known))
        params = {}
        for name, parameter in known.items():
            default = parameter.default
            if name in given:
                params[name] = _fitting(self.name, name, given[name], default)
            elif default is inspect.Parameter.empty:
                raise Invalid(f'pipeline "{self.name}" needs the parameter "{name}"', hint=f"add -p {name}=VALUE")
            else:
                params[name] = default
        return params


def step(function: Callable[P, R]) -> Step[P, R]:
    """Make a function a step.

    Its table arguments and results are polars tables. Results are stored by their digest; a step that was run with
    the same code, environment and inputs is not run again.
    """
    return Step(function)


def pipeline(function: Callable[P, R]) -> Pipeline[P, R]:
    """Make a function that calls steps a pipeline. It must return what its last step returns."""
    return Pipeline(function)


def dataset(name: str, *, last: str | None = None, holdout: str | None = None) -> Any:
    """Name rows of a dataset as a step's input; only inside a pipeline.

    Args:
        name: the dataset.
        last: a duration such as ``"90d"``, counted back from the business time of the run; all rows without it.
        holdout: a duration, or a share such as ``"20%"``: the newest rows, kept from training. The gate scores the
            new model and the champion on them.

    Raises:
        Invalid: called outside a pipeline, or a duration or share is malformed.
    """
    if not _tracing.get():
        raise Invalid(
            f'eg.dataset("{name}") stands for rows inside a pipeline; there are none to give here',
            hint="to look at data now: evergreen data show NAME",
        )
    checked_name(name, "dataset")
    if last is not None:
        duration(last)
    if holdout is not None and share(holdout) is None:
        duration(holdout)
    return DatasetNode(name=name, last=last, holdout=holdout)


def share(text: str) -> float | None:
    """Return 0.2 for ``"20%"``, None for what is no share.

    >>> share("20%")
    0.2
    """
    match = _SHARE.fullmatch(text.strip())
    return None if match is None or int(match[1]) == 0 else int(match[1]) / 100


def _fitting(pipeline_name: str, name: str, value: Any, default: Any) -> Any:  # JSON values
    if default is inspect.Parameter.empty or default is None or isinstance(value, type(default)):
        return value
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = f"{type(default).__name__} like {default!r}"
    raise Invalid(f'parameter "{name}" of pipeline "{pipeline_name}" is {value!r}, expected {expected}')
