"""Sealing the prediction log of this machine: raw segments become Parquet objects, off the request path."""

from __future__ import annotations

from pathlib import Path

from evergreen.core.client import Client
from evergreen.lifecycle.home import Home
from evergreen.lifecycle.seal_predictions import SealPredictions
from evergreen.traffic.predictions import Batch, batch_bytes, remove_sealed, take_unsealed

__all__ = ["seal_log"]


def seal_log(client: Client, home: Home, endpoint: str) -> int:
    """Seal what the log of ``endpoint`` holds now and return the number of rows."""
    folder: Path = home.log_folder(client.project, endpoint)
    with home.database.read() as connection:
        table, stretches = take_unsealed(connection, client.project, endpoint, folder)
    if table is None:
        return 0
    data, first_at, last_at = batch_bytes(table)
    batch = Batch(digest=client.put(data), rows=table.height, first_at=first_at, last_at=last_at, segments=stretches)
    done = client.send(SealPredictions(endpoint=endpoint, batch=batch))
    with home.database.read() as connection:
        remove_sealed(connection, client.project, endpoint, folder)
    return table.height if done.sealed else 0
