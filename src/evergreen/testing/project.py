"""A project so small that it trains in a moment: for tests that need a real model rather than a good one.

Each visit has a number ``x`` and a ``page``; whether it ends in a purchase follows from ``x``. ``flipped`` turns that
relation around, which no column shows, only the outcomes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from evergreen.core.declaration import Declaration
from evergreen.core.declaration_file import FILE, read_declaration
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.lifecycle.apply import Apply
from evergreen.lifecycle.create_project import CreateProject
from evergreen.versions.code import manifest_bytes, snapshot

__all__ = ["DECLARATION", "EPOCH", "PIPELINE", "apply_project", "day", "request", "visits", "write_project"]

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
"""The day that ``visits`` counts from."""

DECLARATION = """\
[project]
name = "shop"

[datasets.visits]
key    = "visit"
time   = "at"
checks = ["rows > 0", "x between -100 and 100", "null_rate(page) == 0"]

[models.buys]
task     = "binary-classification"
pipeline = "pipeline:train"
gate     = ["roc_auc >= 0.6", "roc_auc >= champion.roc_auc - 0.02"]

[endpoints.buys]
model   = "buys@production"
outputs = { minimum = 0.0, maximum = 1.0, on_violation = "previous" }

[monitors.buys]
endpoint     = "buys"
window       = "1d"
outcomes     = { within = "1d", dataset = "visits" }
false_alarms = "1 per month"

[[rules]]
on       = "performance.degraded"
do       = "retrain"
with     = { model = "buys", window = "14d", holdout = "4d" }
cooldown = "3d"
"""

PIPELINE = """\
import polars as pl
from sklearn.linear_model import LogisticRegression

import evergreen as eg


@eg.step
def features(visits: eg.Table) -> eg.Table:
    return visits.select("at", "x", "bought")


@eg.step
def fit(rows: eg.Table, strength: float = 1.0) -> eg.Model:
    estimator = LogisticRegression(C=strength)
    estimator.fit(rows.select("x"), rows["bought"].to_numpy())
    eg.log(coefficient=float(estimator.coef_[0, 0]))
    return eg.Model(estimator=estimator, rows=rows, inputs=["x"], target="bought")


@eg.pipeline
def train(window: str = "60d", holdout: str = "16d", strength: float = 1.0) -> eg.Model:
    return fit(features(eg.dataset("visits", last=window, holdout=holdout)), strength=strength)
"""


def day(number: int) -> datetime:
    """Return when the day of that number begins."""
    return EPOCH + timedelta(days=number)


def visits(first_day: int, days: int, *, flipped: bool = False, a_day: int = 80) -> pl.DataFrame:
    """Return the visits of some days, always the same for the same day."""
    parts = []
    for number in range(first_day, first_day + days):
        random = np.random.default_rng(number)
        x = random.normal(size=a_day).round(3)
        slope = -2.0 if flipped else 2.0
        bought = random.random(a_day) < 1 / (1 + np.exp(-slope * x))
        parts.append(
            pl.DataFrame(
                {
                    "visit": [f"{number}-{visit}" for visit in range(a_day)],
                    "at": [day(number) + timedelta(minutes=15 * visit) for visit in range(a_day)],
                    "x": x,
                    "page": random.choice(["home", "sale"], a_day),
                    "bought": bought.astype(np.int8),
                }
            )
        )
    return pl.concat(parts)


def request(rows: pl.DataFrame) -> list[dict[str, object]]:
    """Return visits as the rows of a request."""
    return [{"id": visit, "at": at.isoformat(), "x": x} for visit, at, x in rows.select("visit", "at", "x").iter_rows()]


def write_project(folder: Path, *, declaration: str = DECLARATION, pipeline: str = PIPELINE) -> Path:
    """Write the project's two files and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(declaration, encoding="utf-8")
    (folder / "pipeline.py").write_text(pipeline, encoding="utf-8")
    return folder


def apply_project(folder: Path) -> tuple[LocalClient, Declaration]:
    """Make the project in the home beside its files, and apply it."""
    declaration = read_declaration(folder / FILE)
    client = open_local(folder / ".evergreen", declaration.project.name, create=True)
    client.send(CreateProject())
    code, contents = snapshot(folder)
    for data in contents.values():
        client.put(data)
    client.send(Apply(declaration=declaration, code=client.put(manifest_bytes(code))))
    return client, declaration
