"""A user's way through: from a table of their own to a model that answers, is explained, rolled back and proved."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]  # the fixtures' functions; their ends have code, out, err and json
Serve = Callable[..., AbstractContextManager[str]]
Post = Callable[[str, object], tuple[int, Any]]

ROW = {"plan": "pro", "age": 70, "active": False, "income": None}


def test_a_table_without_a_time_becomes_a_project_that_runs(empty: Path, run_empty: Run) -> None:
    made = run_empty("init", "--data", "customers.csv", "--target", "churned")

    assert sorted(path.name for path in empty.iterdir()) == ["customers.csv", "evergreen.toml", "pipeline.py"]
    assert 'key: "customer_id"' in made.err
    assert "'yes'" in made.err and "counts as 1" in made.err
    assert 'left out: "note" has 600 different texts' in made.err
    assert "[monitors" not in (empty / "evergreen.toml").read_text()
    for command in [line.strip() for line in made.err.splitlines() if line.startswith("  evergreen ")][:-1]:
        run_empty(*command.split()[1:])
    assert "churned@v1" in run_empty("why", "churned").out
    assert run_empty("models", "--json").json[0]["aliases"] == ["production"]


def test_init_writes_code_that_ruff_would_not_change(released: Path) -> None:
    ruff = pytest.importorskip("ruff")
    import subprocess

    done = subprocess.run(
        [ruff.find_ruff_bin(), "format", "--isolated", "--line-length=120", "--diff", str(released / "pipeline.py")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_plan_shows_the_difference_and_apply_is_idempotent(project: Path, run: Run) -> None:
    assert run("apply").out == "nothing changed: configuration 1 is applied already\n"

    declared = project / "evergreen.toml"
    declared.write_text(declared.read_text().replace("roc_auc >= 0.5", "roc_auc >= 0.55"))
    planned = run("plan")

    assert '  ~ models.churned.gate[0] = "roc_auc >= 0.5" -> "roc_auc >= 0.55"\n' in planned.out
    assert "  ~ evergreen.toml\n" in planned.out
    assert "configuration 2 is applied" in run("apply").out


def test_a_second_version_replaces_the_first_and_is_rolled_back(run: Run) -> None:
    promoted = run("promote", "churned@v2", "production")
    assert "churned@v2 is production, in place of v1\nreleased at endpoint churned\n" in promoted.out
    assert "log_loss <= champion.log_loss + 0.01" in promoted.out
    why = run("why", "churned").out
    assert "churned answers with churned@v2" in why
    assert "replaced    v1" in why
    assert "120 rows later than any that were trained on" in why

    assert "churned@v1 is production again, in place of v2" in run("rollback", "churned", "production").out
    assert "production (held)" in run("models", "churned").out
    assert "held against rules since a roll-back" in run("why", "churned").out
    assert "rules may move production of churned again; v1 holds it" in run("resume", "churned", "production").out
    assert run("rollback", "churned", "production", code=4).err.startswith(
        "error: churned@production cannot be rolled back"
    )
    told = [line[18:] for line in run("timeline").out.splitlines()]
    assert told[-3:] == [
        "churned@production rolled back from v2 to v1, held against rules: asked for",
        "endpoint churned answers with churned@v1",
        "rules may move churned@production again",
    ]


def test_an_endpoint_answers_and_says_what_is_wrong_with_a_request(
    project: Path, run: Run, serve: Serve, post: Post
) -> None:
    with serve("serve", "churned", "--port", "0") as address:
        status, answer = post(address, {"rows": [{"id": "a", "at": "2024-03-01T00:00:00Z", **ROW}]})
        assert status == 200, answer
        assert (answer["model"], answer["version"]) == ("churned", 1)
        assert 0.5 < answer["predictions"][0]["probability"] <= 1

        status, problem = post(address, {"rows": [{"id": "b", **ROW, "age": "old"}]})
        assert status == 422
        assert problem["facts"]["faults"] == ['$.rows[0].age: "old", expected an integer']

        port = address.split(":")[2].split("/")[0]
        taken = run("serve", "churned", "--port", port, code=1)
        assert f"cannot listen on 127.0.0.1:{port}" in taken.err
        assert "hint: use another --port" in taken.err

    (project / "outcomes.csv").write_text("prediction_id,value,known_at\na,1,2024-03-02T00:00:00Z\n")
    assert run("outcomes", "add", "churned", "outcomes.csv").out == "1 outcomes are new, 0 were there already\n"
    assert run("outcomes", "add", "churned", "outcomes.csv").out == "0 outcomes are new, 1 were there already\n"
    ticked = run("tick", "--now", "2024-03-20T00:00:00Z", "--json").json
    assert [(job["kind"], job["state"], job["result"]["closed"]) for job in ticked["jobs"]] == [
        ("watch", "succeeded", 1)
    ]
    status_now = run("status").out
    assert "1 predictions sealed, 1 outcomes" in status_now
    assert "clock     at 2024-03-20; last tick" in status_now


def test_a_retrain_that_was_asked_for_is_done_by_the_next_tick(run: Run) -> None:
    queued = run("retrain", "churned", "-p", "learning_rate=0.04", "--reason", "to see")
    assert "will retrain churned" in queued.out
    assert "waiting" in run("jobs", "--open").out

    ticked = run("tick")

    assert "gate passed by churned@v3 against v1" in ticked.out
    assert "a retrain job, to see" in run("why", "churned").out
    assert run("jobs", "--open", "--json").json == []


def test_a_server_works_off_jobs_and_describes_itself(run: Run, serve: Serve, post: Post) -> None:
    with serve("server", "--port", "0", "--clock", "stepped") as address:
        status, answer = post(f"{address}/api/v1/projects/visits/messages/ShowStatus", {})

        assert (status, answer["project"]) == (200, "visits")
        taken = run("server", "--port", address.rsplit(":", 1)[1], code=1)
        assert "cannot listen on" in taken.err


def test_reads_print_json_for_programs(run: Run) -> None:
    run_id = run("runs", "--json").json[0]["id"]

    assert run("show", run_id[:8], "--json").json["steps"][0]["name"] == "features"
    assert run("data", "show", "visits@v1", "--json").json["rows"] == 600
    assert run("status", "--json").json["models"] == {"churned": 2}
    assert run("why", "churned", "--json").json["generation"] == 1
    assert run("timeline", "--all", "--json").json[0]["kind"] == "project.created"
    assert "seen_at" in run("data", "show", "visits").out


def test_the_journal_and_the_bytes_are_proved(project: Path, run: Run) -> None:
    assert "sound: every event is as it was written" in run("audit", "verify").out
    assert "sound: all bytes are whole" in run("fsck").out
    assert "the database is current, at revision 0001" in run("migrate").out
    damaged = next(
        path for path in sorted((project / ".evergreen" / "objects").glob("??/*")) if path.stat().st_size > 1000
    )
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-1])

    found = run("fsck", code=1)

    assert f"object {damaged.parent.name}{damaged.name[:10]} is damaged" in found.out
    assert "error: 1 faults in" in found.err


def test_an_edited_journal_is_noticed(project: Path, run: Run) -> None:
    import sqlite3

    connection = sqlite3.connect(project / ".evergreen" / "evergreen.db")
    connection.execute(
        "update event set payload = replace(payload, 'production', 'producti0n') where kind = 'alias.moved'"
    )
    connection.commit()
    connection.close()

    assert "(alias.moved) was altered" in run("audit", "verify", code=1).out
    assert "alias churned production: the events say nothing" in run("fsck", code=1).out


def test_the_home_can_be_named(project: Path, run_empty: Run) -> None:
    home = project / ".evergreen"

    assert run_empty("status", "--home", home).out.startswith("visits: configuration 1")
    assert run_empty("status", EVERGREEN_HOME=str(home)).out.startswith("visits: configuration 1")
    assert "there is no Evergreen home" in run_empty("status", "--project", "visits", code=4).err
