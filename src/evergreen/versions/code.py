"""A code version: the project's own source files as they lay there, committed to git or not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from evergreen.core.canonical import canonical, canonical_digest
from evergreen.core.digest import Digest, Get, digest_of
from evergreen.core.errors import Corrupt, Invalid, Unavailable
from evergreen.store.atomic import atomic_write, make_folder

__all__ = ["CodeManifest", "manifest_bytes", "read_code", "snapshot", "write_code"]

SUFFIXES = frozenset({".py", ".toml", ".txt", ".lock", ".cfg", ".sql", ".json", ".yaml", ".yml"})
MOST_FILES = 5_000
LARGEST_BYTES = 4 << 20


class CodeManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Paths from the project's folder to digests of their bytes; the git commit where there is one."""

    files: dict[str, Digest]
    commit: str | None = None

    @property
    def tree(self) -> Digest:
        """The digest of names and contents alone: the same code gives the same one, whatever the commit."""
        return canonical_digest(self.files)


def snapshot(folder: Path) -> tuple[CodeManifest, dict[Digest, bytes]]:
    """Read the project's source files and return their manifest and their bytes.

    Hidden folders, virtual environments and caches are left out; a link that leads out of the folder too.

    Raises:
        Invalid: there are too many files to be a project's own code, or a name is no text.
        Unavailable: a file cannot be read.
    """
    files: dict[str, Digest] = {}
    contents: dict[Digest, bytes] = {}
    for path in _source_files(folder):
        name = path.relative_to(folder).as_posix()
        if not name.isprintable():
            raise Invalid(f"the name of source file {name!a} is no plain text", hint="rename it")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Unavailable(
                f"cannot read source file {path}: {error.strerror}", hint="check its permissions, then try again"
            ) from error
        digest = digest_of(data)
        files[name] = digest
        contents[digest] = data
        if len(files) > MOST_FILES:
            raise Invalid(
                f"{folder} holds more than {MOST_FILES} source files",
                hint="put evergreen.toml into a folder with the project's own code only",
            )
    return CodeManifest(files=dict(sorted(files.items())), commit=_commit(folder)), contents


def read_code(get: Get, digest: Digest) -> CodeManifest:
    """Return the manifest that ``digest`` names."""
    try:
        return msgspec.json.decode(get(digest), type=CodeManifest)
    except msgspec.DecodeError as error:
        raise Corrupt(f"object {digest[:12]} is no code manifest: {error}") from error


def write_code(get: Get, manifest: CodeManifest, folder: Path) -> None:
    """Write the files of ``manifest`` below ``folder``, which should be empty."""
    for name, digest in manifest.files.items():
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            raise Corrupt(f'a code manifest names "{name}", which lies outside its folder')
        target = folder / relative
        make_folder(target.parent)
        atomic_write(target, get(digest))


def manifest_bytes(manifest: CodeManifest) -> bytes:
    """Return the bytes that are stored for ``manifest``."""
    return canonical(manifest)


def _source_files(folder: Path) -> Iterator[Path]:
    for current, folders, names in os.walk(folder):
        here = Path(current)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in {"__pycache__", "node_modules", "build", "dist"}
            and not (here / name / "pyvenv.cfg").exists()
            and not (here / name).is_symlink()
        )
        for name in sorted(names):
            path = here / name
            is_source = path.suffix in SUFFIXES and not name.startswith(".")
            if is_source and path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST_BYTES:
                yield path


def _commit(folder: Path) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
