"""Both clients keep one contract: in this process, and over HTTP to a server in another one."""

from collections.abc import Callable, Iterator

import pytest

from evergreen.core.client import Client
from evergreen.faces.client.http import HttpClient
from evergreen.faces.client.local import LocalClient, dispatch_for
from evergreen.lifecycle.home import Home
from evergreen.testing.client import ClientContract
from evergreen.testing.process import running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with running(folder, "server", "--home", str(folder / "home"), "--port", "0", "--clock", "stepped") as server:
        yield server.address


class TestLocalClient(ClientContract):
    @pytest.fixture
    def connect(self, home: Home) -> Callable[[str], Client]:
        dispatch = dispatch_for(home)
        return lambda project: LocalClient(dispatch, project)


class TestHttpClient(ClientContract):
    @pytest.fixture
    def connect(self, server: str) -> Iterator[Callable[[str], Client]]:
        made: list[HttpClient] = []

        def connected(project: str) -> Client:
            made.append(HttpClient(server, project))
            return made[-1]

        yield connected
        for client in made:
            client.close()
