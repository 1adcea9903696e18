"""Append-only segment files: length-prefixed records with a CRC, one ``write()`` each.

    record = length (4 bytes, little endian) || CRC-32 of length and payload (4 bytes) || payload

A record survives ``kill -9`` once ``append`` has returned (the page cache has it), and a power loss after at most one
second (a thread calls ``fdatasync``). A segment's name is unique per process start and never reopened; a torn tail
ends at the first record whose CRC does not fit.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

from evergreen.core.errors import Invalid, Unavailable
from evergreen.core.ids import new_id

__all__ = ["SegmentWriter", "is_abandoned", "read_records", "segments"]

_log = logging.getLogger("evergreen.traffic")
_HEAD = struct.Struct("<II")
LARGEST_RECORD_BYTES = 64 << 20
LARGEST_SEGMENT_BYTES = 64 << 20
SYNC_EVERY_S = 1.0


class SegmentWriter:
    """Appends records to this process' own segment in ``folder``. Safe for threads; not across a fork."""

    def __init__(self, folder: Path, *, largest_segment_bytes: int = LARGEST_SEGMENT_BYTES) -> None:
        self._folder = folder
        self._largest_segment_bytes = largest_segment_bytes
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._file, self._size = -1, 0
        self._unsynced = False
        self._open()
        threading.Thread(target=self._sync_each_second, name="segment-sync", daemon=True).start()

    def append(self, payload: bytes) -> None:
        """Write one record; when this returns, it survives the death of the process.

        Raises:
            Unavailable: the disk is full. The record is not in the log then, and the segment is whole.
            Invalid: the payload is larger than a record may be; a reader would take it for a torn tail.
        """
        if len(payload) > LARGEST_RECORD_BYTES:
            raise Invalid(
                f"a record of {len(payload)} bytes is too large for the log, at most {LARGEST_RECORD_BYTES} fit",
                hint="send fewer rows at once",
            )
        record = _HEAD.pack(len(payload), _crc(payload)) + payload
        with self._lock:
            if self._closed.is_set():
                raise Unavailable(f"the prediction log in {self._folder} is closed", hint="try again later")
            if self._size + len(record) > self._largest_segment_bytes and self._size:
                self._close_file()
            if self._file < 0:  # also where a new segment could not be opened before
                self._open()
            try:
                written = os.write(self._file, record)
                if written != len(record):  # the disk filled up within the record
                    raise OSError(28, "No space left on device")
            except OSError as error:
                os.ftruncate(self._file, self._size)
                os.lseek(self._file, self._size, os.SEEK_SET)
                raise Unavailable(
                    f"cannot log a prediction in {self._folder}: {error.strerror}",
                    hint=f"make room in {self._folder}; the request was not answered, so it can be sent again",
                    folder=str(self._folder),
                ) from error
            self._size += len(record)
            self._unsynced = True

    def close(self) -> None:
        """Make all records durable and give the segment up."""
        self._closed.set()
        with self._lock:
            self._close_file()

    def _open(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._folder / f"{new_id()}.segment"
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                f"cannot open a prediction log in {self._folder}: {error.strerror}",
                hint="make room there or check its permissions",
                folder=str(self._folder),
            ) from error
        # Held as long as this process lives: tells the sealer that more may come.
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._size = 0

    def _close_file(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            try:
                self._sync(file)
            finally:
                os.close(file)

    def _sync(self, file: int) -> None:
        try:
            os.fdatasync(file)
        except OSError as error:
            raise Unavailable(
                f"cannot make the prediction log in {self._folder} durable: {error.strerror}",
                hint="check that disk",
                folder=str(self._folder),
            ) from error

    def _sync_each_second(self) -> None:
        while not self._closed.wait(SYNC_EVERY_S):
            with self._lock:
                needed, self._unsynced = self._unsynced, False
                file = os.dup(self._file) if needed and self._file >= 0 else -1
            if file >= 0:
                try:
                    self._sync(file)  # outside the lock: a slow disk must not stop requests
                except Unavailable as error:  # nobody waits for this; the next second tries again
                    _log.warning("%s", error.message)
                    self._unsynced = True
                finally:
                    os.close(file)


def _crc(payload: bytes) -> int:
    # With the length in it, zeros (which a power loss can leave at the end of a file) are no record.
    return zlib.crc32(payload, zlib.crc32(len(payload).to_bytes(4, "little")))


def segments(folder: Path) -> list[Path]:
    """Return the segments in ``folder``, oldest first."""
    return sorted(folder.glob("*.segment"))


def read_records(path: Path, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """Yield each record's payload from byte ``start`` on, with the position after it; stop at a torn tail."""
    with path.open("rb") as file:
        file.seek(start)
        position = start
        while True:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            length, crc = _HEAD.unpack(head)
            if length > LARGEST_RECORD_BYTES:
                return
            payload = file.read(length)
            if len(payload) < length or _crc(payload) != crc:
                return
            position += _HEAD.size + length
            yield payload, position


def is_abandoned(path: Path) -> bool:
    """Say whether the process that wrote the segment is gone, so that nothing more will come."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(file)
