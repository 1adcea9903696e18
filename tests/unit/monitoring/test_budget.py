"""Promises turned into the chance that a look may take."""

from __future__ import annotations

from datetime import timedelta

import pytest

from evergreen.core.errors import Invalid
from evergreen.monitoring.budget import LOOK_EVERY, alpha_per_look

DAY = timedelta(days=1)


@pytest.mark.parametrize("promise", ["1 per year", "1 per quarter", "0.25 per month"])
def test_looks_times_alpha_is_the_share_of_the_promise(promise: str) -> None:
    days = {"year": 365, "quarter": 91, "month": 30}
    count, _, period = promise.split()

    looks = days[period] / LOOK_EVERY

    assert alpha_per_look(promise, DAY, share=0.5) * looks == pytest.approx(float(count) * 0.5)


def test_shorter_windows_mean_more_looks_and_less_for_each() -> None:
    assert alpha_per_look("1 per year", timedelta(hours=1)) == pytest.approx(alpha_per_look("1 per year", DAY) / 24)


def test_a_generous_promise_is_capped() -> None:
    assert alpha_per_look("10 per day", DAY) == 0.05


@pytest.mark.parametrize(
    "promise", ["", "often", "1 per decade", "-1 per year", "0 per year", "one per year", "1/year"]
)
def test_a_promise_that_cannot_be_read_is_refused_with_an_example(promise: str) -> None:
    with pytest.raises(Invalid, match="cannot read false_alarms") as caught:
        alpha_per_look(promise, DAY)

    assert caught.value.hint is not None
    assert "1 per year" in caught.value.hint


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(Invalid, match="longer than nothing"):
        alpha_per_look("1 per year", timedelta(0))
