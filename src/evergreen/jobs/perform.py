"""The table of job kinds, and how a claimed job is performed. "Add a job" is a function and a line here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evergreen.core.client import Client
from evergreen.core.errors import Invalid, nearest
from evergreen.jobs.retrain import retrain
from evergreen.jobs.seal_log import seal_log
from evergreen.jobs.watch import watch
from evergreen.lifecycle.claim_job import ClaimedJob
from evergreen.lifecycle.home import Home
from evergreen.views.configuration import ShowConfiguration

__all__ = ["RUNS_PROJECT_CODE", "perform"]

RUNS_PROJECT_CODE = frozenset({"retrain"})
"""Kinds that import the project's code: they run in a fresh process, on a snapshot of the applied code."""


def perform(client: Client, home: Home, job: ClaimedJob, job_id: str, folder: Path) -> dict[str, Any]:  # JSON values
    """Do the job's work and return its result; ``folder`` holds the project's code, where the kind needs it."""
    match job.kind:
        case "watch":
            declaration = client.send(ShowConfiguration()).declaration
            monitors = {} if declaration is None else declaration.monitors
            name = str(job.request["monitor"])
            if name in monitors:
                seal_log(client, home, monitors[name].endpoint)
            return watch(client, job, job_id)
        case "retrain":
            return retrain(client, job, job_id, folder)
        case kind:
            raise Invalid(f'no work is known for jobs of the kind "{kind}"', hint=nearest(kind, ["watch", "retrain"]))
