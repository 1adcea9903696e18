import importlib

import click
import pytest

from evergreen.core.errors import Conflict, Corrupt, Denied, Invalid, NotFound, Refused, Unavailable
from evergreen.faces.cli.exit_codes import Inconclusive, exit_code_of
from evergreen.faces.cli.main import COMMANDS, main
from evergreen.jobs.run_pipeline import StepFailed


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line in this process and return its exit code."""
    monkeypatch.setattr("sys.argv", ["evergreen", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize("where", [where for section in COMMANDS.values() for where, _ in section.values()])
def test_each_line_of_the_table_names_a_command_with_a_help_text(where: str) -> None:
    module, _, attribute = where.partition(":")

    command = getattr(importlib.import_module(module), attribute)

    assert isinstance(command, click.Command)
    assert command.help
    assert command.name == next(
        name for section in COMMANDS.values() for name, one in section.items() if one[0] == where
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no"), 3),
        (Inconclusive("perhaps"), 6),
        (NotFound("gone"), 4),
        (Conflict("first"), 5),
        (Invalid("wrong"), 2),
        (StepFailed("it raised"), 1),
        (Denied("not you"), 1),
        (Unavailable("later"), 1),
        (Corrupt("damaged"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code  # type: ignore[arg-type]  # all are EvergreenErrors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["promot"], 'there is no command "promot"; did you mean "promote"?\nhint: run "evergreen --help"\n'),
        (["status", "--jsn"], "No such option '--jsn'"),
        (["promote", "delay"], "Missing argument 'ALIAS'"),
        (["server", "--clock", "sun"], "'sun' is not one of 'wall', 'stepped'"),
        (["tick", "--now", "yesterday"], '"yesterday" is not a moment'),
    ],
)
def test_a_misspelt_command_ends_with_2_and_a_hint(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    code = ended(monkeypatch, *arguments)

    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert said in captured.err
    assert "hint: " in captured.err


def test_an_interrupted_command_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("evergreen.faces.cli.main.commands.main", interrupt)  # a signal at that moment cannot be sent

    assert ended(monkeypatch, "status") == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_fault_of_ours_is_said_and_not_dumped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("evergreen.faces.cli.main.commands.main", fail)  # no known way to a fault of ours
    monkeypatch.delenv("EVERGREEN_DEBUG", raising=False)

    assert ended(monkeypatch, "status") == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: Evergreen failed: KeyError: 'surprise'\nhint: ")
    assert "Traceback" not in captured.err
    monkeypatch.setenv("EVERGREEN_DEBUG", "1")
    monkeypatch.setattr("sys.argv", ["evergreen", "status"])
    with pytest.raises(KeyError):
        main()
