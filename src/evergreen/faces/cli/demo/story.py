"""The demo's story in four parts: begin, live through the year, compare, look further."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from evergreen.faces.cli.demo.drive import ENDPOINT, MODEL, Driver, prepare
from evergreen.faces.cli.demo.processes import Processes
from evergreen.faces.cli.demo.replay_data import Replay
from evergreen.faces.cli.demo.report import Comparison, Row, compare_with_frozen
from evergreen.faces.cli.demo.screen import Screen
from evergreen.faces.cli.timeline import timeline_lines
from evergreen.faces.cli.why import why_text
from evergreen.faces.client.local import LocalClient
from evergreen.views.timeline import DECISIONS, ShowTimeline

__all__ = ["tell"]

SHOWN_LIVE = (
    "drift.detected",
    "performance.degraded",
    "rule.fired",
    "gate.measured",
    "promotion.refused",
    "alias.moved",
    "endpoint.released",
)


def tell(folder: Path, until: datetime | None, screen: Screen) -> None:
    """Run the demo in ``folder`` and tell it on ``screen``."""
    screen.say("Evergreen keeps a model fresh: flights from New York, 2013. Which arrive more than 15 minutes late?\n")
    replay = Replay.load()
    client = prepare(folder, replay, screen.say)
    with Processes(folder) as processes:
        server = processes.start("server", "--port", "0", "--clock", "stepped")
        endpoint = processes.start("serve", ENDPOINT, "--port", "0")
        screen.say(f"\nserver at {server}, endpoint at {endpoint}\n")
        driver = Driver(client, server, endpoint, processes)
        try:
            _live_through(driver, client, replay, None if until is None else until.replace(tzinfo=UTC), screen)
        finally:
            driver.close()
    _look_back(client, folder, screen)
    client.home.close()


def _live_through(driver: Driver, client: LocalClient, replay: Replay, until: datetime | None, screen: Screen) -> None:
    driver.settle()  # jobs that an interrupted demo left open
    steps = list(replay.steps(after=driver.now))
    total = sum(1 for _ in replay.steps())
    told = _tell_news(client, screen, after=_last_event(client))
    for number, step in enumerate(steps):
        if until is not None and step.start >= until:
            return
        if driver.take(step):
            told = _tell_news(client, screen, after=told)
        screen.progress(
            total - len(steps) + number + 1, total, f"{step.end:%Y-%m-%d %H:%M}  {driver.rows_sent:,} predictions"
        )


def _last_event(client: LocalClient) -> int:
    with client.home.database.read() as connection:
        return client.home.journal.next_number(connection) - 1


def _tell_news(client: LocalClient, screen: Screen, *, after: int) -> int:
    """Say what was decided since event ``after``; return the number of the last event told."""
    events = client.send(ShowTimeline(kinds=list(SHOWN_LIVE), after=after))
    for line in timeline_lines(events):
        screen.say(line)
    return max((event.number for event in events), default=after)


def _look_back(client: LocalClient, folder: Path, screen: Screen) -> None:
    comparison = compare_with_frozen(client, ENDPOINT, MODEL, frozen=1)
    screen.say("\nThe frozen first model against the endpoint, on the same requests\n")
    for line in _table(comparison):
        screen.say(line)
    screen.say(_verdict(comparison))
    screen.say("\nWhat Evergreen decided, and why\n")
    for line in timeline_lines(client.send(ShowTimeline(kinds=list(DECISIONS), limit=100_000))):
        screen.say(line)
    screen.say(f"\n{why_text(client, ENDPOINT)}")
    with client.home.database.read() as connection:
        verified = client.home.journal.verify(connection)
    state = "verified" if verified.is_sound else f"NOT SOUND: {'; '.join(verified.faults)}"
    screen.say(f"\nJournal: {verified.events:,} events, root {verified.root[:16]}…, {state}")
    screen.say(
        f"\nLook further: cd {folder.name} && evergreen status | timeline | models | runs | why {ENDPOINT} | fsck"
    )


def _table(comparison: Comparison) -> list[str]:
    names = "   ".join(f"{name:^17}" for name in ("ROC AUC", "log loss", "calibration error"))
    head = f"{'month':8} {'flights':>8} {'late':>6}   {names}   versions"
    below = f"{'':8} {'':>8} {'':>6}   " + "   ".join(f"{'frozen':>8} {'endpoint':>8}" for _ in range(3))
    return [head, below, *(_line(row) for row in comparison.months), "-" * len(head), _line(comparison.whole)]


def _line(row: Row) -> str:
    pairs = "   ".join(
        f"{row.frozen[name]:8.3f} {row.endpoint[name]:8.3f}" for name in ("roc_auc", "log_loss", "calibration_error")
    )
    versions = f"v{row.versions[0]}" if len(row.versions) == 1 else f"v{row.versions[0]}-v{row.versions[-1]}"
    return f"{row.label:8} {row.predictions:8,} {row.late:6.1%}   {pairs}   {versions}"


def _verdict(comparison: Comparison) -> str:
    frozen, mine = comparison.whole.frozen, comparison.whole.endpoint
    auc = f"ROC AUC {frozen['roc_auc']:.3f} -> {mine['roc_auc']:.3f}"
    figures = f"{auc}, log loss {frozen['log_loss']:.3f} -> {mine['log_loss']:.3f}"
    without = f"{comparison.without_outcome:,} flights have no outcome: cancelled, diverted, or not landed yet."
    if comparison.is_better:
        return f"\nThe endpoint was better than the frozen model over the whole time: {figures}. {without}"
    return f"\nThe endpoint was NOT better than the frozen model over the whole time: {figures}. {without}"
