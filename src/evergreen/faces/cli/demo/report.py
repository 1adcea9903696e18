"""The demo's last page: the frozen first model against the endpoint, month by month, on the same real requests."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from evergreen.checks.gate import metrics_of
from evergreen.core.client import Client
from evergreen.serving.predictor import load_predictor
from evergreen.traffic.predictions import ANSWER, AT, ID, VERSION, inputs_of
from evergreen.versions.models import read_model
from evergreen.views.traffic import FindBatches, FindOutcomes
from evergreen.views.versions import FindVersion

__all__ = ["Comparison", "Row", "compare_with_frozen"]

IDS_AT_ONCE = 20_000
TASK = "binary-classification"
FOREVER = "9999-12-31T00:00:00.000000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One month, or the whole time: metrics of both on the predictions that have an outcome."""

    label: str
    predictions: int
    late: float
    versions: tuple[int, ...]
    frozen: dict[str, float]
    endpoint: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Months, then the whole; predictions without an outcome (cancelled, diverted) are counted apart."""

    months: tuple[Row, ...]
    whole: Row
    without_outcome: int

    @property
    def is_better(self) -> bool:
        """Whether the endpoint beats the frozen model over the whole time, in ranking and in log loss."""
        mine, frozen = self.whole.endpoint, self.whole.frozen
        return mine["roc_auc"] > frozen["roc_auc"] and mine["log_loss"] < frozen["log_loss"]


def compare_with_frozen(client: Client, endpoint: str, model: str, frozen: int) -> Comparison:
    """Score version ``frozen`` on everything that the endpoint was asked, beside what the endpoint answered."""
    found = client.send(FindBatches(endpoint=endpoint))
    tables = [pl.read_parquet(io.BytesIO(client.get(digest))) for digest in found.digests]
    asked = pl.concat(tables, how="diagonal_relaxed").unique(subset=ID, keep="first", maintain_order=True)
    labelled = asked.join(_outcomes(client, endpoint, asked[ID].to_list()), on=ID, how="inner").sort(AT, ID)
    version = client.send(FindVersion(kind="model", reference=f"{model}@v{frozen}"))
    predictor = load_predictor(client.get, read_model(client.get, version.manifest), frozen)
    answers = predictor.answer(inputs_of(labelled))
    months = labelled[AT].dt.strftime("%Y-%m").to_numpy()
    rows = [_row(month, labelled, answers, months == month) for month in sorted(set(months.tolist()))]
    return Comparison(
        months=tuple(rows),
        whole=_row("all", labelled, answers, np.ones(labelled.height, dtype=bool)),
        without_outcome=asked.height - labelled.height,
    )


def _outcomes(client: Client, endpoint: str, ids: Sequence[str]) -> pl.DataFrame:
    parts = []
    for start in range(0, len(ids), IDS_AT_ONCE):
        known = client.send(FindOutcomes(endpoint=endpoint, ids=list(ids[start : start + IDS_AT_ONCE]), as_of=FOREVER))
        parts.append(
            pl.DataFrame({ID: known.ids, "outcome": known.values}, schema={ID: pl.String, "outcome": pl.Float64})
        )
    return pl.concat(parts)


def _row(label: str, rows: pl.DataFrame, frozen: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]) -> Row:
    part = rows.filter(pl.Series(chosen))
    outcome = part["outcome"].to_numpy()
    return Row(
        label=label,
        predictions=part.height,
        late=float(outcome.mean()),
        versions=tuple(sorted(part[VERSION].unique().to_list())),
        frozen=metrics_of(outcome, frozen[chosen], TASK),
        endpoint=metrics_of(outcome, part[ANSWER].to_numpy(), TASK),
    )
