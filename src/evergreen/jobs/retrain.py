"""The retrain job: train on the applied code, measure the gate against the champion, promote or be refused.

A killed job is run again under the same ids. A version that it had registered is taken up instead of trained anew.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from evergreen.core.client import Client
from evergreen.core.errors import Conflict, NotFound
from evergreen.core.ids import derived_id
from evergreen.jobs.measure_gate import promote_measured, spell_check
from evergreen.jobs.train import train
from evergreen.lifecycle.claim_job import ClaimedJob
from evergreen.lifecycle.configuration import serving_aliases
from evergreen.lifecycle.finish_run import FinishRun
from evergreen.views.configuration import ShowConfiguration
from evergreen.views.runs import ShowRun
from evergreen.views.versions import NewestVersion

__all__ = ["retrain"]

DEFAULT_ALIAS = "production"


def retrain(client: Client, job: ClaimedJob, job_id: str, folder: Path) -> dict[str, Any]:  # JSON values
    """Run the job on the code in ``folder`` and return what came of it."""
    declaration = client.send(ShowConfiguration()).declaration
    name = str(job.request["model"])
    if declaration is None or name not in declaration.models:
        raise NotFound(f'model "{name}" is not declared any more')
    for attempt in range(1, job.attempt):
        _close_run(client, derived_id(derived_id(job_id, str(attempt)), "run"))
    number = _registered_before(client, name, job_id)
    if number is None:
        trained = train(
            client,
            name,
            declaration,
            folder,
            at=job.at,
            base=derived_id(job_id, str(job.attempt)),
            params=job.request.get("params", {}),
            sources=((f"job:{job_id}", "trained by"),),
        )
        number = trained.number
    outcomes = {}
    for alias in serving_aliases(declaration, name) or [DEFAULT_ALIAS]:
        measured, promotion = promote_measured(
            client, declaration, name, number, alias, base=derived_id(job_id, "promote", alias)
        )
        outcomes[alias] = {
            "moved": promotion.moved,
            "reasons": promotion.reasons,
            "checks": [spell_check(check) for check in measured.report.checks],
        }
    return {"model": name, "version": number, "aliases": outcomes}


def _registered_before(client: Client, name: str, job_id: str) -> int | None:
    newest = client.send(NewestVersion(kind="model", name=name))
    if newest.number and (f"job:{job_id}", "trained by") in newest.sources:
        return int(newest.number)
    return None


def _close_run(client: Client, run_id: str) -> None:
    """End what an earlier attempt left running when its worker died."""
    with contextlib.suppress(NotFound):
        run = client.send(ShowRun(run_id=run_id))
        for left in (*run.steps, run):
            if left.state == "running":
                with contextlib.suppress(Conflict):
                    client.send(FinishRun(run_id=left.id, state="failed", error="interrupted: its worker died"))
