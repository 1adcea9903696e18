"""The demo's other processes: a server with its worker, and the endpoint. They end when the demo ends."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from evergreen.core.errors import Unavailable
from evergreen.execution.fresh import PARENT

__all__ = ["Processes"]

START_WITHIN_S = 60.0


class Processes:
    """Starts ``evergreen`` commands and knows their addresses; all are ended on leaving the ``with`` block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            if process.poll() is None:
                process.kill()
                process.wait()

    def start(self, *arguments: str) -> str:
        """Start ``evergreen ARGUMENTS`` and return the address in its first line.

        Raises:
            Unavailable: it ended, or said nothing in a minute.
        """
        name = arguments[0]
        log = self._folder / ".evergreen" / f"{name}.log"
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "evergreen", *arguments],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, PARENT: str(os.getpid())},
            )
        self._running[name] = process
        line = _first_line(process)
        words = [word for word in line.split() if word.startswith("http://")]
        if not words:
            raise Unavailable(f'"evergreen {name}" did not start', hint=f"see {log}")
        return words[0]

    def require_alive(self) -> None:
        """Raise ``Unavailable`` if one of the processes is gone."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Unavailable(
                    f'"evergreen {name}" ended with {process.returncode} while it was needed',
                    hint="run the same command again: it goes on from what was acknowledged",
                )


def _first_line(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        return ""
    deadline = time.monotonic() + START_WITHIN_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline and process.poll() is None:
            if selector.select(timeout=0.2):
                return process.stdout.readline()
    return ""
