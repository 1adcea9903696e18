"""Running messages: a command in one short transaction, a query on its own connection.

    authorise -> stored result? -> fence -> verb: check, write rows, note events -> rules answer the events -> commit

The journal appends the events last, once for all commands that share the commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.canonical import canonical, canonical_digest
from evergreen.core.clock import isoformat
from evergreen.core.errors import Conflict, Invalid, NotFound, nearest
from evergreen.core.message import Command, Fence, Handler, Message
from evergreen.db.schema import command as command_table
from evergreen.db.schema import job as job_table
from evergreen.db.schema import project as project_table
from evergreen.governance.permissions import authorise
from evergreen.journal.log import NewEvent
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.home import Home
from evergreen.lifecycle.rules import answer_events

__all__ = ["Dispatch", "JobTakenOver"]


class JobTakenOver(Conflict):
    """The claim under which a command came is another worker's now, or the job has ended."""


LONGEST_QUERY_S = 30.0


class Dispatch:
    """Handles any message for one home. Safe for threads."""

    def __init__(self, home: Home, handlers: Iterable[Handler]) -> None:
        self.home = home
        self.handlers = {handler.name: handler for handler in handlers}

    def handler(self, name: str) -> Handler:
        """Return the handler of the message called ``name``.

        Raises:
            NotFound: there is no such message.
        """
        if name not in self.handlers:
            raise NotFound(f'there is no message "{name[:80]}"', hint=nearest(name, self.handlers))
        return self.handlers[name]

    def handle(self, project: str, actor: str, message: Message, fence: Fence | None = None) -> Any:  # the result type
        """Run ``message`` for ``project`` as ``actor`` and return its result.

        Raises:
            Denied: the actor may not.
            NotFound: there is no such project.
            Conflict: the command's id came before with another body, or the job was taken over.
            Invalid: a number in it fits no column.
        """
        handler = self.handler(type(message).__name__)
        authorise(actor, message.permission)
        try:
            return self._handle(handler, project, actor, message, fence)
        except OverflowError as error:
            raise Invalid(f"{handler.name}: a number is too large", hint="whole numbers have 64 bits") from error

    def _handle(
        self, handler: Handler, project: str, actor: str, message: Message, fence: Fence | None
    ) -> Any:  # the result type
        if not isinstance(message, Command):
            with self.home.database.read(at_most_s=LONGEST_QUERY_S) as connection:
                _require_project(connection, project)
                return handler.function(connection, project, message)
        if len(message.command_id) > 64 or not message.command_id.isalnum():
            raise Invalid("command_id must be 1 to 64 letters and digits", hint="leave it out, or use a UUID in hex")

        def work(connection: Connection) -> tuple[Any, list[NewEvent]]:
            return self._run(connection, handler, project, actor, message, fence)

        result, _ = self.home.database.write(work)
        return result

    def _run(
        self, connection: Connection, handler: Handler, project: str, actor: str, message: Command, fence: Fence | None
    ) -> tuple[Any, list[NewEvent]]:  # the result type
        body = canonical_digest([project, handler.name, message])
        stored = connection.execute(
            select(command_table).where(command_table.c.command_id == message.command_id)
        ).first()
        if stored is not None:
            if stored.body_digest != body:
                raise Conflict(
                    f"command {message.command_id} came before with another body",
                    hint="give each command an id of its own",
                )
            return msgspec.json.decode(stored.result, type=handler.result), []
        recorded_at = isoformat(self.home.clock.now())
        now = recorded_at
        if not isinstance(message, CreateProject):
            now = _require_project(connection, project) or recorded_at
        if fence is not None:
            _require_fence(connection, fence)
        tx = Transaction(connection=connection, project=project, actor=actor, at=now, recorded_at=recorded_at)
        result = handler.function(tx, message)
        answer_events(tx, message.command_id)
        connection.execute(
            command_table.insert().values(
                command_id=message.command_id,
                project=project,
                body_digest=body,
                result=canonical(result).decode(),
                recorded_at=recorded_at,
            )
        )
        return result, tx.events


def _require_project(connection: Connection, project: str) -> str | None:
    """Return the project's business time, None where nobody has set its clock."""
    row = connection.execute(select(project_table.c.now).where(project_table.c.name == project)).first()
    if row is None:
        names = connection.execute(select(project_table.c.name)).scalars().all()
        raise NotFound(
            f'there is no project "{project}"', hint=nearest(project, names) or 'run "evergreen apply" in its folder'
        )
    now: str | None = row.now
    return now


def _require_fence(connection: Connection, fence: Fence) -> None:
    row = connection.execute(select(job_table.c.fence, job_table.c.state).where(job_table.c.id == fence.job_id)).first()
    if row is None or row.fence != fence.token or row.state != "running":
        raise JobTakenOver(f"job {fence.job_id} was taken over by another worker", hint="leave it to that one")
