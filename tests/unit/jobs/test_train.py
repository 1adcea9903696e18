import io
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from evergreen.core.clock import isoformat
from evergreen.core.declaration_file import FILE, read_declaration
from evergreen.core.errors import Invalid, NotFound
from evergreen.core.ids import new_id
from evergreen.faces.client.local import LocalClient
from evergreen.jobs.commit_rows import commit_rows
from evergreen.jobs.run_pipeline import StepFailed
from evergreen.jobs.train import Trained, train
from evergreen.serving.predictor import load_predictor
from evergreen.testing.project import DECLARATION, PIPELINE, apply_project, day, visits, write_project
from evergreen.versions.models import ModelManifest, read_model
from evergreen.views.runs import ListRuns, RunView, ShowRun
from evergreen.views.versions import FindVersion, ListVersions, VersionView

Train = Callable[..., Trained]
HELD_OUT_DAYS = 16
FIT_ON_ROWS = """
@eg.pipeline
def train(holdout: str = "16d") -> eg.Model:
    return fit(eg.dataset("visits", holdout=holdout))
"""


@pytest.fixture
def trained(client: LocalClient, shop: Path) -> Train:
    """Train on the code in the project's folder with the parameters given."""

    def run(**params: Any) -> Trained:
        declaration = read_declaration(shop / FILE)
        return train(client, "buys", declaration, shop, at=isoformat(day(60)), base=new_id(), params=params)

    return run


def _version(client: LocalClient, made: Trained) -> VersionView:
    found: VersionView = client.send(FindVersion(kind="model", reference=f"buys@v{made.number}"))
    return found


def _manifest(client: LocalClient, made: Trained) -> ModelManifest:
    return read_model(client.get, _version(client, made).manifest)


def _held_out(client: LocalClient, manifest: ModelManifest) -> pl.DataFrame:
    assert manifest.held_out is not None
    return pl.read_ipc(io.BytesIO(client.get(manifest.held_out)))


def _run(client: LocalClient, made: Trained) -> RunView:
    run: RunView = client.send(ShowRun(run_id=made.run_id))
    return run


def test_the_model_is_fitted_on_the_rows_before_the_holdout(client: LocalClient, trained: Train) -> None:
    made = trained()

    rows = visits(0, 60 - HELD_OUT_DAYS, a_day=40)
    expected = LogisticRegression().fit(rows.select("x"), rows["bought"].to_numpy())
    predictor = load_predictor(client.get, _manifest(client, made), made.number)
    points = [{"x": value} for value in (-1.0, 0.0, 2.5)]
    found = predictor.predict(points)
    assert np.allclose(found, expected.predict_proba(pl.DataFrame(points))[:, 1], rtol=0, atol=1e-12)
    assert made.rows == rows.height


def test_the_contract_says_what_training_saw(client: LocalClient, trained: Train) -> None:
    manifest = _manifest(client, trained())

    rows = visits(0, 60 - HELD_OUT_DAYS, a_day=40)
    [column] = manifest.contract.inputs
    assert (column.name, column.type, column.nullable) == ("x", "number", False)
    assert (column.minimum, column.maximum) == (rows["x"].min(), rows["x"].max())
    assert (manifest.contract.output.minimum, manifest.contract.output.maximum) == (0.0, 1.0)


def test_golden_requests_are_answered_as_they_were_packed(client: LocalClient, trained: Train) -> None:
    made = trained()
    manifest = _manifest(client, made)

    answers = load_predictor(client.get, manifest, made.number).predict(manifest.golden.rows)

    assert len(manifest.golden.rows) == 5
    assert answers.tolist() == manifest.golden.answers


def test_the_lineage_names_data_code_environment_and_run(client: LocalClient, trained: Train) -> None:
    made = trained()

    assert set(_version(client, made).sources) == {
        ("dataset:visits@v1", "input"),
        ("code:shop@v1", "code"),
        ("environment:shop@v1", "environment"),
        (f"run:{made.run_id}", "made by"),
    }
    run = _run(client, made)
    assert (run.state, run.used, "model:buys@v1" in run.made) == ("succeeded", [("dataset:visits@v1", "input")], True)
    assert run.params == {"window": "60d", "holdout": "16d", "strength": 1.0}
    assert run.metrics == {"rows": made.rows}


def test_metrics_of_a_step_are_with_its_run(client: LocalClient, trained: Train) -> None:
    run = _run(client, trained())

    assert [step.name for step in run.steps] == ["features", "fit", "features (held out)"]
    [coefficient] = run.steps[1].metrics.values()
    assert coefficient > 1


