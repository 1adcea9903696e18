"""``evergreen outcomes add``: the truth about predictions, from a file."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from evergreen.core.clock import isoformat
from evergreen.core.errors import Invalid, nearest
from evergreen.faces.cli.files import read_rows
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import print_json
from evergreen.faces.cli.place import open_project
from evergreen.lifecycle.record_outcomes import MOST, RecordedOutcomes, RecordOutcomes
from evergreen.traffic.outcomes import Outcome

__all__ = ["outcomes"]

COLUMNS = ("prediction_id", "value", "known_at")


@click.group()
def outcomes() -> None:
    """Tell what turned out true for predictions."""


@outcomes.command()
@click.argument("endpoint")
@click.argument("file", type=click.Path(path_type=Path))
@placed
@as_json
def add(place: Place, endpoint: str, file: Path, is_json: bool) -> None:
    """Add the outcomes in FILE (CSV, Parquet, JSON lines) for predictions of ENDPOINT.

    Its columns are prediction_id, value (0 or 1) and known_at: when the truth became known. The same file again changes
    nothing; a correction is a row with a later known_at.
    """
    found = _outcomes(read_rows(file), file)
    with open_project(place) as client:
        parts = [found[start : start + MOST] for start in range(0, max(1, len(found)), MOST)]
        count = sum(client.send(RecordOutcomes(endpoint=endpoint, outcomes=part)).count for part in parts)
    if is_json:
        print_json(RecordedOutcomes(count=count))
    else:
        click.echo(f"{count:,} outcomes are new, {len(found) - count:,} were there already")


def _outcomes(table: pl.DataFrame, file: Path) -> list[Outcome]:
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise Invalid(
            f'{file} has no column "{missing[0]}"; outcomes need {", ".join(COLUMNS)}',
            hint=nearest(missing[0], table.columns),
        )
    chosen = table.select(COLUMNS)
    if chosen.null_count().sum_horizontal().item():
        raise Invalid(f"{file} has nulls among its outcomes", hint="leave out rows whose truth is not known yet")
    if isinstance(chosen.schema["known_at"], pl.Date):
        chosen = chosen.with_columns(pl.col("known_at").cast(pl.Datetime("us")))
    if not isinstance(chosen.schema["known_at"], (pl.Datetime, pl.String)):
        raise Invalid(f'column "known_at" of {file} is {chosen.schema["known_at"]}, expected moments')
    try:
        values = chosen["value"].cast(pl.Float64, strict=True)
    except pl.exceptions.PolarsError:
        raise Invalid(f'column "value" of {file} is {chosen.schema["value"]}, expected 0 and 1') from None
    return [
        Outcome(prediction_id=str(row_id), value=value, known_at=known if isinstance(known, str) else isoformat(known))
        for row_id, value, known in zip(chosen["prediction_id"], values, chosen["known_at"], strict=True)
    ]
