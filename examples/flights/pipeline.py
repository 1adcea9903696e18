"""Predict, before departure, whether a flight from New York arrives more than 15 minutes late.

The inputs are the schedule, the route, the carrier and the last weather report before departure.
"""

from __future__ import annotations

import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

import evergreen as eg

__all__ = ["CATEGORIES", "INPUTS", "features", "fit", "train"]

LATE_MINUTES = 15
CATEGORIES = ["origin", "dest", "carrier"]
SCHEDULE = ["distance", "weekday", "departure_minute", "scheduled_minutes"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
INPUTS = [*CATEGORIES, *SCHEDULE, *WEATHER]

# These four are missing in five reports of a year, so a training window may hold no such row and the
# contract would then refuse it in a request. The other gaps (no gust, calm wind) mean something.
CARRIED_FORWARD = ["temp", "dewp", "humid", "wind_speed"]


@eg.step
def features(flights: eg.Table, weather: eg.Table) -> eg.Table:
    """Join each flight with the last report of its airport strictly before it, and label it.

    Cancelled and diverted flights have no arrival delay, so nothing to learn from.
    """
    reports = weather.sort("observed_at").with_columns(pl.col(CARRIED_FORWARD).forward_fill().over("origin"))
    arrived = flights.filter(pl.col("arrival_delay").is_not_null()).sort("scheduled_departure", "flight_id")
    joined = arrived.join_asof(
        reports,
        left_on="scheduled_departure",
        right_on="observed_at",
        by="origin",
        allow_exact_matches=False,
        check_sortedness=False,  # both are sorted above; polars cannot see it within groups
    )
    late = (pl.col("arrival_delay") > LATE_MINUTES).cast(pl.Int8).alias("late")
    return joined.select("flight_id", "scheduled_departure", *INPUTS, late)


@eg.step
def fit(rows: eg.Table, learning_rate: float = 0.1) -> eg.Model:
    """Fit boosted trees: few and small ones, since a window of 90 days holds little more."""
    estimator = HistGradientBoostingClassifier(
        categorical_features=CATEGORIES,
        learning_rate=learning_rate,
        max_iter=60,
        max_leaf_nodes=15,
        min_samples_leaf=100,
        early_stopping=False,
        random_state=0,
    )
    estimator.fit(rows.select(INPUTS), rows["late"].to_numpy())
    return eg.Model(estimator=estimator, rows=rows, inputs=INPUTS, target="late")


@eg.pipeline
def train(window: str = "90d", holdout: str = "18d", learning_rate: float = 0.1) -> eg.Model:
    """Train on the last ``window`` of flights without the newest ``holdout``, which the gate scores."""
    flights = eg.dataset("flights", last=window, holdout=holdout)
    weather = eg.dataset("weather", last=window)
    return fit(features(flights, weather), learning_rate=learning_rate)
