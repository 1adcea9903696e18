"""Made-up traffic with known properties, to see how often the rules alarm with nothing wrong and how soon otherwise.

The simulation judges with the same functions as production; only the rows are invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evergreen.measures.grid import Categories, Column, Grid, fit_grid
from evergreen.measures.profile import Profile, profile
from evergreen.measures.scores import ScoreCounts, count_scores
from evergreen.monitoring.drift import judge_drift
from evergreen.monitoring.performance import EFFECT_FLOORS, judge_performance

__all__ = ["CONDITIONS", "NO_FLOORS", "Condition", "Outcome", "simulate_drift", "simulate_performance"]

NO_FLOORS = dict.fromkeys(EFFECT_FLOORS, 0.0)
"""The test alone: any move counts, however small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How windows differ from each other when nothing is wrong.

    ``dispersion`` is the standard deviation of a window's own effect, in standard deviations of a row;
    ``correlation`` that of neighbouring windows' effects; ``season`` the amplitude of a cycle of 7 windows.
    """

    name: str
    dispersion: float = 0.0
    correlation: float = 0.0
    season: float = 0.0

    def effects(self, windows: int, random: np.random.Generator) -> NDArray[np.float64]:
        """Return (windows,) effects: a stationary first-order autoregression plus the season."""
        noise = random.standard_normal(windows)
        effect = np.empty(windows)
        effect[0] = noise[0]
        for index in range(1, windows):
            effect[index] = self.correlation * effect[index - 1] + np.sqrt(1 - self.correlation**2) * noise[index]
        return self.dispersion * effect + self.season * np.sin(2 * np.pi * np.arange(windows) / 7)


CONDITIONS = (
    Condition(name="independent rows"),
    Condition(name="weekly season", season=0.15),
    Condition(name="dispersion", dispersion=0.3),
    Condition(name="dispersion, AR(0.2)", dispersion=0.3, correlation=0.2),
    Condition(name="dispersion, AR(0.5)", dispersion=0.3, correlation=0.5),
    Condition(name="dispersion, AR(0.8)", dispersion=0.3, correlation=0.8),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``alarms[look]`` of ``series`` simulated releases alarmed at that look; ``first[look]`` for the first time."""

    series: int
    alarms: tuple[int, ...]
    first: tuple[int, ...]


def simulate_drift(
    condition: Condition,
    *,
    series: int,
    alpha: float,
    shift: float = 0.0,
    shifted: int = 1,
    columns: int = 3,
    reference: int = 42,
    looks: int = 4,
    rows: int = 300,
    effect_floor: float = 0.0,
    seed: int = 0,
) -> Outcome:
    """Simulate releases that are watched for drift: ``columns`` normal columns and one category of four names.

    From the release on, the first ``shifted`` columns move by ``shift`` standard deviations of a row. A window's
    effect is drawn for each column apart. The floor defaults to 0, so that the test alone is seen.
    """
    random = np.random.default_rng(seed)
    histories: list[list[bool]] = []
    for _ in range(series):
        windows = reference + looks * 7
        effects = np.stack([condition.effects(windows, random) for _ in range(columns + 1)], axis=1)
        effects[reference:, :shifted] += shift
        tables = [_table(effect, rows, random) for effect in effects]
        grid = fit_grid(_stack(tables[:reference]))
        profiles = [profile(grid, table) for table in tables]
        histories.append(_drift_history(grid, profiles, reference, looks, alpha, effect_floor))
    return _outcome(histories, looks)


def simulate_performance(
    condition: Condition,
    *,
    series: int,
    alpha: float,
    fall: float = 0.0,
    reference: int = 14,
    looks: int = 8,
    rows: int = 300,
    effect_floors: Mapping[str, float] = NO_FLOORS,
    seed: int = 0,
) -> Outcome:
    """Simulate releases whose outcomes are watched.

    The log-odds of the outcome are the model's score times a strength plus a shock. Both vary from window to window
    by the condition: the shock moves the base rate only, the strength (1 on average) the ranking. From the release
    on, the strength falls by ``fall``: 0.5 takes the area under the curve from about 0.74 to 0.63.
    """
    random = np.random.default_rng(seed)
    histories: list[list[bool]] = []
    for _ in range(series):
        windows = reference + looks * 7
        strength, shock = 1 + condition.effects(windows, random), 2 * condition.effects(windows, random)
        strength[reference:] -= fall
        counts = [_scores(one, moved, rows, random) for one, moved in zip(strength, shock, strict=True)]
        verdicts = [
            judge_performance(
                counts[:reference],
                counts[reference : reference + look * 7],
                alpha=alpha,
                effect_floors=effect_floors,
            )
            for look in range(1, looks + 1)
        ]
        histories.append([verdict.verdict == "degraded" for verdict in verdicts])
    return _outcome(histories, looks)


def _drift_history(
    grid: Grid, profiles: Sequence[Profile], reference: int, looks: int, alpha: float, effect_floor: float
) -> list[bool]:
    return [
        judge_drift(
            grid,
            profiles[:reference],
            profiles[reference : reference + look * 7],
            alpha=alpha,
            effect_floor=effect_floor,
        ).verdict
        == "drift"
        for look in range(1, looks + 1)
    ]


_NAMES = ("a", "b", "c", "d")


def _table(effects: NDArray[np.float64], rows: int, random: np.random.Generator) -> dict[str, Column]:
    table: dict[str, Column] = {
        f"n{index}": random.standard_normal(rows) + effect for index, effect in enumerate(effects[:-1])
    }
    odds = np.exp(np.array([effects[-1], 0.0, -0.5, -1.0]))
    table["c"] = Categories(codes=random.choice(4, rows, p=odds / odds.sum()), names=_NAMES)
    return table


def _stack(tables: Sequence[dict[str, Column]]) -> dict[str, Column]:
    def values(name: str) -> NDArray[np.float64]:
        columns = (table[name] for table in tables)
        return np.concatenate([one.codes if isinstance(one, Categories) else np.asarray(one) for one in columns])

    return {name: Categories(codes=values(name), names=_NAMES) if name == "c" else values(name) for name in tables[0]}


def _scores(strength: float, shock: float, rows: int, random: np.random.Generator) -> ScoreCounts:
    score = random.standard_normal(rows)
    truth = random.random(rows) < 1 / (1 + np.exp(-(strength * score - 1 + shock)))
    return count_scores(truth, 1 / (1 + np.exp(1 - score)))


def _outcome(histories: Sequence[Sequence[bool]], looks: int) -> Outcome:
    alarmed = np.array(histories, dtype=np.bool_).reshape(len(histories), looks)
    first = alarmed & (np.cumsum(alarmed, axis=1) == 1)
    return Outcome(
        series=len(histories),
        alarms=tuple(int(count) for count in alarmed.sum(axis=0)),
        first=tuple(int(count) for count in first.sum(axis=0)),
    )
