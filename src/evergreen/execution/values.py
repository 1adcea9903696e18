"""Step results as objects: tables as Arrow IPC, models as their flavour's files, the rest as JSON.

The digest of a table is that of its IPC bytes, so an equal table made another way gives the same key downstream.
"""

from __future__ import annotations

import io
from typing import Any

import msgspec
import numpy as np
import polars as pl

from evergreen.core.canonical import canonical
from evergreen.core.digest import Digest, Get, Put
from evergreen.core.errors import Invalid
from evergreen.versions.flavours import flavour_of
from evergreen.versions.models import Model

__all__ = [
    "StoredModel",
    "StoredPlain",
    "StoredTable",
    "StoredValue",
    "digest_of_value",
    "load_table",
    "load_value",
    "store_table",
    "store_value",
]


LARGEST_PLAIN_BYTES = 1 << 20


class StoredTable(msgspec.Struct, frozen=True, kw_only=True, tag="table"):
    """A table's object."""

    digest: Digest
    rows: int


class StoredModel(msgspec.Struct, frozen=True, kw_only=True, tag="model"):
    """A trained model's files, and the rows it was fitted on."""

    flavour: str
    files: dict[str, Digest]
    rows: StoredTable
    inputs: list[str]
    target: str
    nullable: list[str]


class StoredPlain(msgspec.Struct, frozen=True, kw_only=True, tag="plain"):
    """A number, text, list or dict of such, kept as it is."""

    value: Any  # a JSON value


StoredValue = StoredTable | StoredModel | StoredPlain


def store_value(put: Put, value: Any) -> StoredValue:  # whatever a step returned
    """Keep a step's result and say where it is.

    Raises:
        Invalid: it is neither a table, a model nor a JSON value.
    """
    if isinstance(value, pl.DataFrame):
        return store_table(put, value)
    if isinstance(value, Model):
        name, flavour = flavour_of(value.estimator)
        return StoredModel(
            flavour=name,
            files={file: put(data) for file, data in flavour.pack(value.estimator).items()},
            rows=store_table(put, value.rows),
            inputs=value.inputs,
            target=value.target,
            nullable=value.nullable,
        )
    plain = value.item() if isinstance(value, np.generic) else value
    try:
        size = len(canonical(plain))
    except (TypeError, NotImplementedError) as error:
        raise Invalid(
            f"a step returned a {type(value).__qualname__}, which cannot be kept",
            hint="return a polars table, an eg.Model, or numbers, texts, lists and dicts of them",
        ) from error
    if size > LARGEST_PLAIN_BYTES:
        raise Invalid(
            f"a step returned {size:,} bytes of JSON, at most {LARGEST_PLAIN_BYTES:,} fit", hint="return a table"
        )
    return StoredPlain(value=msgspec.to_builtins(plain))


def load_table(get: Get, stored: StoredTable) -> pl.DataFrame:
    """Return the table."""
    return pl.read_ipc(io.BytesIO(get(stored.digest)))


def load_value(get: Get, stored: StoredTable | StoredPlain) -> Any:  # a table or a JSON value
    """Return a stored table or plain value."""
    if isinstance(stored, StoredTable):
        return load_table(get, stored)
    return stored.value


def digest_of_value(stored: StoredValue) -> object:
    """Return what stands for the value in a step's key."""
    return msgspec.to_builtins(stored)


def store_table(put: Put, table: pl.DataFrame) -> StoredTable:
    """Keep a table and say where it is."""
    buffer = io.BytesIO()
    table.rechunk().write_ipc(buffer, compression="uncompressed")
    return StoredTable(digest=put(buffer.getvalue()), rows=table.height)
