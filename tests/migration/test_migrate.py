"""A migrated database has the same schema as a fresh one; an upgrade keeps a copy and the rows."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evergreen.core.errors import Corrupt, NotFound
from evergreen.db.database import Database
from evergreen.db.migrate import MIGRATIONS, MigrationFailed, migrate
from evergreen.db.schema import REVISION

NOW = datetime(2013, 3, 1, 12, tzinfo=UTC)
ADD_COLUMN = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
oldest_release = "0.1.0"

def upgrade():
    op.add_column("project", sa.Column("colour", sa.Text()))
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A database as a first start makes it, with one row."""
    path = tmp_path / "fresh.db"
    database = Database(path)
    database.create()
    database.close()
    _execute(path, "insert into project (name, created_at) values ('flights', '2013')")
    return path


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Our migrations and one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0002_colour.py").write_text(ADD_COLUMN)
    return folder


def test_a_migrated_database_has_the_schema_of_a_fresh_one(fresh: Path, tmp_path: Path) -> None:
    empty = tmp_path / "migrated.db"
    empty.touch()

    done = migrate(empty, now=NOW)

    assert (done.before, done.after, done.steps) == (None, REVISION, (REVISION,))
    assert _schema(empty) == _schema(fresh)
    assert _execute(empty, "select * from schema_revision") == _execute(fresh, "select * from schema_revision")


def test_a_current_database_is_left_as_it_is(fresh: Path) -> None:
    before = fresh.read_bytes()

    done = migrate(fresh, now=NOW)

    assert (done.before, done.steps, done.backup) == (REVISION, (), None)
    assert fresh.read_bytes() == before
    assert list(fresh.parent.glob("*before-migration*")) == []


def test_an_upgrade_keeps_a_copy_and_the_rows(fresh: Path, migrations: Path) -> None:
    done = migrate(fresh, now=NOW, migrations=migrations)

    assert done.steps == ("0002",)
    assert done.backup == fresh.with_name("fresh-before-migration-20130301T120000Z.db")
    assert _execute(fresh, "select name, colour from project") == [("flights", None)]
    assert _execute(fresh, "select revision from schema_revision") == [("0002",)]
    assert _execute(done.backup, "select revision, name from schema_revision, project") == [("0001", "flights")]


def test_a_release_refuses_a_newer_schema_than_its_own(fresh: Path, migrations: Path) -> None:
    migrate(fresh, now=NOW, migrations=migrations)

    with pytest.raises(Corrupt, match="has schema 0002, this release works with 0001"):
        Database(fresh).create()
    with pytest.raises(Corrupt, match="has schema 0002, this release knows 0001 to 0001"):
        migrate(fresh, now=NOW)


def test_a_step_that_fails_leaves_the_database_as_it_was(fresh: Path, migrations: Path) -> None:
    broken = ADD_COLUMN + '    op.add_column("no_such_table", sa.Column("colour", sa.Text()))\n'
    (migrations / "versions" / "0002_colour.py").write_text(broken)
    before = _schema(fresh)

    with pytest.raises(MigrationFailed, match="no_such_table") as caught:
        migrate(fresh, now=NOW, migrations=migrations)

    assert "a copy from before all is" in str(caught.value.hint)
    assert _schema(fresh) == before
    assert migrate(fresh, now=NOW).before == "0001"


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no database"):
        migrate(tmp_path / "none.db", now=NOW)

    assert list(tmp_path.iterdir()) == []


def _schema(path: Path) -> dict[str, str]:
    found = _execute(path, "select name, sql from sqlite_master where sql is not null")
    return {str(name): " ".join(str(sql).split()) for name, sql in found}


def _execute(path: Path, sql: str) -> list[tuple[str | None, ...]]:
    connection = sqlite3.connect(path)
    try:
        rows: list[tuple[str | None, ...]] = connection.execute(sql).fetchall()
        connection.commit()
        return rows
    finally:
        connection.close()
