"""A home with an applied project, a clock that tests turn, and model versions that nobody trained."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evergreen.core.client import Client
from evergreen.core.declaration import Declaration
from evergreen.core.ids import new_id
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.lifecycle.apply import Apply
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.register_model import RegisterModel
from evergreen.lifecycle.tick import Tick

NOW = "2024-03-01T00:00:00.000000Z"


class TurnedClock:
    """The machine's clock, as a test turns it."""

    def __init__(self) -> None:
        self._now = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def client(tmp_path: Path, clock: TurnedClock) -> Iterator[LocalClient]:
    """A client of project "shop", which has no configuration yet; its business clock is at 1 March 2024."""
    opened = open_local(tmp_path / "home", "shop", create=True, clock=clock)
    opened.send(CreateProject())
    opened.send(Tick(now=NOW))
    yield opened
    opened.home.close()


@pytest.fixture
def apply(client: Client) -> Callable[[Declaration], None]:
    def applied(declaration: Declaration) -> None:
        client.send(Apply(declaration=declaration, code=client.put(b"{}")))

    return applied


@pytest.fixture
def register(client: Client) -> Callable[[], int]:
    """Register one more version of model "buys" and return its number."""

    def registered() -> int:
        empty = client.put(b"{}")
        message = RegisterModel(name="buys", manifest=empty, run_id=new_id(), code=empty, environment=empty)
        return int(client.send(message).number)

    return registered
