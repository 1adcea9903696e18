"""Ids made by the client, so that work without a server has ids: UUIDv7 (RFC 9562), sortable by time."""

from __future__ import annotations

import os
import time
import uuid

__all__ = ["derived_id", "new_id"]


def new_id() -> str:
    """Return a fresh UUIDv7 as 32 hex digits: 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return f"{value:032x}"


def derived_id(parent: str, *names: str) -> str:
    """Return an id that is always the same for ``names`` below ``parent``.

    A job that is killed and run again sends its commands under the same ids, so each takes effect once.
    """
    return uuid.uuid5(uuid.UUID(parent), "/".join(names)).hex
