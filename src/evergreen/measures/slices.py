"""A metric within groups of rows: the worst group, and how evenly groups are selected.

A group that is too small to measure is left out and counted; when no group can be measured the value is None,
which a gate must read as inconclusive, never as a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evergreen.core.errors import Invalid
from evergreen.measures.metrics import Metric

__all__ = ["MINIMUM_ROWS", "RateRatio", "WorstSlice", "selection_rate_ratio", "worst_slice"]

MINIMUM_ROWS = 30
"""Groups with fewer rows are not judged: their value would be mostly noise."""

Labels = ArrayLike
_Array = NDArray[Any]  # any label type that numpy can sort


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstSlice:
    """The group where a metric is worst; ``value`` is None when no group could be judged.

    ``rows`` counts the worst group's rows, ``judged`` and ``skipped`` count groups.
    """

    metric: str
    value: float | None
    by: str | None
    label: str | None
    rows: int
    judged: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRatio:
    """Lowest group's selection rate over the highest's; ``value`` is None with fewer than two judged groups."""

    value: float | None
    lowest: str | None
    highest: str | None
    judged: int
    skipped: int


def worst_slice(
    metric: Metric,
    outcome: ArrayLike,
    prediction: ArrayLike,
    groups: Mapping[str, Labels],
    minimum: int = MINIMUM_ROWS,
) -> WorstSlice:
    """Return the group with the worst value of ``metric``.

    Args:
        metric: an entry of the metric table.
        outcome: (n,) truths.
        prediction: (n,) predictions.
        groups: name of a grouping to its (n,) labels; each grouping is looked at on its own.
        minimum: rows that a group needs to be judged; where the metric needs both classes, both must be present.

    Raises:
        Invalid: when there are no groupings, or lengths differ.
    """
    truth, value = np.asarray(outcome), np.asarray(prediction)
    if not groups:
        raise Invalid(f"worst_slice({metric.name}) needs at least one column to group by")
    worst: tuple[float, str, str, int] | None = None
    judged = skipped = 0
    for by, labels in groups.items():
        for label, rows in _groups(by, labels, truth.shape[0]):
            chosen = truth[rows]
            if rows.size < minimum or (metric.needs_both_classes and np.unique(chosen).size < 2):
                skipped += 1
                continue
            judged += 1
            found = metric.function(chosen, value[rows])
            if worst is None or ((found < worst[0]) == metric.higher_is_better and found != worst[0]):
                worst = (found, by, label, rows.size)
    if worst is None:
        return WorstSlice(metric=metric.name, value=None, by=None, label=None, rows=0, judged=0, skipped=skipped)
    found, by, label, size = worst
    return WorstSlice(metric=metric.name, value=found, by=by, label=label, rows=size, judged=judged, skipped=skipped)


def selection_rate_ratio(
    prediction: ArrayLike, labels: Labels, threshold: float = 0.5, minimum: int = MINIMUM_ROWS
) -> RateRatio:
    """Return the lowest group's share of ``prediction >= threshold`` divided by the highest group's.

    1 means that all groups are selected alike; the "four-fifths rule" of the US Uniform Guidelines (1978) asks for at
    least 0.8. When nobody is selected in any group, groups are treated alike and the ratio is 1.

    Raises:
        Invalid: when lengths differ.
    """
    value = np.asarray(prediction, dtype=np.float64)
    rates: list[tuple[float, str]] = []
    skipped = 0
    for label, rows in _groups("labels", labels, value.shape[0]):
        if rows.size < minimum:
            skipped += 1
        else:
            rates.append((float((value[rows] >= threshold).mean()), label))
    if len(rates) < 2:
        return RateRatio(value=None, lowest=None, highest=None, judged=len(rates), skipped=skipped)
    low, high = min(rates), max(rates)
    ratio = low[0] / high[0] if high[0] > 0 else 1.0
    return RateRatio(value=ratio, lowest=low[1], highest=high[1], judged=len(rates), skipped=skipped)


def _groups(by: str, labels: Labels, rows: int) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Yield each label with the rows that carry it, in the order of the labels."""
    column: _Array = np.asarray(labels)
    if column.shape != (rows,):
        raise Invalid(f'cannot group by "{by}": {column.shape[0] if column.ndim else 0} labels for {rows} rows', by=by)
    if column.dtype == object:
        column = column.astype(str)
    names, place, count = np.unique(column, return_inverse=True, return_counts=True)
    by_group = np.split(np.argsort(place, kind="stable"), np.cumsum(count)[:-1])
    yield from ((str(name), members) for name, members in zip(names, by_group, strict=True))
