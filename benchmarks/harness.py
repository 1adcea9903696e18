"""Measures subjects side by side in one run: the floor, ours, a peer.

Subjects take turns (A B A B ...) and each ratio is taken within its turn, so that a machine that slows down slows both.
Wall time and CPU time are both kept: on a busy machine, trust the ratios and the CPU time.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

__all__ = ["Row", "Subject", "Timing", "compare", "in_processes", "machine", "table", "timed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One turn of one subject: seconds for all of its ``operations`` together."""

    wall_s: float
    cpu_s: float
    operations: int


Subject = Callable[[], Timing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the turns of one subject came to, per operation.

    ``spread`` is the distance between the quartiles over the median. ``times_floor`` are medians of the ratios to the
    first subject, taken turn by turn.
    """

    name: str
    wall_s: float
    spread: float
    cpu_s: float
    wall_times_floor: float
    cpu_times_floor: float


def timed(work: Callable[[], object], operations: int) -> Subject:
    """Make a subject of ``work``, which does ``operations`` operations in this process, its threads included."""

    def subject() -> Timing:
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        return Timing(wall_s=time.perf_counter() - wall, cpu_s=time.process_time() - cpu, operations=operations)

    return subject


def in_processes(prepare: Callable[[int], Callable[[], object]], processes: int, operations: int) -> Subject:
    """Make a subject of the work that ``prepare(number)`` returns, in several fresh processes at once.

    Preparing does not count. The clock runs from the moment when all are ready until the last is done; CPU time is the
    sum over the processes.
    """

    def subject() -> Timing:
        context = get_context("spawn")
        barrier = context.Barrier(processes)
        pipes = [context.Pipe(duplex=False) for _ in range(processes)]
        children = [
            context.Process(target=_work_and_tell, args=(prepare, number, barrier, sender))
            for number, (_, sender) in enumerate(pipes)
        ]
        for child in children:
            child.start()
        for _, sender in pipes:
            sender.close()
        told: list[tuple[float, float, float]] = [receiver.recv() for receiver, _ in pipes]
        for child in children:
            child.join()
        # perf_counter is the machine's monotonic clock on Linux, one for all processes
        wall = max(end for _, end, _ in told) - min(start for start, _, _ in told)
        return Timing(wall_s=wall, cpu_s=sum(cpu for _, _, cpu in told), operations=processes * operations)

    return subject


def _work_and_tell(
    prepare: Callable[[int], Callable[[], object]], number: int, barrier: Barrier, sender: Connection
) -> None:
    work = prepare(number)
    barrier.wait()
    start, cpu = time.perf_counter(), time.process_time()
    work()
    sender.send((start, time.perf_counter(), time.process_time() - cpu))


def compare(subjects: Mapping[str, Subject], *, turns: int = 9) -> list[Row]:
    """Let the subjects take ``turns`` turns each, after one that does not count; the first is the floor."""
    for subject in subjects.values():
        subject()
    timings: dict[str, list[Timing]] = {name: [] for name in subjects}
    for _ in range(turns):
        for name, subject in subjects.items():
            timings[name].append(subject())
    floor = next(iter(timings.values()))
    return [_row(name, own, floor) for name, own in timings.items()]


def _row(name: str, own: Sequence[Timing], floor: Sequence[Timing]) -> Row:
    walls = [timing.wall_s / timing.operations for timing in own]
    cpus = [timing.cpu_s / timing.operations for timing in own]
    floor_walls = [timing.wall_s / timing.operations for timing in floor]
    # the CPU clock may not have moved during a very short turn
    floor_cpus = [max(timing.cpu_s, 1e-9) / timing.operations for timing in floor]
    low, middle, high = statistics.quantiles(walls, n=4)
    return Row(
        name=name,
        wall_s=statistics.median(walls),
        spread=(high - low) / middle,
        cpu_s=statistics.median(cpus),
        wall_times_floor=statistics.median(a / b for a, b in zip(walls, floor_walls, strict=True)),
        cpu_times_floor=statistics.median(a / b for a, b in zip(cpus, floor_cpus, strict=True)),
    )


def table(title: str, rows: Sequence[Row]) -> str:
    """Return ``rows`` as a Markdown table under ``title``."""
    lines = [
        f"### {title}",
        "",
        "| | wall per operation | spread | CPU per operation | wall × floor | CPU × floor |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        ratios = f"{row.wall_times_floor:.2f} | {row.cpu_times_floor:.2f}"
        lines.append(f"| {row.name} | {_time(row.wall_s)} | {row.spread:.0%} | {_time(row.cpu_s)} | {ratios} |")
    return "\n".join([*lines, ""])


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:,.3g} {unit}"
    return f"{seconds / 1e-9:,.0f} ns"


def machine() -> str:
    """Return one line about where this ran."""
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"