def test_a_second_run_on_the_same_takes_every_step_from_the_cache(client: LocalClient, trained: Train) -> None:
    first, second = trained(), trained()

    assert {step.state for step in _run(client, first).steps} == {"succeeded"}
    assert {step.state for step in _run(client, second).steps} == {"cached"}
    assert _manifest(client, first).files == _manifest(client, second).files


def test_another_parameter_runs_only_the_step_that_takes_it(client: LocalClient, trained: Train) -> None:
    trained()

    steps = _run(client, trained(strength=0.5)).steps

    assert [step.state for step in steps] == ["cached", "succeeded", "cached"]


def test_a_change_of_the_code_runs_the_new_code(client: LocalClient, shop: Path, trained: Train) -> None:
    before = trained()
    write_project(shop, pipeline=PIPELINE.replace("C=strength", "C=strength * 0.0001"))

    after = trained()

    assert {step.state for step in _run(client, after).steps} == {"succeeded"}
    assert _manifest(client, before).files != _manifest(client, after).files
    assert ("code:shop@v2", "code") in _version(client, after).sources


def test_steps_of_one_name_in_two_modules_do_not_share_results(client: LocalClient, shop: Path, trained: Train) -> None:
    (shop / "other.py").write_text(PIPELINE.replace("C=strength", "C=strength * 0.0001"))
    declaration = read_declaration(shop / FILE)
    model = msgspec.structs.replace(declaration.models["buys"], pipeline="other:train")
    elsewhere = msgspec.structs.replace(declaration, models={"buys": model})
    here = trained()

    there = train(client, "buys", elsewhere, shop, at=isoformat(day(60)), base=new_id(), params={})

    assert _manifest(client, here).files != _manifest(client, there).files


def test_a_step_that_fails_ends_the_run_and_shows_the_users_own_frames(
    client: LocalClient, shop: Path, trained: Train
) -> None:
    write_project(shop, pipeline=PIPELINE.replace('return visits.select("at"', 'return visits.select("att"'))

    with pytest.raises(StepFailed) as caught:
        trained()

    assert 'step "features" failed: ColumnNotFoundError' in caught.value.message
    assert f"{shop}/pipeline.py:9 in features" in caught.value.message
    assert "site-packages" not in caught.value.message
    assert "run_pipeline" not in caught.value.message
    [run] = client.send(ListRuns())
    [step] = client.send(ShowRun(run_id=run.id)).steps
    assert (run.state, step.state) == ("failed", "failed")
    assert step.error is not None
    assert step.error.startswith("ColumnNotFoundError")
    assert client.send(ListRuns())[0].made == []


def test_frames_are_shown_where_the_project_lies_in_a_folder_called_evergreen(tmp_path: Path) -> None:
    broken = PIPELINE.replace('return visits.select("at"', 'return visits.select("att"')
    folder = write_project(tmp_path / "evergreen" / "shop", pipeline=broken)
    client, declaration = apply_project(folder)
    commit_rows(client, "visits", visits(0, 60))

    with pytest.raises(StepFailed, match="in features"):
        train(client, "buys", declaration, folder, at=isoformat(day(60)), base=new_id(), params={})

    client.home.close()


def test_a_metric_that_is_no_number_does_not_end_the_training(
    client: LocalClient, shop: Path, trained: Train, caplog: pytest.LogCaptureFixture
) -> None:
    write_project(shop, pipeline=PIPELINE.replace("float(estimator.coef_[0, 0])", "float('nan')"))

    with caplog.at_level(logging.WARNING):
        made = trained()

    assert _run(client, made).steps[1].metrics == {}
    assert "metric coefficient is nan" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "return eg.Model(estimator=estimator, rows=rows, inputs",
            "return dict(rows=1, inputs",
            "does not make a model",
        ),
        ('inputs=["x"]', 'inputs=["z"]', 'have no column "z"'),
        ('inputs=["x"]', 'inputs=["x", "bought"]', "also an input"),
        ('inputs=["x"]', 'inputs=["at"]', 'an input cannot be called "at"'),
        ('select("at", "x", "bought")', 'select("x", "bought")', 'have no "at"'),
        ("estimator=estimator, rows", "estimator=rows, rows", "no flavour packs"),
        ("estimator=estimator, rows=rows", "estimator=estimator, rows=rows.clear()", "fitted on no rows"),
    ],
)
def test_a_pipeline_that_makes_no_usable_model_is_invalid(
    client: LocalClient, shop: Path, trained: Train, old: str, new: str, words: str
) -> None:
    assert old in PIPELINE
    write_project(shop, pipeline=PIPELINE.replace(old, new))

    with pytest.raises(Invalid, match=words):
        trained()

    assert client.send(ListRuns())[0].state == "failed"


