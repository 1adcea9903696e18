from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from evergreen.policies.archiving import versions_to_archive

NOW = datetime(2024, 3, 10, tzinfo=UTC)
VERSIONS = [(number, NOW - timedelta(days=5 - number)) for number in range(1, 6)]


def _archived(*, versions: int | None = None, days: int | None = None, needed: Collection[int] = ()) -> list[int]:
    return versions_to_archive(VERSIONS, now=NOW, keep_versions=versions, keep_days=days, needed=needed)


def test_without_bounds_everything_stays() -> None:
    assert _archived() == []


def test_the_newest_stay() -> None:
    assert _archived(versions=2) == [1, 2, 3]


def test_those_not_older_than_the_days_stay() -> None:
    assert _archived(days=2) == [1, 2]


def test_either_bound_is_enough_to_go() -> None:
    assert _archived(versions=4, days=2) == [1, 2]


def test_what_is_needed_stays_however_old() -> None:
    assert _archived(versions=1, needed={1, 3}) == [2, 4]


def test_a_version_that_stays_because_it_is_needed_takes_no_other_ones_place() -> None:
    assert _archived(versions=2, needed={1}) == [2, 3]
