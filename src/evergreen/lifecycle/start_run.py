"""``start_run``: a pipeline, or one of its steps, begins."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from evergreen.core.message import Command, Permission
from evergreen.journal.transaction import Transaction
from evergreen.runs.run import start

__all__ = ["StartRun", "StartedRun", "start_run"]


class StartRun(Command, frozen=True, kw_only=True):
    """Begin the run ``run_id``; ``used`` are lineage nodes with the roles they are used in."""

    permission: ClassVar = Permission.CONTRIBUTE
    run_id: str
    name: str
    parent: str | None = None
    params: dict[str, Any] = {}  # JSON values
    used: list[tuple[str, str]] = []


class StartedRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run's id."""

    run_id: str


def start_run(tx: Transaction, command: StartRun) -> StartedRun:
    """Write the run's row, its parameters and what it used."""
    start(tx, command.run_id, command.name, parent=command.parent, params=command.params, used=command.used)
    return StartedRun(run_id=command.run_id)
