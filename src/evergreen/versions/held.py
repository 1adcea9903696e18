"""Which objects a project holds. A digest alone opens nothing: a project reaches only bytes that it put there."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from evergreen.core.digest import Digest
from evergreen.core.errors import NotFound
from evergreen.db.schema import object_held
from evergreen.journal.transaction import Transaction

__all__ = ["hold", "is_held", "require_held"]


def hold(tx: Transaction, digest: Digest, size_bytes: int) -> None:
    """Write that the project holds ``digest``. The bytes must be durable before."""
    tx.connection.execute(
        insert(object_held)
        .values(project=tx.project, digest=digest, size_bytes=size_bytes, recorded_at=tx.recorded_at)
        .on_conflict_do_nothing()
    )


def is_held(connection: Connection, project: str, digest: str) -> bool:
    """Say whether the project holds ``digest``."""
    query = select(object_held.c.digest).where(object_held.c.project == project, object_held.c.digest == digest)
    return connection.execute(query).first() is not None


def require_held(connection: Connection, project: str, digest: str) -> Digest:
    """Return ``digest`` if the project holds it.

    Raises:
        NotFound: it does not; whether others do is not told.
    """
    if not is_held(connection, project, digest):
        raise NotFound(
            f'project "{project}" holds no object {digest[:12]}', hint="upload its bytes first", digest=digest
        )
    return Digest(digest)
