"""Results of steps by key: a step whose key was seen before is not run again."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from evergreen.db.schema import step_result
from evergreen.journal.transaction import Transaction

__all__ = ["cached_output", "keep_output"]


def cached_output(connection: Connection, project: str, cache_key: str) -> str | None:
    """Return the stored output (a document) of the step with that key, or None."""
    output: str | None = connection.execute(
        select(step_result.c.output).where(step_result.c.project == project, step_result.c.cache_key == cache_key)
    ).scalar()
    return output


def keep_output(tx: Transaction, cache_key: str, run_id: str, output: str) -> None:
    """Keep ``output`` under the key; of two equal runs the first one's stays."""
    tx.connection.execute(
        insert(step_result)
        .values(project=tx.project, cache_key=cache_key, run_id=run_id, output=output)
        .on_conflict_do_nothing()
    )
