"""The replayed year: everything once, in order, and nothing before it could be known."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import itertools
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from evergreen.faces.cli.demo import replay_data
from evergreen.faces.cli.demo.replay_data import INPUTS, START, Replay, Step, read_tables, request_rows

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "flights" / "pipeline.py"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay.load()


@pytest.fixture(scope="module")
def steps(replay: Replay) -> list[Step]:
    return list(replay.steps())


@pytest.fixture(scope="module")
def pipeline() -> ModuleType:
    specification = importlib.util.spec_from_file_location("flights_example_pipeline", EXAMPLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def repeated(times: list[datetime], counts: list[int]) -> pl.Series:
    laid_out = [time for time, count in zip(times, counts, strict=True) for _ in range(count)]
    return pl.Series(laid_out, dtype=pl.Datetime("us", "UTC"))


def test_packaged_files_are_those_that_the_readme_describes() -> None:
    folder = resources.files(replay_data.__package__) / "data"
    readme = (folder / "README.md").read_text(encoding="utf-8")

    digests = [hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in ("flights", "weather")]

    assert [digest for digest in digests if digest not in readme] == []


def test_flights_have_a_unique_key_that_sorts_by_time() -> None:
    flights, _ = read_tables()

    assert flights.height == 336_776
    assert flights["flight_id"].n_unique() == flights.height
    assert flights["flight_id"].is_sorted()
    assert flights["scheduled_departure"].is_sorted()


def test_flights_that_never_arrive_have_neither_delay_nor_arrival() -> None:
    flights, _ = read_tables()

    assert flights["arrival_delay"].null_count() == 9_430
    assert flights["arrived_at"].is_null().equals(flights["arrival_delay"].is_null())


@pytest.mark.parametrize(
    ("flight_id", "departure", "arrival"),
    [
        # The source says: 05:15 in New York, arrived 08:30 in Houston.
        ("2013-01-01-0515-UA-1545-EWR-IAH", (2013, 1, 1, 10, 15), (2013, 1, 1, 14, 30)),
        # 10:00 in New York, with daylight saving; arrived 15:27 in Honolulu, which has none.
        ("2013-07-01-1000-HA-51-JFK-HNL", (2013, 7, 1, 14, 0), (2013, 7, 2, 1, 27)),
    ],
)
def test_local_times_become_utc(
    flight_id: str, departure: tuple[int, int, int, int, int], arrival: tuple[int, int, int, int, int]
) -> None:
    flights, _ = read_tables()

    found = flights.row(by_predicate=pl.col("flight_id") == flight_id, named=True)

    assert found["scheduled_departure"] == datetime(*departure, tzinfo=UTC)
    assert found["arrived_at"] == datetime(*arrival, tzinfo=UTC)


def test_requests_equal_the_features_of_the_example_pipeline(replay: Replay, pipeline: ModuleType) -> None:
    flights, weather = read_tables()
    arrived = replay.requests.join(replay.outcomes, on="flight_id", maintain_order="left")

    rows = inspect.unwrap(pipeline.features)(flights, weather)

    asked = rows.filter(pl.col("scheduled_departure") >= START)
    assert tuple(pipeline.INPUTS) == INPUTS
    assert_frame_equal(asked, arrived.drop("known_at"), check_exact=True)


def test_only_weather_strictly_before_departure_is_used() -> None:
    flights, weather = read_tables()
    departure = datetime(2013, 6, 1, 12, 51, tzinfo=UTC)
    flight = flights.head(1).with_columns(scheduled_departure=pl.lit(departure))

    row = request_rows(flight, weather)

    before = weather.filter(pl.col("observed_at") == departure - timedelta(hours=1), pl.col("origin") == "EWR")
    assert row["temp"].item() == before["temp"].item()


def test_weather_before_a_request_does_not_depend_on_later_weather(replay: Replay) -> None:
    flights, weather = read_tables()
    until = datetime(2013, 8, 23, tzinfo=UTC)
    flights_before = flights.filter(pl.col("scheduled_departure").is_between(START, until, closed="left"))

    rows = request_rows(flights_before, weather.filter(pl.col("observed_at") < until))

    assert_frame_equal(rows, replay.requests.head(rows.height), check_exact=True)


def test_inputs_that_training_may_never_see_missing_are_never_missing(replay: Replay) -> None:
    may_be_missing = {"wind_dir", "wind_gust", "pressure"}

    missing = {name for name in INPUTS if replay.requests[name].null_count()}

    assert missing == may_be_missing


def test_steps_follow_each_other_without_overlap(steps: list[Step]) -> None:
    assert all(step.end - step.start == timedelta(hours=1) for step in steps)
    assert all(a.end <= b.start for a, b in itertools.pairwise(steps))


def test_each_flight_is_asked_about_once_within_its_hour(replay: Replay, steps: list[Step]) -> None:
    asked = pl.concat(step.requests for step in steps).with_columns(
        start=repeated([step.start for step in steps], [step.requests.height for step in steps]),
        end=repeated([step.end for step in steps], [step.requests.height for step in steps]),
    )

    departure = pl.col("scheduled_departure")
    assert asked["flight_id"].to_list() == replay.requests["flight_id"].to_list()
    assert asked["flight_id"].n_unique() == asked.height
    assert asked.filter((departure < pl.col("start")) | (departure >= pl.col("end"))).is_empty()


def test_each_outcome_comes_once_with_the_first_step_that_ends_when_it_is_known(steps: list[Step]) -> None:
    ends = [step.end for step in steps]
    came = pl.concat(step.outcomes for step in steps).with_columns(
        after=repeated([START, *ends[:-1]], [step.outcomes.height for step in steps]),
        end=repeated(ends, [step.outcomes.height for step in steps]),
    )

    known_at = pl.col("known_at")
    assert came["flight_id"].n_unique() == came.height
    assert came.filter((known_at <= pl.col("after")) | (known_at > pl.col("end"))).is_empty()


def test_an_outcome_never_comes_before_its_request(steps: list[Step]) -> None:
    asked: set[str] = set()

    for step in steps:
        asked.update(step.requests["flight_id"])
        assert asked.issuperset(step.outcomes["flight_id"])


def test_only_flights_that_arrive_get_an_outcome(steps: list[Step]) -> None:
    flights, _ = read_tables()
    arrived = flights.filter(pl.col("scheduled_departure") >= START, pl.col("arrived_at").is_not_null())

    outcomes = pl.concat(step.outcomes for step in steps)

    assert outcomes.height == arrived.height
    assert set(outcomes["flight_id"]) == set(arrived["flight_id"])


def test_every_row_is_committed_once(replay: Replay, steps: list[Step]) -> None:
    flights, weather = read_tables()
    commits = [commit for step in steps for commit in step.commits]

    committed_flights = pl.concat([replay.initial_flights, *(commit.flights for commit in commits)])
    committed_weather = pl.concat([replay.initial_weather, *(commit.weather for commit in commits)])

    assert_frame_equal(committed_flights.sort("flight_id"), flights)
    assert_frame_equal(committed_weather, weather, check_row_order=False)


def test_a_commit_holds_nothing_that_is_not_known_yet(replay: Replay, steps: list[Step]) -> None:
    commits = [commit for step in steps for commit in step.commits]
    tables = [(START, replay.initial_flights), *((commit.at, commit.flights) for commit in commits)]

    early = [
        table.filter((pl.col("arrived_at") > at) | (pl.col("scheduled_departure") > at - DAY)) for at, table in tables
    ]

    assert pl.concat(early).is_empty()


def test_commits_come_at_midnight_within_their_step(steps: list[Step]) -> None:
    previous = [START, *(step.end for step in steps)]
    placed = [
        (before, commit.at, step.end) for before, step in zip(previous, steps, strict=False) for commit in step.commits
    ]

    assert all(before < at <= end for before, at, end in placed)
    assert [at for _, at, _ in placed] == [START + day * DAY for day in range(1, len(placed) + 1)]


def test_a_walk_that_was_cut_off_goes_on_with_the_same_steps(replay: Replay, steps: list[Step]) -> None:
    stopped_after = steps[1_000].end

    resumed = next(replay.steps(after=stopped_after))

    assert resumed.start == steps[1_001].start
    assert_frame_equal(resumed.requests, steps[1_001].requests)
    assert_frame_equal(resumed.outcomes, steps[1_001].outcomes)
