"""``create_project``: give a project its place in the home."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import select

from evergreen.core.message import Command, Permission
from evergreen.core.reference import checked_name
from evergreen.db.schema import project
from evergreen.journal.transaction import Transaction

__all__ = ["CreateProject", "ProjectResult", "create_project"]


class CreateProject(Command, frozen=True, kw_only=True):
    """Make the project that the message is sent to, unless it exists."""

    permission: ClassVar = Permission.MAINTAIN


class ProjectResult(msgspec.Struct, frozen=True, kw_only=True):
    """The project's name, and whether it is new."""

    name: str
    created: bool


def create_project(tx: Transaction, command: CreateProject) -> ProjectResult:  # noqa: ARG001 - all it says is in tx
    """Write the project's row."""
    checked_name(tx.project, "project")
    if tx.connection.execute(select(project.c.name).where(project.c.name == tx.project)).first() is not None:
        return ProjectResult(name=tx.project, created=False)
    tx.connection.execute(project.insert().values(name=tx.project, now=None, created_at=tx.recorded_at))
    tx.emit("project.created", name=tx.project)
    return ProjectResult(name=tx.project, created=True)
