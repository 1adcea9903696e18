"""An environment version: the interpreter, the installed distributions, and what of the machine changes results."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from importlib import metadata

import msgspec

__all__ = ["EnvironmentManifest", "capture"]

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "MKL_NUM_THREADS", "PYTHONHASHSEED")


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """One installed distribution. ``record`` is the SHA-256 of its RECORD file, which lists the hash of each file."""

    name: str
    version: str
    record: str | None


class EnvironmentManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What code ran in. Variables are an allow-list: never secrets."""

    python: str
    implementation: str
    machine: str
    system: str
    libc: str
    distributions: list[Distribution]
    variables: dict[str, str]

    @property
    def lock(self) -> list[str]:
        """``name==version`` of each distribution."""
        return [f"{item.name}=={item.version}" for item in self.distributions]


def capture() -> EnvironmentManifest:
    """Describe the environment of this process."""
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name is None:
            continue  # a folder left over from an uninstalled package
        record = distribution.read_text("RECORD")
        found[name.lower()] = Distribution(
            name=name,
            version=distribution.version,
            record=None if record is None else hashlib.sha256(record.encode()).hexdigest(),
        )
    return EnvironmentManifest(
        python=platform.python_version(),
        implementation=sys.implementation.name,
        machine=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        libc=" ".join(platform.libc_ver()),
        distributions=[found[name] for name in sorted(found)],
        variables={name: os.environ[name] for name in _VARIABLES if name in os.environ},
    )
