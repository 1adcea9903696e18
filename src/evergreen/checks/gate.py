"""A gate's measurement: candidate and champion scored on the same rows, later than any that either was trained on.

"Add a gate metric" is an entry in ``measures.metrics.METRICS``; the words of a gate follow from that table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from evergreen.core.errors import EvergreenError
from evergreen.core.evaluation import NotApplicable, Unknown, Value, Verdict, evaluate
from evergreen.core.syntax import Call, Name
from evergreen.core.vocabulary import Kind, Parameter, Signature, Vocabulary, arguments, require
from evergreen.measures.metrics import METRICS, Task, find_metric
from evergreen.measures.slices import selection_rate_ratio, worst_slice

__all__ = ["GateCheck", "Scored", "gate_vocabulary", "measure_gate", "metrics_of"]

_CHAMPION = "champion."
_VERDICTS = {
    Verdict.HOLDS: "pass",
    Verdict.FAILS: "fail",
    Verdict.NOT_APPLICABLE: "not applicable",
    Verdict.UNKNOWN: "inconclusive",
}


class GateCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a gate: its verdict, what was measured, and by how much it held or failed."""

    text: str
    verdict: str
    measured: dict[str, Any]  # JSON values, by the names in the text
    margin: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The rows of an evaluation: n outcomes, n answers of the candidate and, if there is one, of the champion."""

    outcome: npt.NDArray[np.float64]
    candidate: npt.NDArray[np.float64]
    champion: npt.NDArray[np.float64] | None
    groups: Mapping[str, npt.NDArray[Any]]  # labels of any type, by input name


def gate_vocabulary(task: str) -> Vocabulary:
    """Return what a gate for ``task`` may name."""
    metrics = frozenset(name for name, metric in METRICS.items() if metric.task is Task(task))
    names = dict.fromkeys((*metrics, *(_CHAMPION + name for name in metrics)), Kind.NUMBER)
    functions = {
        "worst_slice": Signature(
            parameters=(
                Parameter(name="metric", kind=Kind.NAME, among=metrics),
                Parameter(name="by", kind=Kind.NAMES),
            ),
            returns=Kind.NUMBER,
        ),
        "selection_rate_ratio": Signature(parameters=(Parameter(name="by", kind=Kind.NAME),), returns=Kind.NUMBER),
    }
    return Vocabulary(names={"rows": Kind.NUMBER} | names, functions=functions)


def measure_gate(gate: Sequence[str], scored: Scored, task: str) -> list[GateCheck]:
    """Return the verdict of each statement of ``gate`` on ``scored``."""
    vocabulary = gate_vocabulary(task)
    lookup = _Lookup(scored=scored, vocabulary=vocabulary)
    checks = []
    for text in gate:
        outcome = evaluate(require(text, vocabulary), lookup)
        checks.append(
            GateCheck(
                text=text,
                verdict=_VERDICTS[outcome.verdict],
                measured={name: _plain(value) for name, value in outcome.measured.items()},
                margin=outcome.margin,
                reason=outcome.reason,
            )
        )
    return checks


def metrics_of(outcome: npt.NDArray[np.float64], answers: npt.NDArray[np.float64], task: str) -> dict[str, float]:
    """Return each metric of ``task`` that is defined on these rows."""
    values = {}
    for name, metric in METRICS.items():
        if metric.task is Task(task):
            try:
                values[name] = metric.function(outcome, answers)
            except EvergreenError:
                continue  # undefined here, for example with one class only
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lookup:
    """Gives the value of a gate's term on the scored rows."""

    scored: Scored
    vocabulary: Vocabulary

    def __call__(self, term: Name | Call) -> Value:
        if not self.scored.outcome.size and term != Name("rows"):
            return Unknown("there are no rows later than the training rows")
        if isinstance(term, Name):
            return self._metric(term.name)
        given = arguments(term, self.vocabulary.functions[term.function])
        by = given["by"]
        columns = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, tuple) else ()
        missing = [column for column in columns if column not in self.scored.groups]
        if missing:
            return Unknown(f"the model has no input {', '.join(map(repr, missing))}")
        if term.function == "selection_rate_ratio":
            ratio = selection_rate_ratio(self.scored.candidate, self.scored.groups[columns[0]])
            return Unknown("fewer than two groups are large enough") if ratio.value is None else ratio.value
        worst = worst_slice(
            find_metric(str(given["metric"])),
            self.scored.outcome,
            self.scored.candidate,
            {column: self.scored.groups[column] for column in columns},
        )
        return Unknown("no group is large enough") if worst.value is None else worst.value

    def _metric(self, name: str) -> Value:
        if name == "rows":
            return int(self.scored.outcome.size)
        answers = self.scored.candidate
        if name.startswith(_CHAMPION):
            if self.scored.champion is None:
                return NotApplicable("nobody holds the alias yet, so there is no champion")
            name, answers = name.removeprefix(_CHAMPION), self.scored.champion
        try:
            return METRICS[name].function(self.scored.outcome, answers)
        except EvergreenError as error:
            return Unknown(error.message)


def _plain(value: Value) -> object:
    return value if isinstance(value, (int, float, bool, str)) else value.reason
