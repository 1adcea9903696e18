"""Predicted probabilities with their outcomes, as a constant-size summary that adds up exactly.

For binary classification. All accumulators are integers; metrics are computed when it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from operator import add

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from evergreen.core.errors import Corrupt, Invalid
from evergreen.measures.metrics import PROBABILITY_CLIP

__all__ = ["SCORE_BINS", "ScoreCounts", "count_scores", "merge_all_scores", "merge_scores"]

SCORE_BINS = 256
_TENTHS = 10
_UNITS = 2**20
_BLOCK = 8192

# Bins of equal width in arcsin(sqrt(p)), where a share has the same standard error everywhere (Anscombe 1948):
# rare events are told apart as well as common ones.
_EDGES = np.sin(np.arange(1, SCORE_BINS) * math.pi / (2 * SCORE_BINS)) ** 2


class _Stored(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    schema: int
    zeros: tuple[int, ...]
    ones: tuple[int, ...]
    tenth_rows: tuple[int, ...]
    tenth_gaps: tuple[int, ...]
    loss: str
    loss_squares: str
    squared_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCounts:
    """Rows by score bin and outcome, and sums of per-row losses in units of 2**-20.

    The sum over no rows, ``ScoreCounts()``, is neutral in merging. ``tenth_rows`` and ``tenth_gaps`` hold rows and
    the sum of outcome less probability in ten equal-width bins of probability, for the calibration error.
    """

    zeros: tuple[int, ...] = (0,) * SCORE_BINS
    ones: tuple[int, ...] = (0,) * SCORE_BINS
    tenth_rows: tuple[int, ...] = (0,) * _TENTHS
    tenth_gaps: tuple[int, ...] = (0,) * _TENTHS
    loss: int = 0
    loss_squares: int = 0
    squared_error: int = 0

    @property
    def rows(self) -> int:
        """Predictions whose outcome is known."""
        return self.positives + self.negatives

    @property
    def positives(self) -> int:
        """Rows with outcome 1."""
        return sum(self.ones)

    @property
    def negatives(self) -> int:
        """Rows with outcome 0."""
        return sum(self.zeros)

    def base_rate(self) -> float:
        """Return the share of rows with outcome 1."""
        return self.positives / self._some_rows("base rate")

    def roc_auc(self) -> float:
        """Return the area under the ROC curve, rows of one bin counted as ties (within 0.001 of the exact one).

        Raises:
            Invalid: with one class only.
        """
        ones, zeros = np.array(self.ones, dtype=np.float64), np.array(self.zeros, dtype=np.float64)
        if not (pairs := float(ones.sum() * zeros.sum())):
            raise Invalid(f"roc_auc is undefined with {self.positives} ones and {self.negatives} zeros")
        below = np.cumsum(zeros) - zeros / 2
        return float(ones @ below) / pairs

    def log_loss(self) -> float:
        """Return the mean log loss in nats, exact to 1e-6."""
        return self.loss / _UNITS / self._some_rows("log_loss")

    def log_loss_deviation(self) -> float:
        """Return the standard deviation (divided by n) of a row's log loss."""
        rows = self._some_rows("log_loss")
        return math.sqrt(max(0, self.loss_squares * rows - self.loss**2)) / rows / _UNITS

    def brier(self) -> float:
        """Return the mean squared error of the probability, exact to 1e-6."""
        return self.squared_error / _UNITS / self._some_rows("brier")

    def calibration_error(self) -> float:
        """Return the expected calibration error over ten equal-width bins, exact to 1e-6."""
        return sum(abs(gap) for gap in self.tenth_gaps) / _UNITS / self._some_rows("calibration_error")

    def calibration_gap(self) -> float:
        """Return the mean probability less the share of outcomes, exact to 1e-6; above 0: too much is predicted."""
        return -sum(self.tenth_gaps) / _UNITS / self._some_rows("calibration_gap")

    def encode(self) -> bytes:
        """Return compact bytes (under 2 KB), from which ``decode`` makes equal counts."""
        sums = (str(self.loss), str(self.loss_squares), str(self.squared_error))
        return msgspec.msgpack.encode(_Stored(1, self.zeros, self.ones, self.tenth_rows, self.tenth_gaps, *sums))

    @staticmethod
    def decode(data: bytes) -> ScoreCounts:
        """Return the counts that were encoded.

        Raises:
            Corrupt: when the bytes are not encoded score counts.
        """
        try:
            stored = msgspec.msgpack.decode(data, type=_Stored)
            loss, loss_squares, squared_error = (
                int(text) for text in (stored.loss, stored.loss_squares, stored.squared_error)
            )
        except (msgspec.MsgspecError, ValueError) as error:
            raise Corrupt(f"these bytes are no score counts: {error}") from error
        sizes = [len(part) for part in (stored.zeros, stored.ones, stored.tenth_rows, stored.tenth_gaps)]
        if stored.schema != 1 or sizes != [SCORE_BINS, SCORE_BINS, _TENTHS, _TENTHS]:
            raise Corrupt(f"these score counts have schema {stored.schema} and sizes {sizes}, this release reads 1")
        return ScoreCounts(
            zeros=stored.zeros,
            ones=stored.ones,
            tenth_rows=stored.tenth_rows,
            tenth_gaps=stored.tenth_gaps,
            loss=loss,
            loss_squares=loss_squares,
            squared_error=squared_error,
        )

    def _some_rows(self, name: str) -> int:
        if not (rows := self.rows):
            raise Invalid(f"{name} is undefined without rows")
        return rows


