"""What many tests start from. And: where CI is asked to run everything, a test that skips itself has failed."""

import os
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from evergreen.db.schema import project
from evergreen.journal.log import NewEvent
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.home import Home

NO_SKIPS = os.environ.get("EVERGREEN_TEST_NO_SKIPS") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # an expected failure is reported as skipped too, and that is what was asked for
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        _, _, reason = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, str(report.longrepr))
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where nothing may be: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if NO_SKIPS and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped where nothing may be: {report.longrepr}"
    return report


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A new home."""
    opened = Home.open(tmp_path / "home", create=True)
    yield opened
    opened.close()


@pytest.fixture
def act(home: Home) -> Callable[[Callable[[Transaction], Any]], Any]:
    """Run a function of a transaction in project "flights" of the home, and commit it with its events."""

    def run(function: Callable[[Transaction], Any]) -> Any:
        def work(connection: Connection) -> tuple[Any, list[NewEvent]]:
            at = "2013-03-01T00:00:00.000000Z"
            tx = Transaction(connection=connection, project="flights", actor="tester", at=at, recorded_at=at)
            return function(tx), tx.events

        result, _ = home.database.write(work)
        return result

    run(lambda tx: tx.connection.execute(project.insert().values(name="flights", created_at=tx.recorded_at)))
    return run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
