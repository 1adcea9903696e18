"""``record_outcomes``: the truth about predictions, as it becomes known."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from evergreen.core.errors import Invalid
from evergreen.core.message import Command, Permission
from evergreen.deployment.endpoints import endpoint_row
from evergreen.journal.transaction import Transaction
from evergreen.traffic.outcomes import Outcome, record

__all__ = ["RecordOutcomes", "RecordedOutcomes", "record_outcomes"]

MOST = 10_000


class RecordOutcomes(Command, frozen=True, kw_only=True):
    """Append outcomes for predictions of ``endpoint``; an outcome may come before its prediction is sealed."""

    permission: ClassVar = Permission.CONTRIBUTE
    endpoint: str
    outcomes: list[Outcome]


class RecordedOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """How many were new."""

    count: int


def record_outcomes(tx: Transaction, command: RecordOutcomes) -> RecordedOutcomes:
    """Write the rows that are not there yet."""
    endpoint_row(tx.connection, tx.project, command.endpoint)
    if len(command.outcomes) > MOST:
        raise Invalid(f"{len(command.outcomes)} outcomes at once, at most {MOST} fit", hint="send them in parts")
    for number, item in enumerate(command.outcomes):
        if item.value not in (0.0, 1.0):
            raise Invalid(
                f"$.outcomes[{number}].value of {item.prediction_id[:80]} is {item.value:g}, expected 0 or 1",
                hint="binary classification has the outcomes 0 and 1",
            )
    return RecordedOutcomes(count=record(tx, command.endpoint, command.outcomes))
