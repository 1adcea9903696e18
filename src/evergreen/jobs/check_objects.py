"""Checking what a project keeps: every object's bytes are there and whole, and everything named is held."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.digest import Digest
from evergreen.core.errors import EvergreenError
from evergreen.db import schema as t
from evergreen.jobs.measure_gate import GateReport
from evergreen.lifecycle.home import Home
from evergreen.versions.code import CodeManifest
from evergreen.versions.datasets import DatasetManifest
from evergreen.versions.models import ModelManifest

__all__ = ["CheckedObjects", "check_objects"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedObjects:
    """How much was read, and what is wrong."""

    count: int
    size_bytes: int
    faults: tuple[str, ...]


def check_objects(
    home: Home, project: str, *, show: Callable[[int, int], None] = lambda _done, _total: None
) -> CheckedObjects:
    """Read every object that ``project`` holds, and look for every digest that its rows and manifests name.

    ``show`` is told how many objects of how many are read.
    """
    with home.database.read() as connection:
        held = dict(
            connection.execute(
                select(t.object_held.c.digest, t.object_held.c.size_bytes).where(t.object_held.c.project == project)
            )
            .tuples()
            .all()
        )
        named = list(_named_by_rows(connection, project))
    inside = {digest: (who, kind) for digest, who, kind in named if kind is not None}
    faults = [f"{who} names object {digest[:12]}, which is not held" for digest, who, _ in named if digest not in held]
    size_bytes = 0
    for done, (digest, size) in enumerate(held.items()):
        show(done, len(held))
        try:
            data = home.objects.get(Digest(digest))
        except EvergreenError as error:
            faults.append(error.message)
            continue
        size_bytes += len(data)
        if len(data) != size:
            faults.append(f"object {digest[:12]} has {len(data)} bytes, its row says {size}")
        if digest in inside:
            who, kind = inside[digest]
            try:
                missing = [found for found in _named_in(data, kind) if found not in held]
            except msgspec.MsgspecError as error:
                faults.append(f"object {digest[:12]} is not what {who} takes it for: {error}")
            else:
                faults += [f"{who} is made of object {found[:12]}, which is not held" for found in missing]
    return CheckedObjects(count=len(held), size_bytes=size_bytes, faults=tuple(faults))


_Document = type[DatasetManifest] | type[CodeManifest] | type[ModelManifest] | type[GateReport]
_MANIFESTS: dict[str, _Document] = {"dataset": DatasetManifest, "code": CodeManifest, "model": ModelManifest}


def _named_by_rows(connection: Connection, project: str) -> Iterator[tuple[str, str, _Document | None]]:
    """Yield each digest in a row, the row's name, and what kind of document it is, if it names further objects."""
    for row in connection.execute(select(t.version).where(t.version.c.project == project)):
        yield row.manifest, f"{row.kind} {row.name}@v{row.number}", _MANIFESTS.get(row.kind)
    for row in connection.execute(select(t.evidence).where(t.evidence.c.project == project)):
        yield row.report, f"evidence {row.id[:12]} on {row.name}@v{row.candidate}", GateReport
    for row in connection.execute(select(t.prediction_batch).where(t.prediction_batch.c.project == project)):
        yield row.digest, f"prediction batch {row.number} of endpoint {row.endpoint}", None
    for row in connection.execute(select(t.monitor_window).where(t.monitor_window.c.project == project)):
        for digest in (row.profile, row.scores):
            if digest is not None:
                yield digest, f"window {row.start[:16]} of monitor {row.monitor}", None
    for row in connection.execute(select(t.step_result).where(t.step_result.c.project == project)):
        for digest in _DIGEST.findall(row.output):
            yield digest, f"the step result of run {row.run_id[:12]}", None


def _named_in(data: bytes, kind: _Document) -> list[str]:
    """Return the digests in a document."""
    match msgspec.json.decode(data, type=kind):
        case DatasetManifest() as dataset:
            return [fragment.digest for fragment in dataset.fragments]
        case CodeManifest() as code:
            return list(code.files.values())
        case ModelManifest() as model:
            others = [model.code, model.environment, model.held_out, model.reference]
            inputs = [one.digest for one in model.inputs]
            return [*model.files.values(), *inputs, *(digest for digest in others if digest is not None)]
        case GateReport() as report:
            return list(report.windows)
    return []
