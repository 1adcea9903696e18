"""The worker process: ``python -m evergreen.faces.worker HOME``."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

from sqlalchemy import select

from evergreen.db.schema import project
from evergreen.faces.client.local import LocalClient, dispatch_for
from evergreen.faces.worker.loop import work
from evergreen.lifecycle.home import Home

__all__ = ["main"]


def main(root: Path) -> None:
    """Work until a signal comes or the supervising server is gone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    home = Home.open(root)
    dispatch = dispatch_for(home)

    def projects() -> list[str]:
        with home.database.read() as connection:
            return list(connection.execute(select(project.c.name).order_by(project.c.name)).scalars())

    work(lambda name: LocalClient(dispatch, name), projects, stop)
    home.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
