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

_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: Any) -> bytes:  # any JSON-like value or Struct
    """Return the canonical JSON bytes of ``value``.

    Raises:
        Invalid: ``value`` holds a NaN or an infinity, or is nested too deeply.

    >>> canonical({"b": 1, "a": [1.0, None]})
    b'{"a":[1.0,null],"b":1}'
    """
    try:
        plain = msgspec.to_builtins(value, str_keys=True)
        _refuse_non_finite(plain)
        return _encoder.encode(plain)
    except RecursionError:
        raise Invalid("a value is nested too deeply to have a canonical form", hint="make it flatter") from None


def canonical_digest(value: Any) -> Digest:  # any JSON-like value or Struct
    """Return the digest of the canonical bytes of ``value``."""
    return digest_of(canonical(value))


def _refuse_non_finite(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(f"{value} has no canonical form", hint="send a finite number or null")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_non_finite(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_non_finite(item)
