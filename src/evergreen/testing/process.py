"""Running ``evergreen`` commands as processes of their own, as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Running", "running"]


class Running:
    """A process that said where it answers."""

    def __init__(self, process: subprocess.Popen[str], address: str, log: Path) -> None:
        self.process = process
        self.address = address
        self._log = log

    @property
    def log(self) -> str:
        """What it wrote to stderr."""
        return self._log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Running]:
    """Run ``evergreen ARGUMENTS`` in ``folder`` until the block ends; it has told its address when the block begins."""
    log = folder / f"{arguments[0]}.stderr"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "evergreen", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "EVERGREEN_PARENT": str(os.getpid()), "OMP_NUM_THREADS": "1"},
        )
    try:
        line = "" if process.stdout is None else process.stdout.readline()
        if "http://" not in line:
            raise RuntimeError(f"evergreen {' '.join(arguments)} did not start: {log.read_text(encoding='utf-8')}")
        yield Running(process, line.split()[-1], log)
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()
