"""Running a Python module in a fresh interpreter: nothing that this process imported can leak into it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PARENT", "Ended", "parent_is_alive", "run_fresh"]

PARENT = "EVERGREEN_PARENT"
"""Names the process that started this one, where this one should end with it."""

POLL_S = 0.05
TAIL_BYTES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the process ended, and the end of what it printed."""

    exit_code: int
    tail: str


def run_fresh(
    module: str, arguments: Sequence[str], *, folder: Path, log: Path, keep_going: Callable[[], bool]
) -> Ended:
    """Run ``python -m module`` in ``folder`` and wait for it; its output goes to ``log``.

    ``keep_going`` is asked every 50 ms; when it says no, the process and its children are killed. They are killed too
    when this process dies.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, PARENT: str(os.getpid())},
            start_new_session=True,
        )
        try:
            while process.poll() is None and keep_going():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=POLL_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return Ended(exit_code=process.returncode, tail=_tail(log))


def parent_is_alive() -> bool:
    """Say whether the process that EVERGREEN_PARENT names is still the parent; true where none is named."""
    named = os.environ.get(PARENT)
    return named is None or int(named) == os.getppid()


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace")
