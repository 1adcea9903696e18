"""An endpoint: the present predictor, the bounds of its answers, and the log of what it saw and said.

The predictor is swapped between two requests by assigning one name. An answer is given only once it is logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from evergreen.core.declaration import Outputs
from evergreen.core.errors import Corrupt, Invalid, Unavailable
from evergreen.serving.predictor import Predictor
from evergreen.traffic.predictions import Logged
from evergreen.traffic.segment import SegmentWriter

__all__ = ["Answer", "Endpoint", "Live"]

MOST_ROWS = 10_000
LONGEST_ID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What answers now. ``fallback`` stands in where an answer is out of bounds."""

    predictor: Predictor
    generation: int
    fallback: Predictor | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Answers in the order of the rows; ``fallbacks`` counts those that the previous version gave."""

    version: int
    predictions: list[float]
    fallbacks: int = 0


class Endpoint:
    """Answers requests by whichever version was swapped in last."""

    def __init__(self, name: str, outputs: Outputs, log: SegmentWriter) -> None:
        self.name = name
        self._outputs = outputs
        self._log = log
        self._live: Live | None = None

    @property
    def live(self) -> Live | None:
        """What answers now, or None before the first release."""
        return self._live

    def swap(self, live: Live) -> None:
        """Let ``live`` answer from the next request on."""
        self._live = live

    def answer(
        self, ids: Sequence[str], times: Sequence[str], rows: Sequence[dict[str, Any]]
    ) -> Answer:  # decoded JSON
        """Answer n ``rows``; each has an id of its own, under which its outcome will arrive, and a business time.

        Raises:
            ContractBroken: a row breaks the contract; then none is answered.
            Invalid: there are no rows or too many, or an id is missing, empty or there twice.
            Unavailable: nothing is released yet, or the log cannot be written.
        """
        live = self._live
        if live is None:
            raise Unavailable(f'endpoint "{self.name}" has no released version', hint="promote one first")
        _check_ids(ids, rows)
        table = live.predictor.contract.table(rows)
        answers, fallbacks = self._bounded(live, rows, live.predictor.answer(table))
        values = answers.tolist()
        # JSON keeps the caller's rows as they are; sealing decodes them off the request path.
        record = Logged(
            version=live.predictor.version,
            ids=list(ids),
            times=list(times),
            rows=msgspec.json.encode(rows),
            answers=values,
        )
        self._log.append(_encoder.encode(record))
        return Answer(version=live.predictor.version, predictions=values, fallbacks=fallbacks)

    def _bounded(
        self,
        live: Live,
        rows: Sequence[dict[str, Any]],  # decoded JSON
        answers: npt.NDArray[np.float64],
    ) -> tuple[npt.NDArray[np.float64], int]:
        broken = self._out_of_bounds(answers)
        if not broken.any():
            return answers, 0
        if self._outputs.on_violation == "previous" and live.fallback is not None:
            wrong = [row for row, is_broken in zip(rows, broken, strict=True) if is_broken]
            answers = answers.copy()
            answers[broken] = live.fallback.predict(
                [{name: row.get(name) for name in live.fallback.contract.names} for row in wrong]
            )
            if not self._out_of_bounds(answers).any():
                return answers, int(broken.sum())
        raise Corrupt(
            f"{live.predictor.name}@v{live.predictor.version} answered {answers[broken][0]:g}, "
            f"outside [{self._outputs.minimum}, {self._outputs.maximum}]",
            hint=f'roll back: "evergreen rollback {live.predictor.name} ALIAS"',
        )

    def _out_of_bounds(self, answers: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        broken: npt.NDArray[np.bool_] = ~np.isfinite(answers)
        if self._outputs.minimum is not None:
            broken |= answers < self._outputs.minimum
        if self._outputs.maximum is not None:
            broken |= answers > self._outputs.maximum
        return broken


_encoder = msgspec.msgpack.Encoder()


def _check_ids(ids: Sequence[str], rows: Sequence[object]) -> None:
    if not 0 < len(rows) <= MOST_ROWS:
        raise Invalid(f"the request has {len(rows)} rows, expected 1 to {MOST_ROWS}")
    for number, text in enumerate(ids):
        if not 0 < len(text) <= LONGEST_ID:
            raise Invalid(f"$.rows[{number}].id has {len(text)} characters, expected 1 to {LONGEST_ID}")
    if len(set(ids)) != len(ids):
        twice = next(text for text in ids if list(ids).count(text) > 1)
        raise Invalid(f'id "{twice}" is in the request twice', hint="give each row an id of its own")
