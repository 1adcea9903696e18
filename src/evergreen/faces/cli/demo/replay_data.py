"""The year 2013 as the demo's world sees it: what is asked, what turns out true, what is committed, and when.

Everything is computed and ordered once, up-front, so that walking through the steps only cuts slices.
Sending anything, and the clock, are not here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Literal

import numpy as np
import polars as pl

__all__ = [
    "INPUTS",
    "LATE_MINUTES",
    "START",
    "Commit",
    "Replay",
    "Step",
    "read_tables",
    "request_rows",
]

START = datetime(2013, 3, 1, tzinfo=UTC)
LATE_MINUTES = 15

# The example's pipeline names the same inputs and joins the weather in the same way; a test compares them.
INPUTS = (
    "origin",
    "dest",
    "carrier",
    "distance",
    "weekday",
    "departure_minute",
    "scheduled_minutes",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
)
_CARRIED_FORWARD = ("temp", "dewp", "humid", "wind_speed")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The rows of both datasets that are committed at one midnight; either table may be empty."""

    at: datetime
    flights: pl.DataFrame
    weather: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One hour with departures, or a midnight after the last one at which results still come in.

    Attributes:
        start: beginning of the hour.
        end: end of the hour, to which the clock moves; at most the next step's ``start``.
        requests: the departures in ``[start, end)``: ``flight_id``, ``scheduled_departure``, then ``INPUTS``.
        outcomes: what became known after the step before and up to ``end``: ``flight_id``, ``late``
            (0 or 1), ``known_at``. Only flights that were asked about; a cancelled one never comes.
        commits: the midnights after the step before and up to ``end``, oldest first.
    """

    start: datetime
    end: datetime
    requests: pl.DataFrame
    outcomes: pl.DataFrame
    commits: tuple[Commit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The tables to begin with, and the steps that follow.

    ``requests``, ``outcomes``, ``flights`` and ``weather`` hold what the steps are cut from, in the order
    in which the steps take it; the last two carry the midnight of their commit as ``committed_at``.
    """

    start: datetime
    initial_flights: pl.DataFrame
    initial_weather: pl.DataFrame
    requests: pl.DataFrame
    outcomes: pl.DataFrame
    flights: pl.DataFrame
    weather: pl.DataFrame

    @classmethod
    def load(cls, start: datetime = START) -> Replay:
        """Read the packaged year and part it at ``start``, a midnight in UTC.

        Flights of a day are committed at the end of the next day, when all that ever land have landed;
        weather at the end of its own day. So ``initial_flights`` ends one day before ``start``: how the
        flights of that last day went is not known yet.
        """
        flights, weather = read_tables()
        flights = flights.with_columns(committed_at=_midnight_after("scheduled_departure") + _DAY)
        weather = weather.with_columns(committed_at=_midnight_after("observed_at"))
        asked = flights.filter(pl.col("scheduled_departure") >= start)
        return cls(
            start=start,
            initial_flights=_committed_until(flights, start),
            initial_weather=_committed_until(weather, start),
            requests=request_rows(asked, weather),
            outcomes=_outcomes(asked),
            flights=flights.filter(pl.col("committed_at") > start),
            weather=weather.filter(pl.col("committed_at") > start),
        )

    def steps(self, after: datetime | None = None) -> Iterator[Step]:
        """Walk through the steps in order; ``after`` skips those whose ``end`` is not later.

        The steps are the same wherever the walk begins, so a walk that was cut off goes on.
        """
        starts, ends = self._bounds()
        requests = _cuts(self.requests["scheduled_departure"], ends, side="left")
        outcomes = _cuts(self.outcomes["known_at"], ends, side="right")
        commits = self._commits(ends)
        for index, (start, end) in enumerate(zip(_times(starts), _times(ends), strict=True)):
            if after is not None and end <= after:
                continue
            yield Step(
                start=start,
                end=end,
                requests=self.requests[requests[index] : requests[index + 1]],
                outcomes=self.outcomes[outcomes[index] : outcomes[index + 1]],
                commits=commits.get(end, ()),
            )

    def _bounds(self) -> tuple[pl.Series, pl.Series]:
        hours = self.requests["scheduled_departure"].dt.truncate("1h").unique().sort()
        ends = hours.dt.offset_by("1h")
        midnights = self._midnights()
        later = midnights.filter(midnights > ends[-1])
        return pl.concat([hours, later.dt.offset_by("-1h")]), pl.concat([ends, later])

    def _midnights(self) -> pl.Series:
        return pl.concat([self.flights["committed_at"], self.weather["committed_at"]]).unique().sort()

    def _commits(self, ends: pl.Series) -> dict[datetime, tuple[Commit, ...]]:
        midnights = self._midnights()
        flights = _cuts(self.flights["committed_at"], midnights, side="right")
        weather = _cuts(self.weather["committed_at"], midnights, side="right")
        step_ends = _times(ends)
        steps = np.searchsorted(_microseconds(ends), _microseconds(midnights), side="left")
        commits: dict[datetime, tuple[Commit, ...]] = {}
        for index, (at, step) in enumerate(zip(_times(midnights), steps.tolist(), strict=True)):
            commit = Commit(
                at=at,
                flights=self.flights[flights[index] : flights[index + 1]].drop("committed_at"),
                weather=self.weather[weather[index] : weather[index + 1]].drop("committed_at"),
            )
            commits[step_ends[step]] = (*commits.get(step_ends[step], ()), commit)
        return commits


