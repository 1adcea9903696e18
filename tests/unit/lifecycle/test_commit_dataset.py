import threading
from collections.abc import Callable

import polars as pl
import pytest

from evergreen.core.client import Client
from evergreen.core.declaration import DatasetSection, Declaration, ProjectSection
from evergreen.core.errors import Conflict, Invalid
from evergreen.core.ids import new_id
from evergreen.core.message import Message
from evergreen.faces.client.local import LocalClient
from evergreen.jobs.commit_rows import commit_rows
from evergreen.lifecycle.commit_dataset import CommitDataset
from evergreen.views.timeline import ShowTimeline
from evergreen.views.versions import ListVersions


@pytest.fixture(autouse=True)
def _declared(apply: Callable[[Declaration], None]) -> None:
    rows = DatasetSection(key="id", checks=["rows > 0", "x < 100"])
    apply(Declaration(project=ProjectSection(name="shop"), datasets={"rows": rows}))


def _rows(*ids: int, x: int = 1) -> pl.DataFrame:
    return pl.DataFrame({"id": ids, "x": [x] * len(ids)}, schema={"id": pl.Int64, "x": pl.Int64})


class _Hurried:
    """A client in front of which somebody else commits, some times."""

    def __init__(self, client: LocalClient, times: int) -> None:
        self._client = client
        self._left = times
        self.project = client.project
        self.put, self.get = client.put, client.get

    def send(self, message: Message) -> object:
        if isinstance(message, CommitDataset) and self._left:
            self._left -= 1
            commit_rows(self._client, message.name, _rows(1000 + self._left))
        return self._client.send(message)


def test_a_version_after_another_than_the_newest_is_a_conflict(client: Client) -> None:
    commit_rows(client, "rows", _rows(1))

    with pytest.raises(Conflict, match="is at version 1, expected None"):
        client.send(CommitDataset(name="rows", manifest=client.put(b"{}"), after=None, usable=True))


def test_rows_are_added_to_what_others_commit_meanwhile(client: LocalClient) -> None:
    done = commit_rows(_Hurried(client, 3), "rows", _rows(1, 2))

    assert (done.number, done.rows) == (4, 5)


def test_after_five_times_somebody_else_gives_up(client: LocalClient) -> None:
    with pytest.raises(Conflict, match="somebody committed meanwhile"):
        commit_rows(_Hurried(client, 5), "rows", _rows(1, 2))


def test_four_committers_at_once_all_get_their_rows_in(client: Client) -> None:
    threads = [threading.Thread(target=commit_rows, args=(client, "rows", _rows(number))) for number in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    versions = client.send(ListVersions(kind="dataset", name="rows"))
    assert [one.number for one in versions] == [4, 3, 2, 1]


def test_a_commit_with_an_id_is_made_once(client: Client) -> None:
    commit_id = new_id()

    first = commit_rows(client, "rows", _rows(1), commit_id=commit_id)
    again = commit_rows(client, "rows", _rows(1), commit_id=commit_id)

    assert (first.number, again.number) == (1, 1)
    assert len(client.send(ListVersions(kind="dataset", name="rows"))) == 1


def test_rows_that_fail_a_check_are_kept_and_not_used(client: Client) -> None:
    commit_rows(client, "rows", _rows(1))

    failed = commit_rows(client, "rows", _rows(2, x=100))
    after = commit_rows(client, "rows", _rows(3))

    assert (failed.number, failed.usable) == (2, False)
    assert (after.number, after.rows) == (3, 2)
    [event] = client.send(ShowTimeline(kinds=["dataset.failed_checks"]))
    assert event.payload == {"name": "rows", "number": 2, "checks": ["x < 100"]}


def test_no_rows_are_kept_and_not_used_where_a_check_asks_for_some(client: Client) -> None:
    assert not commit_rows(client, "rows", _rows()).usable


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (pl.DataFrame({"x": [1]}), 'no key column "id"'),
        (pl.DataFrame({"id": [None, 1], "x": [1, 2]}), "is null in 1 rows"),
        ("rows.csv", "cannot read a table from text"),
        (7, "cannot read a table"),
    ],
)
def test_what_cannot_be_committed_is_invalid(client: Client, rows: object, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        commit_rows(client, "rows", rows)


def test_other_columns_than_before_are_invalid_and_told(client: Client) -> None:
    commit_rows(client, "rows", _rows(1))

    with pytest.raises(Invalid, match="y is new; x was Int64, is String"):
        commit_rows(client, "rows", pl.DataFrame({"id": [2], "x": ["a"], "y": [1]}))
