"""``evergreen run``, ``runs`` and ``show``: train a model here, and look at what was tried."""

from __future__ import annotations

from collections.abc import Mapping

import click

from evergreen.core.clock import isoformat
from evergreen.core.declaration import Declaration, ModelSection
from evergreen.core.declaration_file import FILE
from evergreen.core.errors import Invalid, NotFound, nearest
from evergreen.core.ids import new_id
from evergreen.faces.cli.options import Place, as_json, parameters, placed, read_parameters
from evergreen.faces.cli.output import next_commands, print_json, print_table, say, short_time, working
from evergreen.faces.cli.place import declaration_of, folder_of, open_project
from evergreen.jobs.train import train
from evergreen.lifecycle.configuration import serving_aliases
from evergreen.views.configuration import ShowConfiguration
from evergreen.views.runs import ListRuns, RunView, ShowRun

__all__ = ["run", "runs", "show"]


@click.command()
@click.argument("model", metavar="MODEL")
@parameters
@placed
@as_json
def run(place: Place, model: str, params: tuple[str, ...], is_json: bool) -> None:
    """Train MODEL in this process, with the code that lies here, and register the result as its next version.

    MODEL may also be the name of a pipeline that makes one model only.
    """
    folder = folder_of(place)
    given = read_parameters(params)
    with open_project(place) as client:
        applied = client.send(ShowConfiguration())
        if applied.declaration is None:
            raise NotFound("nothing is applied yet, so there is no model to train", hint='run "evergreen apply"')
        name = _model_called(model, applied.declaration.models)
        if declaration_of(place).digest != applied.declaration.digest:
            say(f'note: {FILE} differs from what is applied, which counts here; see "evergreen plan"')
        at = applied.now or isoformat(client.home.clock.now())
        with working(f"training {name}"):
            made = train(client, name, applied.declaration, folder, at=at, base=new_id(), params=given)
        done = client.send(ShowRun(run_id=made.run_id))
    if is_json:
        print_json(done)
        return
    click.echo(f"{name}@v{made.number} is trained on {made.rows:,} rows, as of {short_time(at)}")
    for number in made.archived:
        click.echo(f"{name}@v{number} is archived: newer versions are kept in its stead")
    _print_run(done)
    next_commands(f"evergreen promote {name}@v{made.number} {_alias_of(applied.declaration, name)}")


@click.command()
@click.option("--limit", default=20, show_default=True, help="So many of the newest.")
@placed
@as_json
def runs(place: Place, limit: int, is_json: bool) -> None:
    """List runs, newest first."""
    with open_project(place) as client:
        found = client.send(ListRuns(limit=limit))
    if is_json:
        print_json(found)
        return
    if not found:
        say('there are no runs yet; "evergreen run MODEL" makes one')
    print_table(
        ["run", "name", "state", "as of", "made", "metrics"],
        [[one.id[:12], one.name, one.state, short_time(one.at), _made(one), _spell(one.metrics)] for one in found],
    )


@click.command()
@click.argument("run_id", metavar="RUN")
@placed
@as_json
def show(place: Place, run_id: str, is_json: bool) -> None:
    """Show one run with its steps; the first digits of its id will do."""
    with open_project(place) as client:
        found = client.send(ShowRun(run_id=run_id))
    if is_json:
        print_json(found)
        return
    click.echo(f"{found.name}: {found.state}, as of {short_time(found.at)}, by {found.actor}")
    for title, text in (("made", _made(found)), ("used", ", ".join(node for node, _ in found.used))):
        if text:
            click.echo(f"{title:8}{text}")
    if found.error:
        click.echo(f"error   {found.error}")
    _print_run(found)


def _model_called(text: str, models: Mapping[str, ModelSection]) -> str:
    """Return the model that ``text`` names, by its name or by a pipeline that makes it alone."""
    if text in models:
        return text
    makers = [name for name, model in models.items() if text in (model.pipeline, model.pipeline.partition(":")[2])]
    if len(makers) == 1:
        return makers[0]
    if makers:
        raise Invalid(f'pipeline "{text}" makes several models: {", ".join(makers)}', hint="name the model instead")
    pipelines = [model.pipeline.partition(":")[2] for model in models.values()]
    raise NotFound(f'evergreen.toml declares no model or pipeline "{text}"', hint=nearest(text, [*models, *pipelines]))


def _alias_of(declaration: Declaration, name: str) -> str:
    return next(iter(serving_aliases(declaration, name)), "production")


def _made(one: RunView) -> str:
    return ", ".join(node.removeprefix("model:") for node in one.made)


def _print_run(one: RunView) -> None:
    for title, values in (("params", one.params), ("metrics", one.metrics)):
        if values:
            click.echo(f"{title:8}{_spell(values)}")
    click.echo(f"run     {one.id[:12]}")
    for step in one.steps:
        seconds = "" if step.cpu_seconds is None else f"{step.cpu_seconds:.2f} s of CPU"
        told = "  ".join(part for part in (seconds, _spell(step.metrics), step.error or "") if part)
        click.echo(f"  {step.name:24}{step.state:10}{told}".rstrip())


def _spell(values: Mapping[str, object]) -> str:
    return ", ".join(
        f"{name} {value:,.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{name} {_whole(value)}"
        for name, value in values.items()
    )


def _whole(value: object) -> str:
    return f"{value:,.0f}" if isinstance(value, float) else str(value)
