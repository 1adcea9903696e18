"""The fresh process of one job: ``python -m evergreen.faces.worker.fresh HOME PROJECT SPEC CODE``."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import msgspec

from evergreen.core.errors import Invalid
from evergreen.execution.fresh import parent_is_alive
from evergreen.faces.client.local import open_local
from evergreen.faces.worker.loop import perform_claimed
from evergreen.lifecycle.claim_job import ClaimedJob

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Perform the job in the spec file on the code in the folder."""
    root, project, spec, code = arguments
    threading.Thread(target=_die_with_parent, name="parent", daemon=True).start()
    job = msgspec.json.decode(Path(spec).read_bytes(), type=ClaimedJob)
    if job.fence is None:
        raise Invalid(f"{spec} names no claim")
    perform_claimed(open_local(Path(root), project), job, job.fence, Path(code))


def _die_with_parent() -> None:
    """End this process when the worker is gone: the next worker runs the job again."""
    waiting = threading.Event()
    while parent_is_alive():
        waiting.wait(0.5)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
