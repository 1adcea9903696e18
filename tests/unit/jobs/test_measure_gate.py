from collections.abc import Callable
from pathlib import Path

import pytest

from evergreen.core.clock import isoformat
from evergreen.core.declaration import Declaration
from evergreen.core.declaration_file import FILE, read_declaration
from evergreen.core.ids import new_id
from evergreen.faces.client.local import LocalClient
from evergreen.jobs.commit_rows import commit_rows
from evergreen.jobs.measure_gate import Measured, measure, promote_measured
from evergreen.jobs.train import train
from evergreen.testing.project import DECLARATION, PIPELINE, apply_project, day, visits, write_project
from evergreen.views.monitors import ListEvidence

Version = Callable[..., int]


@pytest.fixture
def declaration(shop: Path) -> Declaration:
    return read_declaration(shop / FILE)


@pytest.fixture
def version(client: LocalClient, shop: Path, declaration: Declaration) -> Version:
    """Train a version on the days up to ``now`` and return its number."""

    def trained(*, now: int = 60, **params: str) -> int:
        at = isoformat(day(now))
        return train(client, "buys", declaration, shop, at=at, base=new_id(), params=params).number

    return trained


@pytest.fixture
def measured(client: LocalClient, declaration: Declaration) -> Callable[[int], Measured]:
    return lambda number: measure(client, declaration, "buys", number, "production", base=new_id())


def _promote(client: LocalClient, declaration: Declaration, number: int) -> None:
    _, promotion = promote_measured(client, declaration, "buys", number, "production")
    assert promotion.moved, promotion.reasons


def test_the_first_version_is_scored_on_all_its_held_out_rows(
    version: Version, measured: Callable[[int], Measured]
) -> None:
    found = measured(version())

    assert found.passed
    assert (found.report.champion, found.report.champion_metrics) == (None, None)
    assert found.report.rows == 16 * 40
    assert (found.report.start, found.report.end) == (isoformat(day(44)), "2024-02-29T09:45:00.000000Z")
    assert len(found.report.windows) == 16
    assert [check.verdict for check in found.report.checks] == ["pass", "not applicable"]


def test_candidate_and_champion_are_scored_on_rows_later_than_both_were_trained_on(
    client: LocalClient, declaration: Declaration, version: Version, measured: Callable[[int], Measured]
) -> None:
    _promote(client, declaration, version(holdout="4d"))

    found = measured(version(holdout="16d"))

    assert found.report.champion == 1
    assert found.report.rows == 4 * 40
    assert found.report.start == isoformat(day(56))
    assert found.report.champion_metrics is not None


def test_where_no_row_is_later_than_the_champions_training_nothing_is_concluded(
    client: LocalClient, declaration: Declaration, version: Version, measured: Callable[[int], Measured]
) -> None:
    commit_rows(client, "visits", visits(60, 20, a_day=40))
    _promote(client, declaration, version(now=80, holdout="1d"))

    found = measured(version(now=60))

    assert (found.passed, found.report.rows) == (False, 0)
    assert [check.verdict for check in found.report.checks] == ["inconclusive", "inconclusive"]


def test_the_same_version_against_itself_has_no_champion(
    client: LocalClient, declaration: Declaration, version: Version, measured: Callable[[int], Measured]
) -> None:
    number = version()
    _promote(client, declaration, number)

    found = measured(number)

    assert (found.report.champion, found.expected) == (None, number)


def test_what_was_measured_under_an_id_is_taken_up_and_not_measured_again(
    client: LocalClient, declaration: Declaration, version: Version
) -> None:
    number, base = version(), new_id()
    first = promote_measured(client, declaration, "buys", number, "production", base=base)

    again = promote_measured(client, declaration, "buys", number, "production", base=base)

    assert first == again
    assert first[1].moved
    assert len(client.send(ListEvidence(name="buys"))) == 1


def test_a_worse_candidate_is_refused_with_what_was_measured(
    client: LocalClient, declaration: Declaration, shop: Path, version: Version
) -> None:
    _promote(client, declaration, version())
    write_project(shop, pipeline=PIPELINE.replace('rows["bought"].to_numpy()', '1 - rows["bought"].to_numpy()'))

    _, promotion = promote_measured(client, declaration, "buys", version(), "production")

    assert not promotion.moved
    assert len(promotion.reasons) == 2
    assert promotion.reasons[0].startswith('"roc_auc >= 0.6" fail: roc_auc is 0.')


def test_without_a_holdout_a_gate_concludes_nothing(
    shop: Path, version: Version, measured: Callable[[int], Measured]
) -> None:
    write_project(shop, pipeline=PIPELINE.replace(", holdout=holdout", ""))

    found = measured(version())

    assert (found.passed, found.report.rows) == (False, 0)


@pytest.mark.parametrize(("holdout", "rows"), [("25%", 160), ("50%", 0)])
def test_without_a_time_column_later_means_committed_later(tmp_path: Path, holdout: str, rows: int) -> None:
    """A champion that was trained on more rows than the candidate leaves none to compare on."""
    folder = write_project(
        tmp_path / "timeless",
        declaration=DECLARATION.replace('time   = "at"\n', "").replace(', dataset = "visits"', ""),
        pipeline=PIPELINE.replace('window: str = "60d", holdout: str = "16d"', 'holdout: str = "25%"').replace(
            "last=window, ", ""
        ),
    )
    client, declaration = apply_project(folder)
    commit_rows(client, "visits", visits(0, 8))
    at = isoformat(day(60))
    train(client, "buys", declaration, folder, at=at, base=new_id(), params={"holdout": "25%"})
    _promote(client, declaration, 1)
    train(client, "buys", declaration, folder, at=at, base=new_id(), params={"holdout": holdout})

    found = measure(client, declaration, "buys", 2, "production", base=new_id())

    assert found.report.rows == rows
    client.home.close()
