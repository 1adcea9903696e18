"""Ids made by the client, so that work without a server has ids: UUIDv7 (RFC 9562), sortable by time."""

from __future__ import annotations

import os
import time
import uuid

__all__ = ["derived_id", "new_id"]


def new_id() -> str:
    """Return a fresh UUIDv7 as 32 hex digits: 48 bits of milliseconds, 12 of their fraction, then 62 random bits.

    The fraction (RFC 9562, section 6.2, method 3) orders ids that one process makes one after the other.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return f"{milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | random:032x}"


def derived_id(parent: str, *names: str) -> str:
    """Return an id that is always the same for ``names`` below ``parent``.

    A job that is killed and run again sends its commands under the same ids, so each takes effect once.
    """
    return uuid.uuid5(uuid.UUID(parent), "/".join(names)).hex
