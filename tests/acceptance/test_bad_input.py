"""Bad input is answered with what happened, what was expected and what to do; no traceback, no half-made state."""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

Run = Callable[..., Any]  # the fixtures' functions; their ends have code, out, err and json


def edit(project: Path, old: str, new: str, file: str = "evergreen.toml") -> None:
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_all_faults_of_evergreen_toml_come_at_once(project: Path, run: Run) -> None:
    edit(project, 'window       = "7d"', "window       = 7")
    edit(project, 'key    = "customer_id"', 'keys   = "customer_id"')
    edit(project, '"roc_auc >= 0.5"', '"roc_acu >= 0.5"')
    edit(project, 'checks = ["rows > 0"]', 'checks = ["rows >"]')
    edit(project, 'model   = "churned@production"', 'model   = "churn@production"')

    answered = run("apply", code=2)

    assert answered.err.startswith("error: evergreen.toml has 5 faults:\n")
    assert "$.monitors.churned.window: expected text, found a number: 7" in answered.err
    assert "$.datasets.visits.keys: unknown key" in answered.err
    assert "$.models.churned.gate[0]: " in answered.err and 'did you mean "roc_auc"?' in answered.err
    assert '$.endpoints.churned.model: no model "churn"; did you mean "churned"?' in answered.err
    assert run("status").out.startswith("visits: configuration 1,")


def test_keys_of_later_versions_are_refused_by_name(project: Path, run: Run) -> None:
    edit(project, "[models.churned]\n", "[models.churned]\napprovals = { production = 1 }\n")
    edit(project, "[endpoints.churned]\n", '[endpoints.churned]\nrollout = { strategy = "canary" }\n')
    edit(project, "[[rules]]\n", "[[rules]]\nbudget = { cpu_hours = 1 }\n")

    answered = run("plan", code=2).err

    assert "$.models.churned.approvals: not available in this version" in answered
    assert "$.endpoints.churned.rollout: not available in this version" in answered
    assert "$.rules[0].budget: not available in this version" in answered


def test_a_pipeline_that_is_not_there_is_found_at_apply(project: Path, run: Run) -> None:
    edit(project, '"pipeline:train"', '"pipeline:trian"')
    edit(project, 'with     = { model = "churned" }', 'with     = { model = "churned", windw = "9d" }')

    answered = run("apply", code=2).err

    assert '$.models.churned.pipeline: module "pipeline" has no "trian"; did you mean "train"?' in answered
    edit(project, '"pipeline:trian"', '"pipeline:train"')
    assert (
        '$.rules[0].with: pipeline "train" has no parameter "windw"; did you mean "window"?' in run("apply", code=2).err
    )


def test_a_dataset_that_fails_its_checks_is_kept_and_not_used(project: Path, run: Run) -> None:
    edit(project, 'checks = ["rows > 0"]', 'checks = ["rows > 0", "age between 18 and 60"]')
    run("apply")

    answered = run("data", "add", "visits", "visits.csv", code=3)

    assert "visits@v2: 600 rows committed" in answered.out
    assert "of 600 rows break it" in answered.out
    assert "error: visits@v2 is kept, but not used: 1 of 2 checks did not pass" in answered.err
    assert "failed 1 of 2 checks" in run("data", "log", "visits").out
    assert "visits@v2 failed its checks and is not used: age between 18 and 60" in run("timeline").out


def test_rows_that_do_not_fit_the_dataset_are_refused(project: Path, run: Run) -> None:
    pl.read_csv(project / "visits.csv").drop("plan").write_csv(project / "other.csv")

    assert "plan is missing" in run("data", "add", "visits", "other.csv", code=2).err
    assert (
        'there is no file visit.csv\nhint: did you mean "visits.csv"?'
        in run("data", "add", "visits", "visit.csv", code=4).err
    )


