"""The key of a step's result. Coarse: any change of the project's code or environment gives a new key.

    key = BLAKE3(canonical JSON of [scheme, step, code tree, environment lock, Python, arguments])

It re-runs too often and never returns a stale result. What a step reads besides its arguments (files, the network,
environment variables) is not in it.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any

from evergreen.core.canonical import canonical_digest
from evergreen.core.digest import Digest

__all__ = ["step_key"]

SCHEME = 1


def step_key(step: str, *, code: Digest, lock: Sequence[str], arguments: Mapping[str, Any]) -> Digest:
    """Return the key of a step.

    Args:
        step: its module and name.
        code: digest of the project's source files, names and contents.
        lock: ``name==version`` of each installed distribution.
        arguments: plain values as they are; tables and models by the digest of their bytes.
    """
    python = ".".join(platform.python_version_tuple()[:2])
    return canonical_digest([SCHEME, step, code, sorted(lock), python, dict(arguments)])
