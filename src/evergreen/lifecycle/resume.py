"""``resume``: let rules move an alias again that was held after a roll-back."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.core.message import Command, Permission
from evergreen.journal.transaction import Transaction
from evergreen.versions.aliases import set_held

__all__ = ["Resume", "Resumed", "resume"]


class Resume(Command, frozen=True, kw_only=True):
    """Take the hold off ``name@alias``."""

    permission: ClassVar = Permission.RELEASE
    name: str
    alias: str


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """The version that holds the alias."""

    version: int


def resume(tx: Transaction, command: Resume) -> Resumed:
    """Write that the alias is not held any more."""
    return Resumed(version=set_held(tx, command.name, command.alias, held=False).version)
