"""One byte form per value, for hashing and comparing: JSON with sorted keys and no spaces.

Floats take their shortest form that reads back equal. NaN and infinities have no JSON form and are refused.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from evergreen.core.digest import Digest, digest_of
from evergreen.core.errors import Invalid

__all__ = ["canonical", "canonical_digest"]

DEEPEST = 100
"""Levels of nesting; whoever reads the bytes later may have less room on its stack."""

_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: Any) -> bytes:  # any JSON-like value or Struct
    """Return the canonical JSON bytes of ``value``.

    Raises:
        Invalid: ``value`` holds a NaN or an infinity, or is nested more than 100 levels deep.

    >>> canonical({"b": 1, "a": [1.0, None]})
    b'{"a":[1.0,null],"b":1}'
    """
    plain = msgspec.to_builtins(value, str_keys=True)
    _check(plain, 0)
    return _encoder.encode(plain)


def canonical_digest(value: Any) -> Digest:  # any JSON-like value or Struct
    """Return the digest of the canonical bytes of ``value``."""
    return digest_of(canonical(value))


def _check(value: object, level: int) -> None:
    if level > DEEPEST:
        raise Invalid(f"a value is nested more than {DEEPEST} levels deep", hint="make it flatter")
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"{value} has no canonical form", hint="send a finite number or null")
    if isinstance(value, dict):
        for item in value.values():
            _check(item, level + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, level + 1)
