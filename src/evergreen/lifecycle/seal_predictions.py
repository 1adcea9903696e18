"""``seal_predictions``: a stretch of the prediction log has become an object."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.core.message import Command, Permission
from evergreen.journal.transaction import Transaction
from evergreen.traffic.predictions import Batch, seal
from evergreen.versions.held import require_held

__all__ = ["SealPredictions", "SealedPredictions", "seal_predictions"]


class SealPredictions(Command, frozen=True, kw_only=True):
    """Note ``batch`` and how far its segments are sealed by it."""

    permission: ClassVar = Permission.WORK
    endpoint: str
    batch: Batch


class SealedPredictions(msgspec.Struct, frozen=True, kw_only=True):
    """False when another sealer was first; then nothing changed."""

    sealed: bool


def seal_predictions(tx: Transaction, command: SealPredictions) -> SealedPredictions:
    """Write batch and marks by compare-and-set on the marks."""
    require_held(tx.connection, tx.project, command.batch.digest)
    return SealedPredictions(sealed=seal(tx, command.endpoint, command.batch))
