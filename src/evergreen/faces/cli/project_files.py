"""The text of the two files that ``init`` writes: to be read, and changed, by their new owner."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evergreen.faces.cli.reading import Reading

__all__ = ["declaration_text", "pipeline_text"]

WIDTH = 100


def declaration_text(found: Reading, *, name: str, model: str) -> str:
    """Return ``evergreen.toml``. Monitor and rules are there only where rows have a time: drift is seen in windows."""
    roles = {"key": found.key, "time": found.time}
    columns = "".join(f"{role:6} = {_quoted(column)}\n" for role, column in roles.items() if column is not None)
    text = f"""\
# The lifecycle as code: `evergreen plan` shows what would change, `evergreen apply` makes it so.
[project]
name = {_quoted(name)}

[datasets.{name}]
{columns}checks = ["rows > 0"]

[models.{model}]
task     = "binary-classification"
pipeline = "pipeline:train"
# Scored on the newest fifth of the rows. The absolute bounds only keep nonsense out: raise them to what you need.
gate     = [
  "roc_auc >= 0.5",
  "log_loss <= champion.log_loss + 0.01",
]

[endpoints.{model}]
model   = "{model}@production"
outputs = {{ minimum = 0.0, maximum = 1.0, on_violation = "previous" }}
"""
    return text if found.time is None else text + _watching(found, model)


def _watching(found: Reading, model: str) -> str:
    return f"""
# Outcomes come by `evergreen outcomes add {model} FILE`; within says how long they take.
[monitors.{model}]
endpoint     = "{model}"
window       = "{found.window}"
outcomes     = {{ within = "7d" }}
false_alarms = "1 per year"

[[rules]]
on       = "performance.degraded"
do       = "retrain"
with     = {{ model = "{model}" }}
cooldown = "7d"

[[rules]]
on       = "drift.detected"
do       = "retrain"
with     = {{ model = "{model}" }}
cooldown = "7d"
"""


def pipeline_text(found: Reading, *, dataset: str, file: str) -> str:
    """Return ``pipeline.py``: one step that prepares rows, one that fits, and the pipeline of both."""
    inputs = [name for name, columns in (("CATEGORIES", found.categories), ("NUMBERS", found.numbers)) if columns]
    lines = [f"TARGET = {_quoted(found.target)}"]
    if found.time is not None:
        lines.append(f"TIME = {_quoted(found.time)}")
    if found.categories:
        lines.append(_list("CATEGORIES", found.categories))
    if found.numbers:
        lines.append(_list("NUMBERS", found.numbers))
    lines.append(f"INPUTS = [{', '.join(f'*{name}' for name in inputs)}]")
    if found.nullable:
        lines += ["", "# Null in some rows; a request may leave them null too.", _list("NULLABLE", found.nullable)]
    constants = "\n".join(lines)
    kept = "TIME, *INPUTS, TARGET" if found.time is not None else "*INPUTS, TARGET"
    categorical = "        categorical_features=CATEGORIES,\n" if found.categories else ""
    nullable = ", nullable=NULLABLE" if found.nullable else ""
    return f'''\
"""Predict {_prose(found.target)} from the other columns of {_prose(file)}."""

from __future__ import annotations

import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

import evergreen as eg

{constants}


@eg.step
def features(rows: eg.Table) -> eg.Table:
    """{_features_idea(found)}"""
    labelled = rows.filter(pl.col(TARGET).is_not_null())
    return labelled.select({kept}){_label(found)}


@eg.step
def fit(rows: eg.Table, learning_rate: float = 0.1) -> eg.Model:
    """Fit boosted trees."""
    estimator = HistGradientBoostingClassifier(
{categorical}        learning_rate=learning_rate,
        early_stopping=False,
        random_state=0,
    )
    estimator.fit(rows.select(INPUTS), rows[TARGET].to_numpy())
    return eg.Model(estimator=estimator, rows=rows, inputs=INPUTS, target=TARGET{nullable})


@eg.pipeline
{_pipeline(found, dataset)}'''


def _pipeline(found: Reading, dataset: str) -> str:
    if found.time is None:
        return f'''\
def train(holdout: str = "20%", learning_rate: float = 0.1) -> eg.Model:
    """Train on all rows without the last ``holdout``, which the gate scores."""
    rows = eg.dataset({_quoted(dataset)}, holdout=holdout)
    return fit(features(rows), learning_rate=learning_rate)
'''
    return f'''\
def train(window: str | None = None, holdout: str = "20%", learning_rate: float = 0.1) -> eg.Model:
    """Train on the last ``window`` (all rows without one) but its newest ``holdout``, which the gate scores."""
    rows = eg.dataset({_quoted(dataset)}, last=window, holdout=holdout)
    return fit(features(rows), learning_rate=learning_rate)
'''


def _features_idea(found: Reading) -> str:
    if found.positive is None:
        return "Keep the rows whose target is known, and the columns that the model is made of."
    positive, negative = (_prose(str(value))[:30] for value in (found.positive, found.negative))
    return f"Keep the rows whose target is known; {positive} counts as 1, {negative} as 0."


def _label(found: Reading) -> str:
    if found.positive is not None:
        value = _quoted(found.positive) if isinstance(found.positive, str) else repr(found.positive)
        return f".with_columns((pl.col(TARGET) == {value}).cast(pl.Int8))"
    return ".with_columns(pl.col(TARGET).cast(pl.Int8))"


def _list(name: str, values: Sequence[str]) -> str:
    line = f"{name} = [{', '.join(map(_quoted, values))}]"
    if len(line) <= WIDTH:
        return line
    return f"{name} = [\n" + "".join(f"    {_quoted(value)},\n" for value in values) + "]"


def _quoted(text: str) -> str:
    """Return ``text`` as a string literal of both Python and TOML."""
    return json.dumps(text, ensure_ascii=False)


def _prose(text: str) -> str:
    """Return ``text`` as it may stand in a docstring."""
    return text.replace("\\", "/").replace('"', "'").replace("\n", " ")[:60]
