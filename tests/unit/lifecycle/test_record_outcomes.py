from collections.abc import Callable

import pytest

from evergreen.core.client import Client
from evergreen.core.declaration import Declaration, EndpointSection, ModelSection, ProjectSection
from evergreen.core.errors import Conflict, Invalid, NotFound
from evergreen.lifecycle.record_outcomes import RecordOutcomes
from evergreen.traffic.outcomes import Outcome
from evergreen.views.timeline import ShowTimeline
from evergreen.views.traffic import FindOutcomes


@pytest.fixture(autouse=True)
def _declared(apply: Callable[[Declaration], None]) -> None:
    apply(
        Declaration(
            project=ProjectSection(name="shop"),
            models={"buys": ModelSection(pipeline="pipeline:train", task="binary-classification")},
            endpoints={"buys": EndpointSection(model="buys@production")},
        )
    )


def _record(client: Client, *outcomes: tuple[str, float, str], endpoint: str = "buys") -> int:
    told = [
        Outcome(prediction_id=name, value=value, known_at=f"2024-03-{day}T00:00:00Z") for name, value, day in outcomes
    ]
    return int(client.send(RecordOutcomes(endpoint=endpoint, outcomes=told)).count)


def _known(client: Client, day: str) -> dict[str, float]:
    found = client.send(FindOutcomes(endpoint="buys", ids=["a", "b"], as_of=f"2024-03-{day}T00:00:00Z"))
    return dict(zip(found.ids, found.values, strict=True))


def test_the_same_outcomes_in_a_second_command_change_nothing(client: Client) -> None:
    assert _record(client, ("a", 1.0, "02"), ("b", 0.0, "02")) == 2
    assert _record(client, ("a", 1.0, "02"), ("b", 0.0, "02")) == 0

    assert len(client.send(ShowTimeline(kinds=["outcomes.recorded"]))) == 1


def test_an_outcome_is_known_from_its_time_on_and_a_correction_from_its_own(client: Client) -> None:
    _record(client, ("a", 1.0, "02"))
    _record(client, ("a", 0.0, "04"))

    assert [_known(client, day) for day in ("01", "02", "03", "04")] == [{}, {"a": 1.0}, {"a": 1.0}, {"a": 0.0}]


def test_another_value_for_the_same_time_is_a_conflict_and_nothing_is_kept(client: Client) -> None:
    _record(client, ("a", 1.0, "02"))

    with pytest.raises(Conflict, match="already"):
        _record(client, ("b", 1.0, "02"), ("a", 0.0, "02"))

    assert _known(client, "05") == {"a": 1.0}


def test_an_unknown_endpoint_is_not_found_with_the_nearest(client: Client) -> None:
    with pytest.raises(NotFound) as caught:
        _record(client, ("a", 1.0, "02"), endpoint="buy")

    assert caught.value.hint == 'did you mean "buys"?'


def test_more_than_ten_thousand_at_once_are_invalid(client: Client) -> None:
    with pytest.raises(Invalid, match="at most 10000 fit"):
        _record(client, *[(str(number), 1.0, "02") for number in range(10_001)])


def test_an_outcome_that_is_neither_0_nor_1_is_invalid_and_named(client: Client) -> None:
    with pytest.raises(Invalid, match=r"outcomes\[1\]\.value of b is 17, expected 0 or 1"):
        _record(client, ("a", 1.0, "02"), ("b", 17.0, "02"))
