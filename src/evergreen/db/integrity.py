"""What the database itself says about its pages, indexes and references."""

from __future__ import annotations

from sqlalchemy import Connection

__all__ = ["database_faults"]


def database_faults(connection: Connection) -> list[str]:
    """Return what SQLite finds wrong with the file; reads all of it."""
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    faults = [f"the database file: {line}" for line in found if line != "ok"]
    for table, row_id, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        faults.append(f"the database: row {row_id} of {table} refers to a {parent} that is not there")
    return faults
