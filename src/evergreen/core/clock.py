"""The machine's clock, passed in where tests need to turn it, and the durations that people write.

Business time is not here: it is a value that commands carry and that ``tick`` advances.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from evergreen.core.errors import Invalid

__all__ = ["Clock", "SystemClock", "duration", "isoformat", "moment"]

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"\s*(\d+)\s*(s|min|h|d|w)\s*")


class Clock(Protocol):
    """Tells the machine's time, in UTC."""

    def now(self) -> datetime:
        """Return the present moment."""
        ...


class SystemClock:
    """The operating system's clock."""

    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)


def duration(text: str) -> timedelta:
    """Read a duration such as ``90d``, ``12 h`` or ``15min``.

    >>> duration("90d").days
    90
    """
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise Invalid(
            f'"{text}" is not a duration', hint='write a whole number and a unit: "30s", "15min", "12h", "90d", "2w"'
        )
    try:
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise Invalid(f'"{text}" is too long a duration', hint='the longest is "999999999d"') from None


def moment(text: str) -> datetime:
    """Read an ISO 8601 moment; one without a zone is refused, since nobody could tell when it was.

    >>> moment("2013-03-01T00:00:00Z").isoformat()
    '2013-03-01T00:00:00+00:00'
    """
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f'"{text}" is not a moment', hint='write it like "2013-03-01T00:00:00Z"') from None
    if value.tzinfo is None:
        raise Invalid(f'"{text}" has no time zone', hint='write it like "2013-03-01T00:00:00Z"')
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Invalid(f'"{text}" lies outside of the years 1 to 9999 in UTC') from None


def isoformat(value: datetime) -> str:
    """Return ``value`` as ISO 8601 in UTC, always to the microsecond, so that texts sort as times do.

    A naive value is taken as UTC.

    >>> isoformat(moment("2013-03-01T01:00:00+01:00"))
    '2013-03-01T00:00:00.000000Z'
    """
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat(timespec="microseconds").replace("+00:00", "Z")