def test_a_gate_that_refuses_ends_with_3_and_one_that_cannot_tell_with_6(project: Path, run: Run) -> None:
    edit(project, '"roc_auc >= 0.5"', '"roc_auc >= 0.999"')
    run("apply")

    refused = run("promote", "churned", "production", code=3)

    assert "fail            roc_auc >= 0.999  (roc_auc is " in refused.out
    assert "error: churned@v2 does not become production: " in refused.err
    edit(project, '"roc_auc >= 0.999"', "\"worst_slice(roc_auc, by=['shoe_size']) >= 0.5\"")
    run("apply")
    unsure = run("promote", "churned@v2", "staging", code=6)
    assert "the model has no input 'shoe_size'" in unsure.err


def test_names_that_do_not_exist_have_near_matches(run: Run) -> None:
    assert 'did you mean "churned"?' in run("run", "churnd", code=4).err
    assert 'did you mean "churned"?' in run("serve", "churnd", code=4).err
    assert "its versions are 1 to 2" in run("promote", "churned@v7", "production", code=4).err
    assert 'has no alias "staging"' in run("rollback", "churned", "staging", code=4).err
    assert 'pipeline "train" has no parameter "windw"' in run("run", "churned", "-p", "windw=1d", code=2).err


def test_a_pipeline_that_raises_shows_the_users_own_frames(project: Path, run: Run) -> None:
    edit(project, "    labelled = rows", '    raise KeyError("no such plan")\n    labelled = rows', "pipeline.py")

    answered = run("run", "churned", code=1)

    assert "step \"features\" failed: KeyError: 'no such plan'" in answered.err
    assert "pipeline.py:" in answered.err and "site-packages" not in answered.err
    run_id = answered.err.rsplit("evergreen show ", 1)[1].split()[0].strip('"')
    assert "no such plan" in run("show", run_id).out
    assert run("models", "--json").json[0]["number"] == 2  # as before
    (project / "pipeline.py").write_text("import no_such_module\n")
    assert 'cannot import "pipeline"' in run("run", "churned", code=2).err


def test_init_refuses_what_it_cannot_do_and_overwrites_nothing(empty: Path, run_empty: Run) -> None:
    def init(*arguments: str, code: int) -> str:
        return str(run_empty("init", "--data", "customers.csv", *arguments, code=code).err)

    assert 'no target column "chured"\nhint: did you mean "churned"?' in init("--target", "chured", code=4)
    assert 'target "plan" has 3 values (basic, plus, pro), expected two' in init("--target", "plan", code=2)
    assert sorted(path.name for path in empty.iterdir()) == ["customers.csv"]
    (empty / "pipeline.py").write_text("mine")
    assert "pipeline.py exists already, and init overwrites nothing" in init("--target", "churned", code=5)
    assert (empty / "pipeline.py").read_text() == "mine"
    assert not (empty / "evergreen.toml").exists()


def test_without_a_project_the_hint_says_how_to_make_one(empty: Path, run_empty: Run) -> None:
    assert 'hint: make a project here: "evergreen init --data FILE"' in run_empty("plan", code=4).err
    assert sorted(path.name for path in empty.iterdir()) == ["customers.csv"]


def test_a_folder_that_cannot_be_written_is_named(project: Path, run: Run) -> None:
    for path in [project / ".evergreen", *(project / ".evergreen").rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)

    answered = run("retrain", "churned", code=1)

    assert "error: cannot " in answered.err
    assert ".evergreen" in answered.err
    assert "hint: " in answered.err and "permissions" in answered.err


def test_a_home_cannot_be_made_in_a_read_only_folder(empty: Path, run_empty: Run) -> None:
    run_empty("init", "--data", "customers.csv", "--target", "churned")
    empty.chmod(0o555)

    answered = run_empty("apply", code=1)

    assert f"cannot make a home at {empty}/.evergreen: Permission denied" in answered.err
    assert not (empty / ".evergreen").exists()


def test_only_this_machine_is_served(run: Run) -> None:
    assert "cannot listen on 0.0.0.0: without logins" in run("serve", "churned", "--host", "0.0.0.0", code=1).err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "in use" in run("server", "--port", port, code=1).err


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    done = subprocess.run(
        f"{Path(sys.executable).with_name('evergreen')} timeline --all --json | head -c 20",
        shell=True,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert len(done.stdout) == 20
