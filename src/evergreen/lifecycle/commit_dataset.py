"""``commit_dataset``: rows whose bytes are stored become the next version of a dataset.

Bytes, checks and manifest were made before, outside the transaction (``work/commit_rows``).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.core.digest import Digest
from evergreen.core.errors import Conflict
from evergreen.core.message import Command, Permission
from evergreen.core.reference import checked_name
from evergreen.journal.transaction import Transaction
from evergreen.traffic.outcomes import Outcome, record
from evergreen.versions.version import Kind, Source, newest, register

__all__ = ["CommitDataset", "CommittedDataset", "commit_dataset"]


class CommitDataset(Command, frozen=True, kw_only=True):
    """Register ``manifest`` as the version after ``after`` (None for the first).

    ``outcomes`` maps endpoints to the outcomes that these rows tell of their predictions.
    """

    permission: ClassVar = Permission.CONTRIBUTE
    name: str
    manifest: Digest
    after: int | None
    usable: bool
    failed_checks: list[str] = []
    outcomes: dict[str, list[Outcome]] = {}


class CommittedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """The version's number, and whether its checks let it be used."""

    number: int
    usable: bool


def commit_dataset(tx: Transaction, command: CommitDataset) -> CommittedDataset:
    """Register the version; one whose checks failed is kept, but not used."""
    checked_name(command.name, "dataset")
    before = newest(tx.connection, tx.project, Kind.DATASET, command.name, usable_only=True)
    found = None if before is None else before.number
    if found != command.after:
        raise Conflict(
            f'dataset "{command.name}" is at version {found}, expected {command.after}: somebody committed meanwhile',
            hint="commit again: the rows are then added to the newer version",
        )
    sources = [] if before is None else [Source(node=before.node, role="extends")]
    made = register(tx, Kind.DATASET, command.name, command.manifest, usable=command.usable, sources=sources)
    if not command.usable:
        tx.emit("dataset.failed_checks", name=command.name, number=made.number, checks=command.failed_checks)
    else:
        for endpoint, outcomes in command.outcomes.items():
            record(tx, endpoint, outcomes)
    return CommittedDataset(number=made.number, usable=command.usable)
