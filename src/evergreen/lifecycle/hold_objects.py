"""``hold_objects``: note that the project holds bytes that were just stored for it. Never sent by a client as such."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.core.digest import Digest
from evergreen.core.message import Command, Permission
from evergreen.journal.transaction import Transaction
from evergreen.versions.held import hold

__all__ = ["HeldObjects", "HoldObjects", "hold_objects"]


class HoldObjects(Command, frozen=True, kw_only=True):
    """Note the objects by digest with their sizes in bytes."""

    permission: ClassVar = Permission.CONTRIBUTE
    sizes: dict[str, int]


class HeldObjects(msgspec.Struct, frozen=True, kw_only=True):
    """How many were noted."""

    count: int


def hold_objects(tx: Transaction, command: HoldObjects) -> HeldObjects:
    """Write a row for each object. Whoever sends this has made their bytes durable."""
    for digest, size_bytes in command.sizes.items():
        hold(tx, Digest(digest), size_bytes)
    return HeldObjects(count=len(command.sizes))
