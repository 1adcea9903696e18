"""The demo, killed at many moments, ends with the decisions of one that was left alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

UNTIL = "2013-04-23"  # past the first alarm, retraining and release
DECISIONS = {
    "drift.detected",
    "performance.degraded",
    "rule.fired",
    "rule.skipped",
    "gate.measured",
    "promotion.refused",
    "alias.moved",
    "endpoint.released",
}
KILLS = 7
pytestmark = pytest.mark.slow


def start(folder: Path) -> subprocess.Popen[bytes]:
    with (folder.parent / "errors.txt").open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "evergreen", "demo", str(folder), "--until", UNTIL],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )


def evergreen(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "evergreen", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def decisions(folder: Path) -> list[tuple[Any, ...]]:
    """Return what was decided, without ids, which differ from run to run, and without the machine's time."""
    kept = ("version", "model", "name", "candidate", "champion", "passed", "verdicts", "reason", "reasons", "p_value")
    events = json.loads(evergreen(folder, "timeline", "--all", "--json"))
    return [
        (event["at"], event["kind"], [(key, event["payload"][key]) for key in kept if key in event["payload"]])
        for event in events
        if event["kind"] in DECISIONS
    ]


def family(pid: int) -> list[int]:
    """Return the demo's process and all below it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            below = Path(f"/proc/{one}/task/{one}/children").read_text().split()
        except OSError:
            continue
        waiting.extend(map(int, below))
    return found


def kill_one(process: subprocess.Popen[bytes], chosen: random.Random) -> None:
    """Kill the demo, its server, its worker, a job or the endpoint; then see that the demo ends or goes on."""
    victim = chosen.choice(family(process.pid))
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_demo_killed_again_and_again_decides_what_an_undisturbed_one_does(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    chosen = random.Random(20130301)
    first = start(undisturbed)
    assert first.wait(timeout=400) == 0, (tmp_path / "errors.txt").read_text()

    kills = 0
    while True:
        process = start(killed)
        while process.poll() is None:
            if kills < KILLS:
                time.sleep(chosen.uniform(2.0, 9.0))
                if process.poll() is None:
                    kill_one(process, chosen)
                    kills += 1
            else:
                process.wait(timeout=400)
        if process.returncode == 0:
            break
        assert kills <= KILLS + 3, (tmp_path / "errors.txt").read_text()

    assert decisions(killed) == decisions(undisturbed)
    evergreen(killed, "fsck")
    evergreen(killed, "audit", "verify")