def count_scores(outcome: ArrayLike, probability: ArrayLike) -> ScoreCounts:
    """Count predictions with their outcomes; no rows give the neutral element.

    Args:
        outcome: (n,) of 0 and 1.
        probability: (n,) of the chance of 1.

    Raises:
        Invalid: for lengths that differ, other outcomes than 0 and 1, or probabilities outside 0 to 1 (NaN too).
    """
    truth, score = np.asarray(outcome, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != score.shape:
        raise Invalid(f"scores need two columns of one length, found shapes {truth.shape} and {score.shape}")
    if not ((truth == 0) | (truth == 1)).all():
        raise Invalid("scores need outcomes of 0 and 1")
    if not ((score >= 0) & (score <= 1)).all():
        raise Invalid("scores need probabilities from 0 to 1")
    bins = np.searchsorted(_EDGES, score, side="right")
    tenths = np.minimum((score * _TENTHS).astype(np.int64), _TENTHS - 1)
    clipped = np.clip(score, PROBABILITY_CLIP, 1 - PROBABILITY_CLIP)
    loss = -np.where(truth == 1, np.log(clipped), np.log1p(-clipped))
    gaps = np.zeros(_TENTHS, dtype=np.int64)
    np.add.at(gaps, tenths, _whole(truth - score))
    return ScoreCounts(
        zeros=tuple(np.bincount(bins[truth == 0], minlength=SCORE_BINS).tolist()),
        ones=tuple(np.bincount(bins[truth == 1], minlength=SCORE_BINS).tolist()),
        tenth_rows=tuple(np.bincount(tenths, minlength=_TENTHS).tolist()),
        tenth_gaps=tuple(gaps.tolist()),
        loss=int(_whole(loss).sum()),
        loss_squares=_sum_of_squares(_whole(loss)),
        squared_error=int(_whole(np.square(truth - score)).sum()),
    )


def merge_scores(first: ScoreCounts, second: ScoreCounts) -> ScoreCounts:
    """Return the counts of both together: exact, in any order and grouping."""
    return ScoreCounts(
        zeros=tuple(map(add, first.zeros, second.zeros)),
        ones=tuple(map(add, first.ones, second.ones)),
        tenth_rows=tuple(map(add, first.tenth_rows, second.tenth_rows)),
        tenth_gaps=tuple(map(add, first.tenth_gaps, second.tenth_gaps)),
        loss=first.loss + second.loss,
        loss_squares=first.loss_squares + second.loss_squares,
        squared_error=first.squared_error + second.squared_error,
    )


def merge_all_scores(parts: Iterable[ScoreCounts]) -> ScoreCounts:
    """Return the counts of all parts together."""
    whole = ScoreCounts()
    for part in parts:
        whole = merge_scores(whole, part)
    return whole


def _whole(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(values * _UNITS).astype(np.int64)


def _sum_of_squares(values: NDArray[np.int64]) -> int:
    # A loss is below 2**24 units, so 8192 squares stay below 2**61.
    blocks = (values[start : start + _BLOCK] for start in range(0, values.size, _BLOCK))
    return sum(int(np.square(block).sum()) for block in blocks)
