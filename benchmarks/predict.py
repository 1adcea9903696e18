"""One prediction through the endpoint over HTTP, against the bare model: ``python -m benchmarks.predict``."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the endpoint runs; before numpy is loaded

import httpx
import msgspec
from benchmarks.harness import Subject, compare, machine, table, timed

from evergreen.core.clock import isoformat
from evergreen.faces.cli.demo.drive import ENDPOINT, MODEL, prepare
from evergreen.faces.cli.demo.processes import Processes
from evergreen.faces.cli.demo.replay_data import INPUTS, Replay
from evergreen.faces.client.local import LocalClient
from evergreen.serving.endpoint import Endpoint, Live
from evergreen.serving.predictor import load_predictor
from evergreen.traffic.segment import SegmentWriter
from evergreen.versions.models import read_model
from evergreen.views.endpoints import ShowEndpoint

__all__: list[str] = []

EXAMPLE = Path(__file__).parents[1] / "examples" / "flights"


def measure(client: LocalClient, address: str, rows: int, requests: int, turns: int) -> str:
    """Return the table for requests of ``rows`` rows; the endpoint's own CPU is not in ours: see wall for HTTP."""
    state = client.send(ShowEndpoint(name=ENDPOINT))
    live = state.live
    if live is None:
        raise SystemExit("nothing is released")
    predictor = load_predictor(client.get, read_model(client.get, live.manifest), live.version)
    asked = Replay.load().requests.head(rows)
    bodies = asked.select(INPUTS).to_dicts()
    ids = asked["flight_id"].to_list()
    times = [isoformat(time) for time in asked["scheduled_departure"].to_list()]
    table_of_rows = predictor.contract.table(bodies)
    log = SegmentWriter(client.home.root / "benchmark-log")
    endpoint = Endpoint(ENDPOINT, state.outputs, log)
    endpoint.swap(Live(predictor=predictor, generation=1, fallback=None))
    body = msgspec.json.encode({"rows": [{"id": name, **row} for name, row in zip(ids, bodies, strict=True)]})
    http = httpx.Client(trust_env=False)

    def over_http() -> None:
        for _ in range(requests):
            http.post(address, content=body).raise_for_status()

    def repeated(one: Callable[[], object]) -> Subject:
        def work() -> None:
            for _ in range(requests):
                one()

        return timed(work, requests)

    subjects = {
        "the bare model, table ready": repeated(lambda: predictor.function(table_of_rows)),
        "in process: contract, model, bounds, log": repeated(lambda: endpoint.answer(ids, times, bodies)),
        "over HTTP (CPU: the client's)": timed(over_http, requests),
    }
    rows_of_table = compare(subjects, turns=turns)
    log.close()
    http.close()
    return table(f"A request of {rows} row{'s' if rows > 1 else ''} to {MODEL}", rows_of_table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100, help="requests in each turn")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        for file in ("evergreen.toml", "pipeline.py"):
            (folder / file).write_bytes((EXAMPLE / file).read_bytes())
        client = prepare(folder, Replay.load(), lambda _: None)
        with Processes(folder) as processes:
            address = processes.start("serve", ENDPOINT, "--port", "0")
            print(f"{machine()}\n")
            for rows in (1, 50):
                print(measure(client, address, rows, options.requests, options.turns))


if __name__ == "__main__":
    main()
