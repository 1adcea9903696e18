"""A model version: a package of files, contract and lineage, described by one manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from evergreen.core.digest import Digest, Get
from evergreen.core.errors import Corrupt, Invalid, nearest
from evergreen.versions.contract import Contract
from evergreen.versions.datasets import Span

__all__ = ["Golden", "Model", "ModelManifest", "ResolvedInput", "read_model"]

RESERVED = ("id", "at")
"""What a row of a request says beside its inputs: under which id its outcome will come, and what time it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a step returns for a trained model.

    Args:
        estimator: the fitted model, of a flavour that Evergreen knows (scikit-learn in this version).
        rows: the table it was fitted on, with the dataset's time column still in it.
        inputs: the columns that it takes, in this order.
        target: the column that it predicts.
        nullable: inputs that may be null although the training rows had no null there.
    """

    estimator: Any  # whatever a flavour packs
    rows: pl.DataFrame
    inputs: list[str]
    target: str
    nullable: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in [*self.inputs, self.target, *self.nullable]:
            if name not in self.rows.columns:
                raise Invalid(f'the model\'s rows have no column "{name}"', hint=nearest(name, self.rows.columns))
        for name in RESERVED:
            if name in self.inputs:
                raise Invalid(
                    f'an input cannot be called "{name}"', hint=f"each row of a request has its own {name}; rename"
                )
        if self.target in self.inputs:
            raise Invalid(f'the target "{self.target}" is also an input', hint="leave it out of inputs")
        if not self.rows.height:
            raise Invalid("the model was fitted on no rows", hint="widen the window, or commit data first")


class ResolvedInput(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset input as resolved when the run was created. ``held_out`` rows were kept from training."""

    dataset: str
    version: int
    digest: Digest
    span: Span
    held_out: Span | None = None


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """A few requests and the answers they must get wherever the model is loaded."""

    rows: list[dict[str, Any]]  # JSON values
    answers: list[float]


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of a model version; all bytes by digest."""

    name: str
    task: str
    target: str
    flavour: str
    files: dict[str, Digest]
    contract: Contract
    golden: Golden
    pipeline: str
    params: dict[str, Any]  # JSON values
    run_id: str
    code: Digest
    environment: Digest
    inputs: list[ResolvedInput]
    rows: int
    trained_until: str | int | None
    """No training row is later: a time, or a row number where the dataset has no time column."""
    time: str | None
    """The column of ``held_out`` that dates its rows."""
    held_out: Digest | None
    """The rows kept from training (Arrow IPC), with target and time: what gates score on."""
    reference: Digest | None
    """The profile of the training rows, window by window: what drift is measured against."""


def read_model(get: Get, digest: Digest) -> ModelManifest:
    """Return the manifest that ``digest`` names."""
    try:
        return msgspec.json.decode(get(digest), type=ModelManifest)
    except msgspec.DecodeError as error:
        raise Corrupt(f"object {digest[:12]} is no model manifest: {error}") from error
