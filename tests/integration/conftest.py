"""A project with a released model, trained once a session; each test has a copy of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from evergreen.core.clock import isoformat
from evergreen.core.ids import new_id
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.jobs.commit_rows import commit_rows
from evergreen.jobs.measure_gate import promote_measured
from evergreen.jobs.train import train
from evergreen.lifecycle.tick import Tick
from evergreen.testing.project import apply_project, day, visits, write_project

TRAINED_DAYS = 60


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a project whose first model is released at day 60, to be copied and never opened."""
    folder = write_project(tmp_path_factory.mktemp("trained") / "shop")
    client, declaration = apply_project(folder)
    commit_rows(client, "visits", visits(0, TRAINED_DAYS))
    client.send(Tick(now=isoformat(day(TRAINED_DAYS))))
    made = train(client, "buys", declaration, folder, at=isoformat(day(TRAINED_DAYS)), base=new_id(), params={})
    _, promotion = promote_measured(client, declaration, "buys", made.number, "production")
    assert promotion.moved, promotion.reasons
    client.home.close()
    return folder


@pytest.fixture
def shop(trained: Path, tmp_path: Path) -> Path:
    """Return the folder of a project with a released model."""
    return shutil.copytree(trained, tmp_path / "shop")


@pytest.fixture
def client(shop: Path) -> Iterator[LocalClient]:
    """Give a client of that project."""
    opened = open_local(shop / ".evergreen", "shop")
    yield opened
    opened.home.close()
