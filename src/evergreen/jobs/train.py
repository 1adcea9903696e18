"""Training: run a pipeline and register what it made as the next model version, with contract and lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from evergreen.core.canonical import canonical
from evergreen.core.client import Client
from evergreen.core.clock import duration, isoformat
from evergreen.core.declaration import Declaration
from evergreen.core.digest import Digest
from evergreen.core.errors import Invalid, nearest
from evergreen.core.ids import derived_id
from evergreen.execution.loading import load_pipeline
from evergreen.execution.values import StoredModel, StoredTable, load_table, store_table
from evergreen.jobs.resolve import Resolved, resolve, rows_of
from evergreen.jobs.run_pipeline import Execution, tracked_run
from evergreen.lifecycle.register_model import RegisterModel
from evergreen.lifecycle.start_run import StartRun
from evergreen.monitoring.reference import encode_reference
from evergreen.pipelines.graph import DatasetNode, Graph
from evergreen.runs.run import MetricPoint
from evergreen.versions.code import manifest_bytes, snapshot
from evergreen.versions.contract import Output, contract_of
from evergreen.versions.environment import capture
from evergreen.versions.flavours import Predict, open_flavour
from evergreen.versions.models import Golden, ModelManifest

__all__ = ["Trained", "train"]

GOLDEN_ROWS = 5
DEFAULT_WINDOW = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The version that a training made, and the run that made it."""

    name: str
    number: int
    run_id: str
    rows: int
    archived: tuple[int, ...]


def train(
    client: Client,
    name: str,
    declaration: Declaration,
    folder: Path,
    *,
    at: str,
    base: str,
    params: Mapping[str, Any],  # JSON values
    sources: tuple[tuple[str, str], ...] = (),
) -> Trained:
    """Run the declared pipeline of the model ``name`` on the code in ``folder`` and register the result.

    Args:
        client: the way to the project.
        name: the model.
        declaration: what is applied.
        folder: the project's code.
        at: business time; datasets are read as of then.
        base: id from which the ids of the run and its commands are derived.
        params: parameters of the pipeline.
        sources: further lineage of the version.
    """
    section = declaration.models[name]
    code, contents = snapshot(folder)
    for data in contents.values():
        client.put(data)
    environment = capture()
    graph = load_pipeline(folder, section.pipeline).graph(**params)
    resolved = {id(node): resolve(client, node, at) for node in graph.datasets}
    run_id = derived_id(base, "run")
    used = [(f"dataset:{item.input.dataset}@v{item.input.version}", "input") for item in resolved.values()]
    start = StartRun(run_id=run_id, name=f"train {name}", params=dict(graph.params), used=used)
    with tracked_run(client, start) as metrics:
        execution = Execution(
            client=client, graph=graph, inputs=resolved, run_id=run_id, code=code.tree, lock=environment.lock
        )
        model = execution.result(graph.result)
        if not isinstance(model, StoredModel):
            raise Invalid(
                f'pipeline "{graph.name}" does not make a model: "{graph.result.step.name}" returned something else',
                hint="end it with a step that returns eg.Model(estimator, ...)",
            )
        held_out = _held_out(execution)
        made = _Package(
            client=client,
            name=name,
            declaration=declaration,
            graph=graph,
            model=model,
            resolved=tuple(resolved.values()),
        )
        manifest = made.manifest(
            run_id=run_id,
            held_out=held_out,
            code=client.put(manifest_bytes(code)),
            environment=client.put(canonical(environment)),
        )
        metrics.append(MetricPoint(name="rows", value=float(manifest.rows)))
        done = client.send(
            RegisterModel(
                name=name,
                manifest=client.put(canonical(manifest)),
                run_id=run_id,
                sources=[*used, *sources],
                code=manifest.code,
                environment=manifest.environment,
            )
        )
    return Trained(name=name, number=done.number, run_id=run_id, rows=manifest.rows, archived=tuple(done.archived))


