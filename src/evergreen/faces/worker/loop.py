"""Claiming jobs and performing them, one at a time: ``drain`` does what waits and returns, ``work`` goes on."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from evergreen.core.errors import Conflict, Corrupt, EvergreenError, NotFound, Unavailable
from evergreen.core.message import Fence
from evergreen.execution.fresh import parent_is_alive, run_fresh
from evergreen.faces.client.local import LocalClient
from evergreen.governance.permissions import WORKER
from evergreen.jobs.perform import RUNS_PROJECT_CODE, perform
from evergreen.lifecycle.claim_job import ClaimedJob, ClaimJob
from evergreen.lifecycle.dispatch import JobTakenOver
from evergreen.lifecycle.finish_job import FinishJob
from evergreen.lifecycle.jobs import LEASE_S
from evergreen.lifecycle.renew_job import RenewJob
from evergreen.versions.code import read_code, write_code
from evergreen.views.configuration import ShowConfiguration
from evergreen.views.jobs import ListJobs

__all__ = ["drain", "perform_claimed", "work"]

IDLE_S = 0.05
_log = logging.getLogger("evergreen.worker")


def drain(client: LocalClient, *, on_job: Callable[[str], None] | None = None) -> int:
    """Perform jobs until none can be claimed; return how many were performed."""
    count = 0
    while _perform_next(client, on_job):
        count += 1
    return count


def work(client_for: Callable[[str], LocalClient], projects: Callable[[], list[str]], stop: threading.Event) -> None:
    """Perform the jobs of all projects until ``stop`` is set or the process that started this one is gone."""
    while not stop.is_set() and parent_is_alive():
        try:
            busy = [_perform_next(client_for(project), None) for project in projects()]
        except Unavailable as error:  # a full disk, a busy database: it may pass
            _log.warning("%s", error)
            stop.wait(1.0)
            continue
        if not any(busy):
            stop.wait(IDLE_S)


def perform_claimed(client: LocalClient, job: ClaimedJob, fence: Fence, folder: Path) -> None:
    """Perform a claimed job whose code lies in ``folder`` and write how it ended."""
    fenced = client.under(fence, f"{WORKER}:{job.kind}")
    try:
        result = perform(fenced, client.home, job, fence.job_id, folder)
    except JobTakenOver:
        return
    except EvergreenError as error:
        _finish(fenced, fence, error=_spell(error))
    except Exception as error:  # noqa: BLE001 - the process boundary of a job: whatever it was, it is written down
        _log.exception("job %s failed", fence.job_id)
        _finish(fenced, fence, error=f"{type(error).__name__}: {error}")
    else:
        _finish(fenced, fence, result=result)


def _perform_next(client: LocalClient, on_job: Callable[[str], None] | None) -> bool:
    if not client.send(ListJobs(is_open=True, limit=1)):  # a look costs no commit, a claim does
        return False
    job = client.send(ClaimJob())
    if job.fence is None:
        return False
    if on_job is not None:
        on_job(job.kind)
    folder = client.home.work_folder(job.fence.job_id)
    try:
        with _renewed(client, job.fence) as is_ours:
            if job.kind in RUNS_PROJECT_CODE:
                try:
                    _perform_fresh(client, job, job.fence, folder, is_ours)
                except (NotFound, Corrupt) as error:  # the code's objects: trying again cannot help
                    _finish(client.under(job.fence, f"{WORKER}:{job.kind}"), job.fence, error=_spell(error))
            else:
                perform_claimed(client, job, job.fence, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return True


def _perform_fresh(
    client: LocalClient, job: ClaimedJob, fence: Fence, folder: Path, is_ours: Callable[[], bool]
) -> None:
    """Lay out the applied code in a clean folder and perform the job there, in a fresh process."""
    applied = client.send(ShowConfiguration())
    shutil.rmtree(folder, ignore_errors=True)
    code = folder / "code"
    code.mkdir(parents=True)
    if applied.code is None:
        raise NotFound("nothing is applied, so there is no code to run")
    write_code(client.get, read_code(client.get, applied.code), code)
    spec = folder / "spec.json"
    spec.write_bytes(msgspec.json.encode(job))
    ended = run_fresh(
        "evergreen.faces.worker.fresh",
        [str(client.home.root), client.project, str(spec), str(code)],
        folder=code,
        log=folder / "log.txt",
        keep_going=lambda: is_ours() and parent_is_alive(),
    )
    if ended.exit_code != 0 and is_ours():
        fenced = client.under(fence, f"{WORKER}:{job.kind}")
        _finish(fenced, fence, error=f"its process ended with {ended.exit_code}: {ended.tail[-2000:]}")


def _finish(
    client: LocalClient, fence: Fence, *, result: dict[str, Any] | None = None, error: str | None = None
) -> None:  # JSON values
    """Write how the job ended, unless it is another worker's now or has ended already."""
    with suppress(JobTakenOver):
        client.send(FinishJob(job_id=fence.job_id, result=result or {}, error=error))


@contextmanager
def _renewed(client: LocalClient, fence: Fence) -> Iterator[Callable[[], bool]]:
    """Renew the lease while the body runs; gives a question that says whether the job is still ours."""
    done = threading.Event()
    lost = threading.Event()
    fenced = client.under(fence, WORKER)

    def renew() -> None:
        last = time.monotonic()
        while not done.wait(LEASE_S / 4):
            try:
                fenced.send(RenewJob(job_id=fence.job_id))
                last = time.monotonic()
            except Conflict:
                lost.set()
                return
            except EvergreenError:
                if time.monotonic() - last > LEASE_S:
                    lost.set()
                    return

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield lambda: not lost.is_set()
    finally:
        done.set()
        thread.join()


def _spell(error: EvergreenError) -> str:
    return error.message if error.hint is None else f"{error.message}\nhint: {error.hint}"
