"""Upgrading a database to this release's schema: a backup first, then one transaction a step, with its record.

Only this imports Alembic, for the order of the steps and for their operations. The revision is kept in our own
``schema_revision`` row, beside the oldest release that may run on it, so there is no ``alembic_version`` table.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from evergreen.core.errors import Corrupt, EvergreenError, NotFound, Unavailable
from evergreen.db.engine import open_engine
from evergreen.db.schema import schema_revision

__all__ = ["MIGRATIONS", "Migrated", "MigrationFailed", "migrate"]

MIGRATIONS = Path(__file__).parent / "migrations"


class MigrationFailed(EvergreenError):
    """A step could not be made; the database is as it was before that step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """Where the schema was and is. ``backup`` is None where nothing was to be done."""

    before: str | None
    after: str
    steps: tuple[str, ...]
    backup: Path | None


def migrate(
    database: Path, *, now: datetime, migrations: Path = MIGRATIONS, show: Callable[[str], None] = lambda _: None
) -> Migrated:
    """Bring the database to the newest revision in ``migrations``; one that is there already is left as it is.

    The backup lies beside the database. ``show`` is told each step before it is made.

    Raises:
        NotFound: there is no such file.
        Corrupt: its revision is none of ours.
        MigrationFailed: a step failed; those before it are made.
    """
    if not database.exists():
        raise NotFound(f"there is no database {database}", hint='run "evergreen apply" in your project first')
    scripts = ScriptDirectory(str(migrations))
    with _connected(database) as connection:
        before = _revision(connection)
        steps = _steps_after(scripts, before, database)
        if not steps:
            return Migrated(before=before, after=before or "", steps=(), backup=None)
        show("backup")
        backup = _back_up(database, now)
        for step in steps:
            show(step.revision)
            _make(connection, step, backup)
    return Migrated(
        before=before, after=steps[-1].revision, steps=tuple(step.revision for step in steps), backup=backup
    )


@contextlib.contextmanager
def _connected(database: Path) -> Iterator[Connection]:
    engine = open_engine(database, writes=True)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise Unavailable(
            f"cannot migrate {database}: {error.orig}",
            hint="stop every evergreen process on it, check the disk, try again",
        ) from error
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    with connection.begin():
        return _found(connection)


def _found(connection: Connection) -> str | None:
    if not inspect(connection).has_table(schema_revision.name):
        return None
    found: str | None = connection.execute(schema_revision.select()).scalar()
    return found


def _steps_after(scripts: ScriptDirectory, before: str | None, database: Path) -> list[Script]:
    known = list(scripts.walk_revisions())  # newest first
    if before is not None and before not in {step.revision for step in known}:
        raise Corrupt(
            f"database {database} has schema {before}, this release knows {known[-1].revision} to {known[0].revision}",
            hint="install the release that made it, or a newer one",
        )
    newer = []
    for step in known:
        if step.revision == before:
            break
        newer.append(step)
    return newer[::-1]


def _back_up(database: Path, now: datetime) -> Path:
    """Copy the database, with what is in its write-ahead log, to a file beside it and return that."""
    backup = database.with_name(f"{database.stem}-before-migration-{now:%Y%m%dT%H%M%SZ}.db")
    try:
        with (
            contextlib.closing(sqlite3.connect(database)) as source,
            contextlib.closing(sqlite3.connect(backup)) as target,
        ):
            target.execute("PRAGMA synchronous=FULL")
            source.backup(target)
    except sqlite3.Error as error:
        backup.unlink(missing_ok=True)
        raise Unavailable(
            f"cannot back up {database} to {backup}: {error}", hint=f"make room in {backup.parent}; nothing was changed"
        ) from error
    return backup


def _make(connection: Connection, step: Script, backup: Path) -> None:
    """Make one step with its record, or nothing."""
    try:
        with connection.begin(), Operations.context(MigrationContext.configure(connection)):
            if _found(connection) != step.down_revision:
                raise MigrationFailed("the schema changed while it was migrated: another process does the same")
            step.module.upgrade()
            connection.execute(schema_revision.delete())
            connection.execute(
                schema_revision.insert().values(revision=step.revision, oldest_release=step.module.oldest_release)
            )
    except DBAPIError as error:
        raise MigrationFailed(
            f"migration {step.revision} failed: {error.orig}",
            hint=f"the database is as it was before that step; a copy from before all is {backup}",
        ) from error
