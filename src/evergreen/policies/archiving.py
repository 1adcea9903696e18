"""Which model versions to set aside: beyond the newest N, or older than so many days; never one that may be needed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

__all__ = ["versions_to_archive"]


def versions_to_archive(
    versions: Sequence[tuple[int, datetime]],
    *,
    now: datetime,
    keep_versions: int | None,
    keep_days: int | None,
    needed: Collection[int],
) -> list[int]:
    """Return the numbers to archive, in order.

    Args:
        versions: number and business time of each version that is not archived yet.
        now: the business time.
        keep_versions: so many newest stay; None sets no bound.
        keep_days: those not older stay; None sets no bound.
        needed: holders of aliases and the versions that a roll-back would return to: they always stay.

    >>> day = datetime(2013, 1, 1)
    >>> versions_to_archive([(1, day), (2, day), (3, day)], now=day, keep_versions=1, keep_days=None, needed={1})
    [2]
    """
    newest_first = sorted(versions, reverse=True)
    beyond = set()
    if keep_versions is not None:
        beyond |= {number for number, _ in newest_first[keep_versions:]}
    if keep_days is not None:
        beyond |= {number for number, at in newest_first if at < now - timedelta(days=keep_days)}
    return sorted(beyond - set(needed))
