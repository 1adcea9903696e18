"""What a verb works in: a connection inside a transaction, who asks, when, and the events so far.

Events are kept back and appended last, when everything else of the commit is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from evergreen.core.canonical import canonical
from evergreen.journal.log import NewEvent

__all__ = ["Transaction"]


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One command's share of a commit. Rows are written through ``connection``; ``emit`` says what happened."""

    connection: Connection
    project: str
    actor: str
    at: str
    """Business time of the project."""
    recorded_at: str
    """The machine's time."""
    events: list[NewEvent] = field(default_factory=list)

    def emit(self, event: str, /, **payload: Any) -> None:  # JSON values
        """Note that ``event`` happened. Names and numbers only: no personal data, no bytes.

        Raises:
            Invalid: the payload has no canonical form. Told here, it fails one command and not all that share a commit.
        """
        canonical(payload)
        self.events.append(NewEvent(project=self.project, at=self.at, kind=event, actor=self.actor, payload=payload))
