"""The table of views: every query that Evergreen answers. "Add a view" is a file and a line here."""

from __future__ import annotations

from evergreen.core.message import Handler
from evergreen.views.configuration import show_configuration
from evergreen.views.endpoints import show_endpoint
from evergreen.views.jobs import list_jobs
from evergreen.views.monitors import list_evidence, list_windows
from evergreen.views.runs import find_cached_step, list_runs, show_run
from evergreen.views.status import show_status
from evergreen.views.timeline import show_timeline
from evergreen.views.traffic import find_batches, find_outcomes
from evergreen.views.versions import find_version, list_versions, newest_version, show_holder
from evergreen.views.why import show_why

__all__ = ["VIEWS"]

VIEWS = tuple(
    Handler.of(view)
    for view in (
        find_batches,
        find_cached_step,
        find_outcomes,
        find_version,
        list_evidence,
        list_jobs,
        list_runs,
        list_versions,
        list_windows,
        newest_version,
        show_configuration,
        show_endpoint,
        show_holder,
        show_run,
        show_status,
        show_timeline,
        show_why,
    )
)
