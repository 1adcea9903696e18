"""``roll_back``: give an alias back to its previous holder at once, and hold it against rules."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.core.message import Command, Permission
from evergreen.deployment.endpoints import follow
from evergreen.journal.transaction import Transaction
from evergreen.versions.aliases import restore_previous

__all__ = ["RollBack", "RolledBack", "roll_back"]


class RollBack(Command, frozen=True, kw_only=True):
    """Undo the last move of ``name@alias``; once more goes one holder further back."""

    permission: ClassVar = Permission.RELEASE
    name: str
    alias: str
    reason: str = "asked for"


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """Which version holds the alias now, which did before, and where it is released."""

    version: int
    replaced: int
    endpoints: list[str]


def roll_back(tx: Transaction, command: RollBack) -> RolledBack:
    """Move the alias down its stack; no gate is asked, since the version served before."""
    before, after = restore_previous(tx, command.name, command.alias, reason=f"roll-back: {command.reason}")
    return RolledBack(version=after.version, replaced=before.version, endpoints=follow(tx, after))
