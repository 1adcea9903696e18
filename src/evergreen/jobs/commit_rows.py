"""Committing rows to a dataset: store the bytes, run the declared checks, register the version."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import polars as pl

from evergreen.checks.data import check_rows
from evergreen.core.canonical import canonical
from evergreen.core.client import Client
from evergreen.core.clock import isoformat
from evergreen.core.declaration import DatasetSection, Declaration
from evergreen.core.errors import Conflict
from evergreen.core.ids import derived_id, new_id
from evergreen.lifecycle.commit_dataset import CommitDataset
from evergreen.traffic.outcomes import Outcome
from evergreen.versions.datasets import CheckResult, DatasetManifest, as_table, parquet_bytes, with_fragment
from evergreen.versions.models import read_model
from evergreen.views.configuration import ShowConfiguration
from evergreen.views.endpoints import ShowEndpoint
from evergreen.views.versions import NewestVersion

__all__ = ["Committed", "commit_rows"]

ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The version that was made, with its checks; ``usable`` is false where one did not pass."""

    number: int
    usable: bool
    rows: int
    checks: tuple[CheckResult, ...]


def commit_rows(client: Client, name: str, rows: object, *, commit_id: str | None = None) -> Committed:
    """Commit ``rows`` as the next version of the dataset ``name`` and return it.

    A row whose key is there already replaces the older one. A commit whose checks do not pass is kept as a version,
    but nothing uses it: the next commit goes on from the version before. ``commit_id`` makes the commit repeatable.

    Raises:
        Invalid: the rows are no table, or their columns do not fit the dataset.
    """
    table = as_table(rows)
    applied = client.send(ShowConfiguration()).declaration
    section = applied.datasets.get(name, DatasetSection()) if applied else DatasetSection()
    checks = tuple(check_rows(text, table) for text in section.checks)
    usable = all(check.verdict == "pass" for check in checks)
    digest = client.put(parquet_bytes(table))
    outcomes = _outcomes(client, applied, name, section, table) if usable and applied else {}
    base = commit_id or new_id()
    for attempt in range(ATTEMPTS):
        before = client.send(NewestVersion(kind="dataset", name=name))
        known = msgspec.json.decode(client.get(before.manifest), type=DatasetManifest) if before.number else None
        if commit_id is not None and known is not None and any(item.digest == digest for item in known.fragments):
            return Committed(number=before.number, usable=True, rows=known.rows, checks=checks)  # it was made already
        manifest = with_fragment(name, known, table, digest, key=section.key, time=section.time, checks=checks)
        try:
            done = client.send(
                CommitDataset(
                    command_id=derived_id(base, str(attempt)),
                    name=name,
                    manifest=client.put(canonical(manifest)),
                    after=before.number or None,
                    usable=usable,
                    failed_checks=[check.text for check in checks if check.verdict != "pass"],
                    outcomes=outcomes,
                )
            )
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            continue  # somebody else committed: add to theirs
        return Committed(number=done.number, usable=done.usable, rows=manifest.rows, checks=checks)
    raise Conflict(f'dataset "{name}" was committed to by others {ATTEMPTS} times in a row', hint="try again")


def _outcomes(
    client: Client, applied: Declaration, name: str, section: DatasetSection, table: pl.DataFrame
) -> dict[str, list[Outcome]]:
    """Return the outcomes that these rows tell, where a monitor names the dataset as their source."""
    found: dict[str, list[Outcome]] = {}
    for monitor in applied.monitors.values():
        if monitor.outcomes is None or monitor.outcomes.dataset != name or section.key is None or section.time is None:
            continue
        live = client.send(ShowEndpoint(name=monitor.endpoint)).live
        if live is None:
            continue  # no prediction was made yet that an outcome could be for
        target = read_model(client.get, live.manifest).target
        if target not in table.columns:
            continue
        known = table.drop_nulls(target).select(section.key, section.time, target)
        found[monitor.endpoint] = [
            Outcome(prediction_id=str(key), value=float(value), known_at=isoformat(time))
            for key, time, value in known.iter_rows()
        ]
    return found
