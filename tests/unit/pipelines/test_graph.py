from typing import Any

import pytest

import evergreen as eg
from evergreen.core.errors import Invalid
from evergreen.pipelines.graph import DatasetNode, share


@eg.step
def load(rows: Any) -> Any:
    return rows


@eg.step
def join(left: Any, right: Any) -> Any:
    return left, right


@eg.step
def fit(rows: Any, rate: float = 0.1) -> Any:
    return rows, rate


@eg.pipeline
def train(window: str = "90d", rate: float = 0.1, fast: bool = False) -> Any:  # noqa: ARG001
    rows = load(eg.dataset("visits", last=window, holdout="20%"))
    return fit(join(rows, rows), rate)


def test_a_step_outside_a_pipeline_is_the_plain_function() -> None:
    assert fit([1], rate=0.5) == ([1], 0.5)


def test_tracing_finds_steps_after_what_they_need_and_each_once() -> None:
    graph = train.graph()

    assert [node.step.name for node in graph.order] == ["load", "join", "fit"]
    assert [(node.name, node.last, node.holdout) for node in graph.datasets] == [("visits", "90d", "20%")]
    assert graph.result.step.name == "fit"


def test_the_model_rows_are_the_first_input_of_the_last_step() -> None:
    rows = train.graph().model_rows

    assert not isinstance(rows, DatasetNode)
    assert rows is not None
    assert rows.step.name == "join"


def test_parameters_take_their_defaults_and_what_is_given() -> None:
    graph = train.graph(window="14d", rate=1)

    assert graph.params == {"window": "14d", "rate": 1.0, "fast": False}
    assert graph.result.arguments["rate"] == 1.0
    assert graph.datasets[0].last == "14d"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"windw": "14d"}, 'no parameter "windw"'),
        ({"window": 14}, "expected str like '90d'"),
        ({"rate": "fast"}, "expected float like 0.1"),
        ({"rate": True}, "expected float"),
        ({"fast": 1}, "expected bool"),
        ({"window": "fourteen"}, "not a duration"),
    ],
)
def test_a_parameter_that_does_not_fit_is_invalid(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        train.graph(**given)


def test_a_parameter_without_a_default_must_be_given() -> None:
    @eg.pipeline
    def needs(window: str) -> Any:
        return fit(eg.dataset("visits", last=window))

    with pytest.raises(Invalid, match='needs the parameter "window"'):
        needs.graph()


def test_a_pipeline_must_return_what_a_step_returned() -> None:
    @eg.pipeline
    def nothing() -> Any:
        fit(eg.dataset("visits"))

    with pytest.raises(Invalid, match="returns NoneType"):
        nothing.graph()


def test_a_step_called_with_wrong_arguments_is_invalid_before_anything_runs() -> None:
    @eg.pipeline
    def wrong() -> Any:
        return fit(eg.dataset("visits"), speed=3)  # type: ignore[call-arg]  # that is the point

    with pytest.raises(Invalid, match='step "fit"') as caught:
        wrong.graph()

    assert "rate" in (caught.value.hint or "")


def test_a_pipeline_is_run_and_not_called() -> None:
    with pytest.raises(Invalid, match="is not called but run"):
        train()


def test_a_dataset_stands_for_rows_only_inside_a_pipeline() -> None:
    with pytest.raises(Invalid, match="inside a pipeline"):
        eg.dataset("visits")


def test_after_a_pipeline_that_failed_steps_run_again() -> None:
    @eg.pipeline
    def fails() -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails.graph()

    assert load([1]) == [1]


@pytest.mark.parametrize(
    ("text", "expected"), [("20%", 0.2), (" 5 % ", 0.05), ("0%", None), ("100%", None), ("20d", None), ("-5%", None)]
)
def test_a_share_is_a_whole_percentage_between_nothing_and_all(text: str, expected: float | None) -> None:
    assert share(text) == expected


def test_a_holdout_that_is_neither_share_nor_duration_is_invalid() -> None:
    @eg.pipeline
    def odd() -> Any:
        return fit(eg.dataset("visits", holdout="most"))

    with pytest.raises(Invalid, match="not a duration"):
        odd.graph()