def read_tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read flights and weather as packaged; flights gain ``arrived_at``, null when they never arrive.

    ``arrived_at`` is not stored, because it follows exactly from the schedule and the delay.
    """
    arrived_at = pl.col("scheduled_departure") + pl.duration(
        minutes=pl.col("scheduled_minutes").cast(pl.Int64) + pl.col("arrival_delay")
    )
    flights = _read_packaged("flights").with_columns(arrived_at=arrived_at)
    return flights, _read_packaged("weather")


def _read_packaged(name: str) -> pl.DataFrame:
    file = resources.files(__package__) / "data" / f"{name}.parquet"
    return pl.read_parquet(io.BytesIO(file.read_bytes()))


def request_rows(flights: pl.DataFrame, weather: pl.DataFrame) -> pl.DataFrame:
    """Make the rows to ask about: key, time and ``INPUTS``, with the last weather strictly before each."""
    reports = weather.sort("observed_at").with_columns(pl.col(_CARRIED_FORWARD).forward_fill().over("origin"))
    joined = flights.sort("scheduled_departure", "flight_id").join_asof(
        reports,
        left_on="scheduled_departure",
        right_on="observed_at",
        by="origin",
        allow_exact_matches=False,
        check_sortedness=False,  # both are sorted above; polars cannot see it within groups
    )
    return joined.select("flight_id", "scheduled_departure", *INPUTS)


def _outcomes(flights: pl.DataFrame) -> pl.DataFrame:
    late = (pl.col("arrival_delay") > LATE_MINUTES).cast(pl.Int8).alias("late")
    arrived = flights.filter(pl.col("arrived_at").is_not_null())
    return arrived.select("flight_id", late, known_at="arrived_at").sort("known_at", "flight_id")


def _midnight_after(column: str) -> pl.Expr:
    return pl.col(column).dt.truncate("1d") + _DAY


def _committed_until(table: pl.DataFrame, time: datetime) -> pl.DataFrame:
    return table.filter(pl.col("committed_at") <= time).drop("committed_at")


def _cuts(times: pl.Series, ends: pl.Series, *, side: Literal["left", "right"]) -> list[int]:
    # "left" leaves a time equal to the end for the next step, "right" takes it into this one.
    found = np.searchsorted(_microseconds(times), _microseconds(ends), side=side)
    return [0, *found.tolist()]


def _microseconds(times: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return times.to_physical().to_numpy()


def _times(times: pl.Series) -> list[datetime]:
    return times.to_list()
