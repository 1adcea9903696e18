"""What tracking and caching a step costs over the plain call: ``python -m benchmarks.step``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.harness import Subject, compare, machine, table, timed

from evergreen.core.digest import digest_of
from evergreen.core.ids import new_id
from evergreen.faces.client.local import LocalClient, open_local
from evergreen.jobs.run_pipeline import Execution
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.start_run import StartRun
from evergreen.pipelines.graph import Graph, pipeline, step

__all__: list[str] = []


@step
def add(value: int, by: int) -> int:
    """Do next to nothing, so that what is around it shows."""
    return value + by


def chain(length: int, first: int) -> Graph:
    """Return a pipeline of ``length`` steps, each on the result of the one before."""

    @pipeline
    def adds(value: int) -> int:
        for number in range(length):
            value = add(value, number)
        return value

    return adds.graph(value=first)


def plain(length: int) -> Subject:
    """Call the function itself."""

    def work() -> None:
        value = 0
        for number in range(length):
            value = add.function(value, number)

    return timed(work, length)


def tracked(client: LocalClient, length: int, *, is_new: bool) -> Subject:
    """Run the chain; with ``is_new`` its first value was never seen, else every step is a hit of the cache."""
    runs = iter(range(1, 1_000_000))

    def work() -> None:
        graph = chain(length, next(runs) * 1_000_000 if is_new else 0)
        run_id = new_id()
        client.send(StartRun(run_id=run_id, name="benchmark"))
        Execution(client=client, graph=graph, inputs={}, run_id=run_id, code=digest_of(b""), lock=[]).result(
            graph.result
        )

    return timed(work, length)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="a folder on the disk to measure")
    parser.add_argument("--length", type=int, default=50, help="steps in the chain")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix=".benchmark-") as folder:
        client = open_local(Path(folder), "benchmark", create=True)
        client.send(CreateProject())
        subjects = {
            "the plain call": plain(options.length),
            "a step, run and kept": tracked(client, options.length, is_new=True),
            "a step, taken from the cache": tracked(client, options.length, is_new=False),
        }
        print(f"{machine()}\n")
        print(table(f"A step of a chain of {options.length}", compare(subjects, turns=options.turns)))


if __name__ == "__main__":
    main()
