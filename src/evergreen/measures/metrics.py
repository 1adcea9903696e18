"""How good a prediction was: one function per metric, and the table that gates name them by.

To add a gate metric, write its function here and give it one entry in ``METRICS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evergreen.core.errors import Invalid, NotFound, nearest

__all__ = [
    "METRICS",
    "PROBABILITY_CLIP",
    "Metric",
    "Task",
    "accuracy",
    "brier",
    "calibration_error",
    "find_metric",
    "log_loss",
    "mae",
    "rmse",
    "roc_auc",
]

PROBABILITY_CLIP = 1e-6
"""Log loss moves probabilities into [1e-6, 1 - 1e-6], so one wrong certainty costs 13.8 nats, not infinity."""


class Task(Enum):
    """What kind of value a model predicts."""

    BINARY = "binary-classification"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One way to score predictions: ``function(outcome, prediction) -> float`` and how to read its value."""

    name: str
    function: Callable[[ArrayLike, ArrayLike], float]
    task: Task
    higher_is_better: bool
    needs_both_classes: bool = False


def roc_auc(outcome: ArrayLike, probability: ArrayLike) -> float:
    """Return the area under the ROC curve, ties counted half.

    It is the Mann-Whitney statistic divided by its maximum: the chance that a random positive is scored above a
    random negative (Hanley and McNeil 1982). Costs one sort.

    Args:
        outcome: (n,) of 0 and 1, both present.
        probability: (n,) of the chance of 1.

    Raises:
        Invalid: when the input is empty or has one class only.

    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    truth, score = _binary("roc_auc", outcome, probability)
    positives = int(truth.sum())
    negatives = truth.size - positives
    if positives == 0 or negatives == 0:
        raise Invalid(
            f"roc_auc is undefined: all {truth.size} outcomes are {int(truth[0])}, both classes are needed",
            metric="roc_auc",
            rows=truth.size,
        )
    _, position, count = np.unique(score, return_inverse=True, return_counts=True)
    mid_rank = np.cumsum(count) - (count - 1) / 2
    rank_sum = float(mid_rank[position][truth == 1].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def log_loss(outcome: ArrayLike, probability: ArrayLike) -> float:
    """Return the mean negative log likelihood in nats, with probabilities clipped to [1e-6, 1 - 1e-6].

    >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
    0.6931
    """
    truth, score = _binary("log_loss", outcome, probability)
    clipped = np.clip(score, PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)
    return float(-np.where(truth == 1, np.log(clipped), np.log1p(-clipped)).mean())


def brier(outcome: ArrayLike, probability: ArrayLike) -> float:
    """Return the mean squared distance of probability and outcome (Brier 1950), between 0 and 1.

    >>> brier([1, 0], [0.5, 0.5])
    0.25
    """
    truth, score = _binary("brier", outcome, probability)
    return float(np.square(score - truth).mean())


def accuracy(outcome: ArrayLike, probability: ArrayLike, threshold: float = 0.5) -> float:
    """Return the share of rows where ``probability >= threshold`` agrees with the outcome.

    >>> accuracy([1, 0, 1, 0], [0.9, 0.2, 0.4, 0.5])
    0.5
    """
    truth, score = _binary("accuracy", outcome, probability)
    return float(((score >= threshold) == (truth == 1)).mean())


def calibration_error(outcome: ArrayLike, probability: ArrayLike, bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins of probability.

    The sum over bins b of (n_b / n) * |mean outcome - mean probability| (Naeini, Cooper and Hauskrecht 2015).
    Equal width rather than equal mass, so that it can also be computed from score counts that were merged.

    >>> round(calibration_error([1, 0, 1, 1], [0.75, 0.75, 0.75, 0.75]), 4)
    0.0
    """
    truth, score = _binary("calibration_error", outcome, probability)
    place = np.minimum((score * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=truth - score, minlength=bins)
    return float(np.abs(gap).sum() / truth.size)


def mae(outcome: ArrayLike, prediction: ArrayLike) -> float:
    """Return the mean absolute error, in units of the outcome."""
    truth, value = _paired("mae", outcome, prediction)
    return float(np.abs(truth - value).mean())


def rmse(outcome: ArrayLike, prediction: ArrayLike) -> float:
    """Return the root of the mean squared error, in units of the outcome."""
    truth, value = _paired("rmse", outcome, prediction)
    return float(np.sqrt(np.square(truth - value).mean()))


_TABLE = (
    Metric(name="roc_auc", function=roc_auc, task=Task.BINARY, higher_is_better=True, needs_both_classes=True),
    Metric(name="log_loss", function=log_loss, task=Task.BINARY, higher_is_better=False),
    Metric(name="brier", function=brier, task=Task.BINARY, higher_is_better=False),
    Metric(name="accuracy", function=accuracy, task=Task.BINARY, higher_is_better=True),
    Metric(name="calibration_error", function=calibration_error, task=Task.BINARY, higher_is_better=False),
    Metric(name="mae", function=mae, task=Task.REGRESSION, higher_is_better=False),
    Metric(name="rmse", function=rmse, task=Task.REGRESSION, higher_is_better=False),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _TABLE})
"""All metrics that a gate may name."""


def find_metric(name: str, task: Task | None = None) -> Metric:
    """Return the metric of that name, made for ``task`` when one is given.

    Raises:
        NotFound: for an unknown name, with near matches as the hint.
        Invalid: when the metric belongs to another task.
    """
    if name not in METRICS:
        known = [metric.name for metric in _TABLE if task in (None, metric.task)]
        raise NotFound(f'there is no metric "{name}"', hint=nearest(name, known), metric=name)
    metric = METRICS[name]
    if task is not None and metric.task is not task:
        raise Invalid(f'metric "{name}" is for {metric.task.value}, the model\'s task is {task.value}', metric=name)
    return metric


def _paired(name: str, outcome: ArrayLike, prediction: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth = np.asarray(outcome, dtype=np.float64)
    value = np.asarray(prediction, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != value.shape:
        raise Invalid(
            f"{name} needs two columns of one length, found shapes {truth.shape} and {value.shape}", metric=name
        )
    if truth.size == 0:
        raise Invalid(f"{name} is undefined without rows", metric=name, rows=0)
    if not (np.isfinite(truth).all() and np.isfinite(value).all()):
        raise Invalid(f"{name} needs finite numbers, found null, NaN or infinity", metric=name)
    return truth, value


def _binary(name: str, outcome: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth, score = _paired(name, outcome, probability)
    if not ((truth == 0) | (truth == 1)).all():
        raise Invalid(f"{name} needs outcomes of 0 and 1", metric=name)
    if score.min() < 0 or score.max() > 1:
        raise Invalid(
            f"{name} needs probabilities from 0 to 1, found {score.min():.6g} to {score.max():.6g}", metric=name
        )
    return truth, score
