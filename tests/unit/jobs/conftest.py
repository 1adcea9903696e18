"""A tiny project, made and filled once; each test has a copy of its own, in which nothing is trained yet."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from evergreen.core.clock import isoformat
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.faces.worker.loop import drain
from evergreen.jobs.commit_rows import commit_rows
from evergreen.lifecycle.tick import Tick
from evergreen.testing.project import apply_project, day, visits, write_project

DAYS = 60


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("filled") / "shop")
    client, _ = apply_project(folder)
    commit_rows(client, "visits", visits(0, DAYS, a_day=40))
    client.send(Tick(now=isoformat(day(DAYS))))
    drain(client)
    client.home.close()
    return folder


@pytest.fixture
def shop(filled: Path, tmp_path: Path) -> Path:
    return shutil.copytree(filled, tmp_path / "shop")


@pytest.fixture
def client(shop: Path) -> Iterator[LocalClient]:
    opened = open_local(shop / ".evergreen", "shop")
    yield opened
    opened.home.close()
