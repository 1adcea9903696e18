"""What a place for objects must do, and the two that Evergreen ships: a local folder and memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from evergreen.core.digest import Digest, digest_of, is_digest, require_digest
from evergreen.core.errors import Corrupt, NotFound, Unavailable
from evergreen.store.atomic import atomic_write, fsync_folder, make_folder

__all__ = ["LocalObjects", "MemoryObjects", "Objects"]


class Objects(Protocol):
    """Keeps immutable bytes under their digest.

    Safe for threads and processes. ``put`` returns once the bytes are durable; the same bytes again cost a look.
    ``get`` returns exactly the bytes of that digest or raises ``Corrupt``; absent ones raise ``NotFound``, and what is
    no digest ``Invalid``.
    """

    def put(self, data: bytes | memoryview) -> Digest:
        """Keep ``data`` and return its name."""
        ...

    def get(self, digest: Digest) -> bytes:
        """Return the bytes of that name."""
        ...

    def has(self, digest: Digest) -> bool:
        """Say whether the bytes are there, without reading them."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Yield the name of each object kept, in any order."""
        ...


class LocalObjects:
    """One file an object, in a folder per first two digits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes | memoryview) -> Digest:
        """Keep ``data`` and return its name."""
        digest = digest_of(data)
        path = self._path(digest)
        if not path.exists():
            make_folder(path.parent)
            fsync_folder(self.folder)  # whoever made it may not have come to that yet; no cost once it is durable
            atomic_write(path, data, mode=0o400, replace=False)
        else:
            fsync_folder(path.parent)  # for the same reason
        return digest

    def get(self, digest: Digest) -> bytes:
        """Return the bytes of that name."""
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"object {digest[:12]} is not in {self.folder}", hint='run "evergreen fsck"') from None
        except OSError as error:
            raise Unavailable(
                f"cannot read object {digest[:12]} in {self.folder}: {error.strerror}",
                hint="check the permissions of that folder and the disk it is on",
                folder=str(self.folder),
            ) from error
        return _checked(digest, data)

    def has(self, digest: Digest) -> bool:
        """Say whether the bytes are there, without reading them."""
        return self._path(digest).exists()

    def digests(self) -> Iterator[Digest]:
        """Yield the name of each object kept, in any order."""
        for path in self.folder.glob("??/*"):
            name = path.parent.name + path.name
            if is_digest(name):
                yield Digest(name)

    def _path(self, digest: Digest) -> Path:
        require_digest(digest)
        return self.folder / digest[:2] / digest[2:]


class MemoryObjects:
    """Objects in this process only: for tests and for throw-away homes."""

    def __init__(self) -> None:
        self._kept: dict[Digest, bytes] = {}

    def put(self, data: bytes | memoryview) -> Digest:
        """Keep ``data`` and return its name."""
        digest = digest_of(data)
        self._kept.setdefault(digest, bytes(data))
        return digest

    def get(self, digest: Digest) -> bytes:
        """Return the bytes of that name."""
        if not self.has(digest):
            raise NotFound(f"object {digest[:12]} is not in memory")
        return _checked(digest, self._kept[digest])

    def has(self, digest: Digest) -> bool:
        """Say whether the bytes are there, without reading them."""
        require_digest(digest)
        return digest in self._kept

    def digests(self) -> Iterator[Digest]:
        """Yield the name of each object kept, in any order."""
        yield from tuple(self._kept)


def _checked(digest: Digest, data: bytes) -> bytes:
    found = digest_of(data)
    if found != digest:
        raise Corrupt(
            f"object {digest[:12]} is damaged: its bytes hash to {found[:12]}", hint="restore it from a backup"
        )
    return data
