"""A home: one folder with the database, the objects, the journal's key and the prediction logs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from evergreen.core.clock import Clock, SystemClock
from evergreen.core.errors import NotFound, Unavailable
from evergreen.db.database import Database
from evergreen.journal.checkpoint import Signer
from evergreen.journal.log import Journal, NewEvent
from evergreen.store.objects import LocalObjects, Objects

__all__ = ["DATABASE", "FOLDER", "Home", "find_home"]

FOLDER = ".evergreen"
DATABASE = "evergreen.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """An open home. Safe for threads; after a fork the child's connections are its own."""

    root: Path
    database: Database
    objects: Objects
    journal: Journal
    clock: Clock

    @classmethod
    def open(cls, root: Path, *, create: bool = False, clock: Clock | None = None) -> Home:
        """Open the home at ``root``, making it first where ``create`` says so and it is not there.

        Raises:
            NotFound: there is none, and ``create`` is false.
            Unavailable: the folder cannot be written.
        """
        root = root.resolve()
        if not (root / DATABASE).exists():
            if not create:
                raise NotFound(
                    f"there is no Evergreen home at {root}", hint='run "evergreen apply" in your project first'
                )
            _make_folders(root)
        clock = clock or SystemClock()
        journal = Journal(Signer.open(root / "key" / "journal.ed25519"), clock)

        def append_events(connection: Connection, done: Sequence[tuple[object, list[NewEvent]]]) -> None:
            journal.append(connection, [event for _, events in done for event in events])

        database = Database(root / DATABASE, before_commit=append_events)
        database.create(first=journal.start)
        return cls(root=root, database=database, objects=LocalObjects(root / "objects"), journal=journal, clock=clock)

    def log_folder(self, project: str, endpoint: str) -> Path:
        """Return where the prediction log of an endpoint lies. Both names were checked when they were declared."""
        return self.root / "predictions" / project / endpoint

    def work_folder(self, job_id: str) -> Path:
        """Return where a job may lay files; it is removed when the job ends."""
        return self.root / "work" / job_id

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()


def find_home(start: Path) -> Path:
    """Return the ``.evergreen`` folder of ``start`` or of the nearest folder above; if none, where it would be made."""
    for folder in (start, *start.parents):
        if (folder / FOLDER / DATABASE).exists():
            return folder / FOLDER
        if (folder / "evergreen.toml").exists():
            return folder / FOLDER
    return start / FOLDER


def _make_folders(root: Path) -> None:
    try:
        for folder in (root, root / "objects", root / "predictions", root / "work"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (root / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise Unavailable(
            f"cannot make a home at {root}: {error.strerror}",
            hint="check the permissions of that folder, or use --home DIR",
            folder=str(root),
        ) from error
    if not os.access(root, os.W_OK):
        raise Unavailable(f"cannot write in {root}", hint="check its permissions, or use --home DIR", folder=str(root))
