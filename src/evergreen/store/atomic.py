"""The one way in which Evergreen writes a file that must be whole: temp, fsync, link, fsync of the folder.

Without the first fsync a power loss leaves a file of the right name and the wrong bytes; without the second, on
some file systems, no file at all.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from evergreen.core.errors import Unavailable

__all__ = ["atomic_write", "fsync_folder", "make_folder"]


def atomic_write(path: Path, data: bytes | memoryview, *, mode: int = 0o600, replace: bool = True) -> bool:
    """Write ``data`` to ``path``, so that at any moment the file is absent, the old one, or the new one whole.

    With ``replace=False`` an existing file stays: of two writers one wins. Return whether ours is there now.

    Raises:
        Unavailable: the folder is full, read-only or gone; names the folder.
    """
    try:
        return _write(path, data, mode, replace)
    except OSError as error:
        raise _unavailable(path, error) from error


def make_folder(folder: Path) -> None:
    """Make ``folder`` and those above it, for their owner only, unless they are there.

    Raises:
        Unavailable: the folder above is full or read-only.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unavailable(folder, error) from error


def _unavailable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"cannot write {path.name} in {path.parent}: {error.strerror}",
        hint="make room there or check its permissions, then try again",
        folder=str(path.parent),
    )


def _write(path: Path, data: bytes | memoryview, mode: int, replace: bool) -> bool:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            try:
                path.hardlink_to(temporary)
            except FileExistsError:
                fsync_folder(path.parent)  # the other writer's file: it may not have come to that yet
                return False
        fsync_folder(path.parent)
        return True
    finally:
        temporary.unlink(missing_ok=True)


def fsync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
