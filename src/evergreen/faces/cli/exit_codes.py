"""One table between errors and what the shell sees."""

from __future__ import annotations

from evergreen.core.errors import EvergreenError, Refused

__all__ = ["EXIT_CODES", "FAILED", "INTERRUPTED", "REFUSED", "USAGE", "Inconclusive", "exit_code_of"]

FAILED = 1
USAGE = 2
REFUSED = 3
INTERRUPTED = 130


class Inconclusive(Refused):
    """A gate could not tell: nothing failed, but something could not be measured."""


EXIT_CODES: dict[str, int] = {
    "StepFailed": FAILED,  # the user's own code raised: nothing was wrong with the command
    "Inconclusive": 6,
    "Refused": REFUSED,
    "NotFound": 4,
    "Conflict": 5,
    "Invalid": USAGE,
    "Denied": FAILED,
    "Unavailable": FAILED,
    "Corrupt": FAILED,
}
"""By the names of classes, so that the table imports none of them; the most specific class counts."""


def exit_code_of(error: EvergreenError) -> int:
    """Return the exit code for an error.

    >>> exit_code_of(Inconclusive("the gate could not be measured"))
    6
    """
    return next((EXIT_CODES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in EXIT_CODES), FAILED)
