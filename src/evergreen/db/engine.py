"""Connections to SQLite as the design asks: WAL, FULL, transactions begun by us, nothing kept across a fork."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from evergreen.core.errors import Unavailable

__all__ = ["open_engine", "refuse_network_file_system"]

BUSY_TIMEOUT_S = 2.0
"""How long one attempt waits for another process' write; the writer retries with jitter."""

_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs", "fuse.glusterfs"}
)


def open_engine(path: Path, *, writes: bool) -> Engine:
    """Return an engine on the database file at ``path``.

    A writing engine begins each transaction with ``BEGIN IMMEDIATE``: a deferred one that reads first can fail
    without waiting. The driver's own transactions are off. Reading connections refuse to write.
    """

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            if not writes:
                connection.execute("PRAGMA query_only=ON")
        except BaseException:
            connection.close()
            raise
        return connection

    # One writing connection, kept by its writer; as many readers as wait, four of them kept.
    pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 4, "max_overflow": 12}
    engine = create_engine("sqlite+pysqlite://", creator=connect, **({"poolclass": NullPool} if writes else pool))
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def refuse_network_file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Raise ``Unavailable`` if ``folder`` lies on a network file system, where WAL's shared memory does not work.

    ``mounts`` lists what is mounted where, as Linux does; without it nothing is known and nothing refused.
    """
    kind = _file_system(folder.resolve(), mounts)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise Unavailable(
            f"cannot keep a database in {folder}: it is on a network file system ({kind}), "
            "where SQLite's WAL can lose data",
            hint="use --home with a folder on a local disk",
            folder=str(folder),
            file_system=kind,
        )


def _file_system(folder: Path, mounts: Path) -> str | None:
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None  # not Linux
    best, kind = "", None
    for line in lines:
        _, point, file_system, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = str(folder) == point or str(folder).startswith(point.rstrip("/") + os.sep)
        if inside and len(point) >= len(best):
            best, kind = point, file_system
    return kind
