"""The prediction log: raw requests and answers on the request path, sealed off it into Parquet objects.

Requests that were sent again are in the log twice; reading keeps the first answer of each id.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from evergreen.core.clock import isoformat
from evergreen.core.digest import Digest, Get
from evergreen.db.schema import log_mark, prediction_batch
from evergreen.journal.transaction import Transaction
from evergreen.traffic.segment import is_abandoned, read_records, segments
from evergreen.versions.datasets import parquet_bytes

__all__ = [
    "ANSWER",
    "AT",
    "ID",
    "VERSION",
    "Batch",
    "Logged",
    "Sealed",
    "batch_bytes",
    "batches",
    "inputs_of",
    "remove_sealed",
    "seal",
    "take_unsealed",
    "window",
]

ID, AT, VERSION, ANSWER = "prediction_id", "at", "version", "answer"
"""Columns of a batch beside the inputs, which are named ``input.NAME``."""
_PREFIX = "input."


class Logged(msgspec.Struct, frozen=True, array_like=True):
    """One request as logged: the version that answered; per row its id, business time, inputs (JSON text), answer."""

    version: int
    ids: list[str]
    times: list[str]
    rows: bytes
    answers: list[float]


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """How far a segment has been sealed."""

    segment: str
    start: int
    end: int


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed stretch of the log: an object of rows, and the stretches of segments that it holds."""

    digest: Digest
    rows: int
    first_at: str
    last_at: str
    segments: list[Sealed]


def take_unsealed(
    connection: Connection, project: str, endpoint: str, folder: Path
) -> tuple[pl.DataFrame | None, list[Sealed]]:
    """Read what the log holds beyond the marks; the rows as a table, and the stretches they came from."""
    marks = _marks(connection, project, endpoint)
    records: list[Logged] = []
    stretches: list[Sealed] = []
    decoder = msgspec.msgpack.Decoder(Logged)
    for path in segments(folder):
        start = end = marks.get(path.stem, 0)
        try:
            for payload, position in read_records(path, start):
                records.append(decoder.decode(payload))
                end = position
        except FileNotFoundError:  # another sealer was here first
            continue
        if end > start:
            stretches.append(Sealed(segment=path.stem, start=start, end=end))
    return (_table(records) if records else None), stretches


def batch_bytes(table: pl.DataFrame) -> tuple[bytes, str, str]:
    """Return the Parquet bytes of a batch with its first and last business time."""
    first, last = table[AT].min(), table[AT].max()
    times = [isoformat(value) for value in (first, last) if isinstance(value, datetime)]
    return parquet_bytes(table), times[0], times[-1]


def seal(tx: Transaction, endpoint: str, batch: Batch) -> bool:
    """Write that ``batch`` holds those stretches. Return False if another sealer was first; then nothing changes."""
    for stretch in batch.segments:
        found = tx.connection.execute(
            select(log_mark.c.sealed_bytes).where(
                log_mark.c.project == tx.project, log_mark.c.endpoint == endpoint, log_mark.c.segment == stretch.segment
            )
        ).scalar()
        if (found or 0) != stretch.start:
            return False
    for stretch in batch.segments:
        mark = insert(log_mark).values(
            project=tx.project, endpoint=endpoint, segment=stretch.segment, sealed_bytes=stretch.end
        )
        tx.connection.execute(
            mark.on_conflict_do_update(
                index_elements=["project", "endpoint", "segment"], set_={"sealed_bytes": stretch.end}
            )
        )
    highest = tx.connection.execute(
        select(func.max(prediction_batch.c.number)).where(
            prediction_batch.c.project == tx.project, prediction_batch.c.endpoint == endpoint
        )
    ).scalar()
    tx.connection.execute(
        insert(prediction_batch)
        .values(
            project=tx.project,
            endpoint=endpoint,
            digest=batch.digest,
            number=(highest or 0) + 1,
            rows=batch.rows,
            first_at=batch.first_at,
            last_at=batch.last_at,
        )
        .on_conflict_do_nothing()
    )
    tx.emit("predictions.sealed", endpoint=endpoint, digest=batch.digest, rows=batch.rows)
    return True


def remove_sealed(connection: Connection, project: str, endpoint: str, folder: Path) -> None:
    """Remove segments that are sealed to their end and whose writer is gone."""
    marks = _marks(connection, project, endpoint)
    for path in segments(folder):
        try:
            # In this order: what a writer appended before it went must count in the size.
            if is_abandoned(path) and marks.get(path.stem) == path.stat().st_size:
                path.unlink()
        except FileNotFoundError:  # another sealer was here first
            continue


def _marks(connection: Connection, project: str, endpoint: str) -> dict[str, int]:
    query = select(log_mark.c.segment, log_mark.c.sealed_bytes).where(
        log_mark.c.project == project, log_mark.c.endpoint == endpoint
    )
    return {row.segment: row.sealed_bytes for row in connection.execute(query)}


def batches(connection: Connection, project: str, endpoint: str, start: str, end: str) -> list[Digest]:
    """Return the batches that may hold predictions with start <= at < end, in the order they were sealed."""
    found = connection.execute(
        select(prediction_batch.c.digest)
        .where(
            prediction_batch.c.project == project,
            prediction_batch.c.endpoint == endpoint,
            prediction_batch.c.first_at < end,
            prediction_batch.c.last_at >= start,
        )
        .order_by(prediction_batch.c.number)
    ).scalars()
    return [Digest(digest) for digest in found]


def window(get: Get, digests: Sequence[Digest], start: str, end: str) -> pl.DataFrame:
    """Return the predictions of those batches with start <= at < end, each id once, inputs as ``input.NAME``."""
    if not digests:
        return pl.DataFrame(schema=_FIXED)
    table = pl.concat([pl.read_parquet(io.BytesIO(get(digest))) for digest in digests], how="diagonal_relaxed")
    inside = (pl.col(AT) >= datetime.fromisoformat(start)) & (pl.col(AT) < datetime.fromisoformat(end))
    return table.filter(inside).unique(subset=ID, keep="first", maintain_order=True)


def inputs_of(table: pl.DataFrame) -> pl.DataFrame:
    """Return the inputs of a table of predictions, under their own names."""
    names = [name for name in table.columns if name.startswith(_PREFIX)]
    return table.select(pl.col(name).alias(name.removeprefix(_PREFIX)) for name in names)


_FIXED: dict[str, Any] = {  # polars dtypes
    ID: pl.String(),
    AT: pl.Datetime("us", "UTC"),
    VERSION: pl.Int64(),
    ANSWER: pl.Float64(),
}


def _table(records: list[Logged]) -> pl.DataFrame:
    """Return the rows of many requests as one table."""
    parts = []
    for record in records:
        rows = msgspec.json.decode(record.rows, type=list[dict[str, Any]])  # JSON values
        inputs = pl.DataFrame(
            [{f"{_PREFIX}{name}": value for name, value in row.items()} for row in rows], infer_schema_length=None
        )
        fixed = pl.DataFrame(
            {
                ID: record.ids,
                AT: [datetime.fromisoformat(time) for time in record.times],
                VERSION: [record.version] * len(record.ids),
                ANSWER: record.answers,
            },
            schema=_FIXED,
        )
        parts.append(pl.concat([fixed, inputs], how="horizontal"))
    return pl.concat(parts, how="diagonal_relaxed")
