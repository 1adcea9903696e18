"""Resolving dataset inputs: ``last="90d"`` becomes (version, from, to), once, when the run is created."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
import polars as pl

from evergreen.core.client import Client
from evergreen.core.clock import duration, isoformat, moment
from evergreen.core.errors import Invalid, NotFound
from evergreen.pipelines.graph import DatasetNode, share
from evergreen.versions.datasets import DatasetManifest, Span, read
from evergreen.versions.models import ResolvedInput
from evergreen.views.versions import FindVersion, NewestVersion

__all__ = ["Resolved", "resolve", "rows_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A dataset input with its manifest, ready to be read."""

    node: DatasetNode
    manifest: DatasetManifest
    input: ResolvedInput


def resolve(client: Client, node: DatasetNode, at: str) -> Resolved:
    """Resolve ``node`` at the business time ``at``: never a row later than that.

    Raises:
        NotFound: the dataset has no usable version, or no rows in the span.
        Invalid: the span needs a time column that the dataset does not have.
    """
    found = client.send(NewestVersion(kind="dataset", name=node.name))
    if not found.number:
        client.send(FindVersion(kind="dataset", reference=node.name))  # raises with near matches if there is none
        raise NotFound(
            f'dataset "{node.name}" has no usable version: its checks failed', hint=f"evergreen data log {node.name}"
        )
    manifest = msgspec.json.decode(client.get(found.manifest), type=DatasetManifest)
    span, held_out = _spans(client, node, manifest, at)
    return Resolved(
        node=node,
        manifest=manifest,
        input=ResolvedInput(
            dataset=node.name, version=found.number, digest=found.manifest, span=span, held_out=held_out
        ),
    )


def rows_of(client: Client, resolved: Resolved, *, held_out: bool) -> pl.DataFrame:
    """Return the rows to train on, or the ones kept from training; inputs without a holdout give the same for both."""
    span = resolved.input.held_out if held_out and resolved.input.held_out is not None else resolved.input.span
    table = read(client.get, resolved.manifest, span)
    if not table.height:
        newest = f"; its newest row is of {resolved.manifest.last}" if resolved.manifest.last else ""
        which = (
            "in the holdout" if held_out else f"in its last {resolved.node.last}" if resolved.node.last else "at all"
        )
        raise NotFound(
            f'dataset "{resolved.node.name}" has no rows {which}, from {span.start} to {span.end}{newest}',
            hint='commit newer rows, widen the span, or set the clock: "evergreen tick --now MOMENT"',
        )
    return table


def _spans(client: Client, node: DatasetNode, manifest: DatasetManifest, at: str) -> tuple[Span, Span | None]:
    if manifest.time is None:
        if node.last is not None:
            raise Invalid(
                f'dataset "{node.name}" has no time column, so last="{node.last}" means nothing for it',
                hint=f'declare it in evergreen.toml: [datasets.{node.name}] time = "COLUMN"',
            )
        return _spans_by_row(client, node, manifest)
    now = moment(at)
    start = None if node.last is None else isoformat(now - duration(node.last))
    if node.holdout is None:
        return Span(start=start, end=at), None
    held_share = share(node.holdout)
    if held_share is None:
        cut = isoformat(now - duration(node.holdout))
    else:
        times = read(client.get, manifest, Span(start=start, end=at))[manifest.time].sort()
        if times.len() < 2:
            raise NotFound(
                f'dataset "{node.name}" has {times.len()} rows up to {at}, too few to hold {node.holdout} out'
            )
        first_held: datetime = times[int(times.len() * (1 - held_share))]
        cut = isoformat(first_held)
    return Span(start=start, end=cut), Span(start=cut, end=at)


def _spans_by_row(client: Client, node: DatasetNode, manifest: DatasetManifest) -> tuple[Span, Span | None]:
    rows = read(client.get, manifest).height  # rows that were replaced do not count
    if node.holdout is None:
        return Span(start=0, end=rows), None
    held_share = share(node.holdout)
    if held_share is None:
        raise Invalid(
            f'dataset "{node.name}" has no time column, so holdout="{node.holdout}" means nothing for it',
            hint='write a share such as holdout="20%", or declare its time column',
        )
    cut = int(rows * (1 - held_share))
    return Span(start=0, end=cut), Span(start=cut, end=rows)