def _held_out(execution: Execution) -> StoredTable | None:
    """Make the table that the last step would have been given for the rows kept from training."""
    rows_node = execution.graph.model_rows
    if rows_node is None or all(item.input.held_out is None for item in execution.inputs.values()):
        return None
    if isinstance(rows_node, DatasetNode):
        resolved = execution.inputs[id(rows_node)]
        if resolved.input.held_out is None:
            return None
        return store_table(execution.client.put, rows_of(execution.client, resolved, held_out=True))
    later = Execution(
        client=execution.client,
        graph=execution.graph,
        inputs=execution.inputs,
        run_id=execution.run_id,
        code=execution.code,
        lock=execution.lock,
        held_out=True,
    )
    table = later.result(rows_node)
    if not isinstance(table, StoredTable):
        raise Invalid(f'step "{rows_node.step.name}" returned no table, so there is nothing to score the model on')
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    """Puts together what is known of a trained model."""

    client: Client
    name: str
    declaration: Declaration
    graph: Graph
    model: StoredModel
    resolved: tuple[Resolved, ...]

    def manifest(
        self, *, run_id: str, held_out: StoredTable | None, code: Digest, environment: Digest
    ) -> ModelManifest:
        """Return the manifest; the golden answers come from the packed files, so they prove the packing too."""
        rows = load_table(self.client.get, self.model.rows)
        section = self.declaration.models[self.name]
        time = self._time_column(rows)
        inputs = rows.select(self.model.inputs)
        files = {file: self.client.get(digest) for file, digest in self.model.files.items()}
        predict = open_flavour(self.model.flavour).load(files, section.task)
        output = Output(name="probability", minimum=0.0, maximum=1.0)
        return ModelManifest(
            name=self.name,
            task=section.task,
            target=self.model.target,
            flavour=self.model.flavour,
            files=self.model.files,
            contract=contract_of(inputs, output=output, nullable=self.model.nullable),
            golden=_golden(inputs, predict),
            pipeline=section.pipeline,
            params=dict(self.graph.params),
            run_id=run_id,
            code=code,
            environment=environment,
            inputs=[item.input for item in self.resolved],
            rows=rows.height,
            trained_until=self._trained_until(rows, time),
            time=time,
            held_out=None if held_out is None else held_out.digest,
            reference=None if time is None else self._reference(rows, time),
        )

    def _time_column(self, rows: pl.DataFrame) -> str | None:
        """Return the time column of the dataset with the holdout; the rows must still have it."""
        for item in self.resolved:
            if item.node.holdout is not None and item.manifest.time is not None:
                if item.manifest.time not in rows.columns:
                    raise Invalid(
                        f'the model\'s rows have no "{item.manifest.time}", the time column of "{item.node.name}"',
                        hint="keep it in the table, without naming it among the inputs; "
                        + (nearest(item.manifest.time, rows.columns) or ""),
                    )
                return item.manifest.time
        return None

    def _trained_until(self, rows: pl.DataFrame, time: str | None) -> str | int | None:
        if time is not None:
            latest = rows[time].max()
            return isoformat(latest) if isinstance(latest, datetime) else None
        return next((item.input.span.end for item in self.resolved if item.input.held_out is not None), None)

    def _reference(self, rows: pl.DataFrame, time: str) -> Digest:
        windows = [
            duration(monitor.window)
            for monitor in self.declaration.monitors.values()
            if self.declaration.endpoints[monitor.endpoint].model.partition("@")[0] == self.name
        ]
        window = windows[0] if windows else DEFAULT_WINDOW
        return self.client.put(encode_reference(rows, self.model.inputs, time, window))


def _golden(inputs: pl.DataFrame, predict: Predict) -> Golden:
    """Take a few training rows as requests, evenly spread, with the answers of the packed model."""
    places = np.unique(np.linspace(0, inputs.height - 1, GOLDEN_ROWS).astype(int))
    chosen = inputs[places.tolist()]
    rows = [{name: _plain(value) for name, value in row.items()} for row in chosen.iter_rows(named=True)]
    return Golden(rows=rows, answers=predict(chosen).tolist())


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not np.isfinite(value) else msgspec.to_builtins(value)
