"""Running a pipeline's graph: each step tracked as a child run, and not run again when its key has a result."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from evergreen.core.client import Client
from evergreen.core.clock import isoformat
from evergreen.core.digest import Digest
from evergreen.core.errors import EvergreenError, Invalid
from evergreen.core.ids import derived_id
from evergreen.execution.inline import run_inline
from evergreen.execution.values import StoredModel, StoredValue, digest_of_value, load_value, store_value
from evergreen.jobs.resolve import Resolved, rows_of
from evergreen.lifecycle.finish_run import FinishRun
from evergreen.lifecycle.record_step import RecordStep
from evergreen.lifecycle.start_run import StartRun
from evergreen.pipelines.graph import DatasetNode, Graph, Node, StepNode
from evergreen.pipelines.key import step_key
from evergreen.runs.run import MetricPoint
from evergreen.versions.models import Model
from evergreen.views.runs import FindCachedStep

__all__ = ["Execution", "StepFailed", "tracked_run"]


class StepFailed(Invalid):
    """A step raised; the traceback is the user's own."""


@dataclass(slots=True, kw_only=True)
class Execution:
    """One run of a graph. ``held_out`` gives inputs with a holdout the rows that are kept from training."""

    client: Client
    graph: Graph
    inputs: Mapping[int, Resolved]
    run_id: str
    code: Digest
    lock: list[str]
    held_out: bool = False
    stored: dict[int, StoredValue] = field(default_factory=dict)
    _values: dict[int, Any] = field(default_factory=dict)  # whatever steps returned

    def result(self, node: StepNode) -> StoredValue:
        """Run what ``node`` needs and ``node`` itself, each at most once, and return its stored result."""
        for needed in node.inputs.values():
            if isinstance(needed, StepNode) and id(needed) not in self.stored:
                self.result(needed)
        if id(node) not in self.stored:
            self.stored[id(node)] = self._step(node)
        return self.stored[id(node)]

    def _step(self, node: StepNode) -> StoredValue:
        arguments = {
            name: self._identity(value) if isinstance(value, (DatasetNode, StepNode)) else value
            for name, value in node.arguments.items()
        }
        key = step_key(node.step.place, code=self.code, lock=self.lock, arguments=arguments)
        found = self.client.send(FindCachedStep(cache_key=key)).output
        record = self._recorder(node, key)
        if found is not None:
            self.client.send(record(state="cached"))
            cached: StoredValue = msgspec.json.decode(found, type=StoredValue)
            return cached
        try:
            ran = run_inline(node.step, {name: self._value(value) for name, value in node.arguments.items()})
            stored = store_value(self.client.put, ran.value)
        except Exception as error:  # a step is the user's code: it can raise anything
            self.client.send(record(state="failed", error=_text(error)))
            if isinstance(error, EvergreenError):
                raise
            raise StepFailed(
                f'step "{node.step.name}" failed: {type(error).__name__}: {error}\n{_own_frames(error)}',
                hint=f"evergreen show {self.run_id[:12]}",
            ) from error
        self._values[id(node)] = ran.value
        self.client.send(
            record(
                state="succeeded",
                cpu_seconds=ran.cpu_seconds,
                metrics=[MetricPoint(name=metric, step=at, value=value) for metric, at, value in ran.metrics],
                output=msgspec.json.encode(stored).decode(),
            )
        )
        return stored

    def _recorder(self, node: StepNode, key: Digest) -> Callable[..., RecordStep]:
        """Return what makes the record of the step's run, once it is known how it ended."""
        phase = "held out" if self.held_out else "train"
        return functools.partial(
            RecordStep,
            run_id=derived_id(self.run_id, phase, node.step.name, str(len(self.stored))),
            parent=self.run_id,
            name=f"{node.step.name} ({phase})" if self.held_out else node.step.name,
            params={name: value for name, value in node.arguments.items() if name not in node.inputs},
            started_at=isoformat(datetime.now(UTC)),
            cache_key=key,
        )

    def _identity(self, node: Node) -> object:
        """Return what stands for a node in the key of a step that takes it."""
        if isinstance(node, StepNode):
            return digest_of_value(self.stored[id(node)])
        resolved = self.inputs[id(node)]
        held_out = self.held_out and resolved.input.held_out is not None
        span = resolved.input.held_out if held_out else resolved.input.span
        return {"dataset": resolved.input.digest, "span": msgspec.to_builtins(span)}

    def _value(self, value: Any) -> Any:  # a node, or a JSON value
        if isinstance(value, DatasetNode):
            return rows_of(self.client, self.inputs[id(value)], held_out=self.held_out)
        if not isinstance(value, StepNode):
            return value
        if id(value) not in self._values:
            stored = self.stored[id(value)]
            if isinstance(stored, StoredModel):
                raise Invalid(
                    f'step "{value.step.name}" makes a model; steps after it cannot take models in this version'
                )
            self._values[id(value)] = load_value(self.client.get, stored)
        result = self._values[id(value)]
        if isinstance(result, Model):
            raise Invalid(f'step "{value.step.name}" makes a model; steps after it cannot take models in this version')
        return result


@contextmanager
def tracked_run(client: Client, command: StartRun) -> Iterator[list[MetricPoint]]:
    """Start a run and finish it as succeeded, or as failed when the body raises; metrics put into the list are kept."""
    client.send(command)
    metrics: list[MetricPoint] = []
    try:
        yield metrics
    except BaseException as error:
        client.send(FinishRun(run_id=command.run_id, state="failed", metrics=metrics, error=_text(error)))
        raise
    client.send(FinishRun(run_id=command.run_id, state="succeeded", metrics=metrics))


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


_OURS = Path(__file__).parents[1]


def _own_frames(error: BaseException) -> str:
    """Return the frames of the user's code only: ours and the libraries' do not help to mend it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    shown = [frame for frame in frames if not Path(frame.filename).is_relative_to(_OURS)][-4:]
    return "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}" for frame in shown)