def test_a_dataset_that_does_not_exist_is_not_found(shop: Path, trained: Train) -> None:
    write_project(shop, pipeline=PIPELINE.replace('eg.dataset("visits"', 'eg.dataset("visit"'))

    with pytest.raises(NotFound, match='no dataset "visit"') as caught:
        trained()

    assert caught.value.hint == 'did you mean "visits"?'


# ------------------------------------------------------------------ the holdout


@pytest.mark.parametrize(("holdout", "days"), [("16d", 16), ("24h", 1), ("20%", 12), ("50%", 30)])
def test_the_newest_rows_are_kept_from_training(client: LocalClient, trained: Train, holdout: str, days: int) -> None:
    manifest = _manifest(client, trained(holdout=holdout))

    later = _held_out(client, manifest)

    assert manifest.rows == (60 - days) * 40
    assert later.height == days * 40
    assert manifest.trained_until is not None
    assert isoformat(later["at"].min()) > str(manifest.trained_until)  # type: ignore[arg-type]  # a time
    assert later["at"].min() == day(60 - days)


def test_no_row_later_than_now_is_read(client: LocalClient, trained: Train) -> None:
    commit_rows(client, "visits", visits(60, 5, a_day=40))

    later = _held_out(client, _manifest(client, trained()))

    assert later["at"].max() < day(60)  # type: ignore[operator]  # a time


def test_a_window_counts_back_from_now(client: LocalClient, trained: Train) -> None:
    manifest = _manifest(client, trained(window="20d", holdout="5d"))

    assert manifest.rows == 15 * 40
    assert manifest.inputs[0].span.start == isoformat(day(40))


def test_a_window_without_rows_is_not_found_and_says_what_there_is(client: LocalClient, shop: Path) -> None:
    declaration = read_declaration(shop / FILE)
    at = isoformat(day(60) + timedelta(days=400))

    with pytest.raises(NotFound, match="no rows in its last 60d"):
        train(client, "buys", declaration, shop, at=at, base=new_id(), params={})


def test_a_pipeline_of_one_step_has_its_rows_held_out_too(client: LocalClient, shop: Path, trained: Train) -> None:
    write_project(shop, pipeline=PIPELINE.partition("@eg.pipeline")[0] + FIT_ON_ROWS)

    later = _held_out(client, _manifest(client, trained()))

    assert later["at"].min() == day(60 - HELD_OUT_DAYS)


def test_without_a_holdout_nothing_is_held_out(client: LocalClient, shop: Path, trained: Train) -> None:
    write_project(shop, pipeline=PIPELINE.replace(", holdout=holdout", ""))

    manifest = _manifest(client, trained())

    assert (manifest.held_out, manifest.rows) == (None, 60 * 40)


def test_without_a_time_column_the_rows_committed_last_are_held_out(tmp_path: Path) -> None:
    folder = write_project(
        tmp_path / "timeless",
        declaration=DECLARATION.replace('time   = "at"\n', "").replace(', dataset = "visits"', ""),
        pipeline=PIPELINE.replace('window: str = "60d", holdout: str = "16d"', 'holdout: str = "25%"').replace(
            "last=window, ", ""
        ),
    )
    client, declaration = apply_project(folder)
    commit_rows(client, "visits", visits(0, 6))
    commit_rows(client, "visits", visits(6, 2, flipped=True))

    made = train(client, "buys", declaration, folder, at=isoformat(day(60)), base=new_id(), params={})

    manifest = _manifest(client, made)
    assert (manifest.time, manifest.trained_until, manifest.reference) == (None, 480, None)
    assert _held_out(client, manifest)["x"].to_list() == visits(6, 2)["x"].to_list()
    client.home.close()


def test_nothing_of_a_training_that_failed_is_a_version(client: LocalClient, shop: Path, trained: Train) -> None:
    write_project(shop, pipeline="import nothing_there\n")

    with pytest.raises(Invalid, match="cannot import"):
        trained()

    with pytest.raises(NotFound, match="no model"):
        client.send(ListVersions(kind="model", name="buys"))
