"""Names of bytes: BLAKE3-256, whatever way the bytes were cut or stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import NewType

from blake3 import blake3

from evergreen.core.errors import Invalid

__all__ = ["Digest", "Get", "Put", "digest_of", "is_digest", "require_digest"]

Digest = NewType("Digest", str)
"""64 lower-case hex digits."""

Put = Callable[[bytes], Digest]
"""Keeps bytes and returns their name once they are durable."""
Get = Callable[[Digest], bytes]
"""Returns the bytes of a name, checked against it."""

_HEX = frozenset("0123456789abcdef")


def digest_of(data: bytes | memoryview) -> Digest:
    """Return the digest that names ``data``."""
    return Digest(blake3(data).hexdigest())


def is_digest(text: str) -> bool:
    """Say whether ``text`` has the form of a digest; whether such bytes exist is another question."""
    return len(text) == 64 and _HEX.issuperset(text)


def require_digest(text: str) -> Digest:
    """Return ``text`` if it has the form of a digest.

    Raises:
        Invalid: it has not.
    """
    if not is_digest(text):
        raise Invalid(f'"{text[:80]}" is not a digest', hint="a digest is 64 hex digits in lower case")
    return Digest(text)
