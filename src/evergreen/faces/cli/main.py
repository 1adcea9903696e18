"""``evergreen``: the table of commands, each loaded when it is used, and what its end means to the shell."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from evergreen._version import __version__
from evergreen.core.errors import EvergreenError, nearest
from evergreen.faces.cli.exit_codes import FAILED, INTERRUPTED, USAGE, exit_code_of

__all__ = ["COMMANDS", "commands", "main"]

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "demo": ("evergreen.faces.cli.demo.command:demo", "watch a model be kept fresh on a year of real flights"),
        "init": ("evergreen.faces.cli.init:init", "make the smallest project for your own table"),
        "plan": ("evergreen.faces.cli.apply:plan", "show what apply would change"),
        "apply": ("evergreen.faces.cli.apply:apply", "make the lifecycle that evergreen.toml declares hold"),
    },
    "Data and training": {
        "data": ("evergreen.faces.cli.data:data", "commit rows to a dataset, list its versions, look into one"),
        "run": ("evergreen.faces.cli.run:run", "train a model here and now, as its pipeline says"),
        "runs": ("evergreen.faces.cli.run:runs", "list runs"),
        "show": ("evergreen.faces.cli.run:show", "show one run with its steps"),
        "retrain": ("evergreen.faces.cli.models:retrain", "queue a job that trains, measures the gate and promotes"),
    },
    "Releases": {
        "models": ("evergreen.faces.cli.models:models", "list model versions and who holds which alias"),
        "promote": ("evergreen.faces.cli.models:promote", "measure a version's gate and give it an alias"),
        "rollback": ("evergreen.faces.cli.models:rollback", "give an alias back to its previous holder, at once"),
        "resume": ("evergreen.faces.cli.models:resume", "let rules move an alias again after a roll-back"),
    },
    "Serving and watching": {
        "serve": ("evergreen.faces.cli.serve:serve", "answer predictions at an endpoint"),
        "outcomes": ("evergreen.faces.cli.outcomes:outcomes", "tell what turned out true"),
        "server": ("evergreen.faces.cli.serve:server", "run the API, a worker and the loop"),
        "tick": ("evergreen.faces.cli.tick:tick", "turn the loop once, without a server"),
    },
    "Looking": {
        "status": ("evergreen.faces.cli.status:status", "how the project stands"),
        "why": ("evergreen.faces.cli.why:why", "why is this model live?"),
        "timeline": ("evergreen.faces.cli.timeline:timeline", "what was decided, when and why"),
        "jobs": ("evergreen.faces.cli.status:jobs", "what waits, what runs, how it ended"),
    },
    "Care": {
        "audit": ("evergreen.faces.cli.audit:audit", "prove that the journal was not edited"),
        "fsck": ("evergreen.faces.cli.fsck:fsck", "check that everything named is there and whole"),
        "migrate": ("evergreen.faces.cli.migrate:migrate", "bring the database to this release's schema"),
    },
}
"""Section -> name -> (where it is, what it does). "Add a command" is a file and a line here."""


class _Commands(click.Group):
    """A group that imports a command's module when the command is used, and not for its help text."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        for section in COMMANDS.values():
            if cmd_name in section:
                module, _, attribute = section[cmd_name][0].partition(":")
                command: click.Command = getattr(importlib.import_module(module), attribute)
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-"):
            raise click.UsageError(f'there is no command "{args[0]}"; {nearest(args[0], names)}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        width = max(len(name) for section in COMMANDS.values() for name in section)
        for title, section in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in section.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="evergreen %(version)s")
def commands() -> None:
    """Keep machine-learning models fresh.

    Each command works on the project whose evergreen.toml lies here or above, and on the home beside it (.evergreen/);
    --home DIR or EVERGREEN_HOME name another one. Data goes to stdout, talk to stderr.
    """


def main() -> None:
    """Run the command that the shell asks for and exit with what came of it."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: Sequence[str]) -> int:
    # One thread a process: small batches and fits lose more to OpenMP's hand-over than they gain (decision 0010).
    # OpenMP reads this when numpy and scikit-learn are imported, and the commands that do so are not loaded yet.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        result = commands.main(list(arguments), prog_name="evergreen", standalone_mode=False, color=_color())
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        asked = "evergreen" if error.ctx is None else error.ctx.command_path
        _complain(error.format_message().rstrip("."), f'run "{asked} --help"')
        return USAGE
    except click.ClickException as error:
        _complain(error.format_message().rstrip("."), None)
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read stdout has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes at exit
        return FAILED
    except EvergreenError as error:
        _raise_for_debugging()
        _complain(error.message, error.hint)
        return exit_code_of(error)
    except Exception as error:  # noqa: BLE001 - the process boundary: a fault of ours is said, not dumped
        _raise_for_debugging()
        _complain(
            f"Evergreen failed: {type(error).__name__}: {error}",
            "this is a fault of Evergreen; EVERGREEN_DEBUG=1 shows where, please report it",
        )
        return FAILED
    return result if isinstance(result, int) else 0


def _color() -> bool | None:
    """Return False where NO_COLOR (no-color.org) asks for none, else None: colour on terminals only."""
    return False if os.environ.get("NO_COLOR") else None


def _complain(message: str, hint: str | None) -> None:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True, color=_color())
    if hint is not None:
        click.echo(f"hint: {hint}", err=True)


def _raise_for_debugging() -> None:
    """Raise the error that is being handled again, where EVERGREEN_DEBUG asks for its traceback."""
    if os.environ.get("EVERGREEN_DEBUG", "0") not in ("", "0"):
        raise  # noqa: PLE0704 - called while an error is handled
