"""``evergreen models``, ``promote``, ``rollback``, ``resume``, ``retrain``: versions and who holds which alias."""

from __future__ import annotations

import click

from evergreen.core.client import Client
from evergreen.core.declaration import Declaration
from evergreen.core.errors import NotFound, Refused, nearest
from evergreen.core.reference import Reference
from evergreen.faces.cli.exit_codes import Inconclusive
from evergreen.faces.cli.options import Place, as_json, parameters, placed, read_parameters
from evergreen.faces.cli.output import next_commands, print_json, print_table, say, short_time, working
from evergreen.faces.cli.place import open_project
from evergreen.jobs.measure_gate import GateReport, Measured, promote_measured, spell_check
from evergreen.lifecycle.promote import Promotion
from evergreen.lifecycle.resume import Resume
from evergreen.lifecycle.retrain import Retrain
from evergreen.lifecycle.roll_back import RollBack
from evergreen.views.configuration import ShowConfiguration
from evergreen.views.versions import FindVersion, ListVersions, ShowHolder

__all__ = ["models", "promote", "resume", "retrain", "rollback"]


@click.command()
@click.argument("name", required=False)
@placed
@as_json
def models(place: Place, name: str | None, is_json: bool) -> None:
    """List the versions of all models, or of the model NAME, with the aliases that they hold."""
    with open_project(place) as client:
        found = client.send(ListVersions(kind="model", name=name))
        if is_json:
            print_json(found)
            return
        held = {
            (one.name, alias)
            for one in found
            for alias in one.aliases
            if client.send(ShowHolder(name=one.name, alias=alias)).held
        }
    if not found:
        say('there are no models yet; "evergreen run MODEL" trains one')
    print_table(
        ["version", "aliases", "as of", "run", "by", "state"],
        [
            [
                f"{one.name}@v{one.number}",
                ", ".join(f"{alias} (held)" if (one.name, alias) in held else alias for alias in one.aliases),
                short_time(one.at),
                (one.run_id or "")[:12],
                one.actor,
                "archived" if one.archived else "ready",
            ]
            for one in found
        ],
    )


@click.command()
@click.argument("reference", metavar="NAME[@vN]")
@click.argument("alias")
@placed
@as_json
def promote(place: Place, reference: str, alias: str, is_json: bool) -> None:
    """Measure the gate of a model version (the newest without @vN) and give it ALIAS if that passes.

    Exit code 3: the gate refused; 6: nothing failed, but something could not be measured.
    """
    with open_project(place) as client:
        declaration = _declared(client, Reference.parse(reference).name)
        version = client.send(FindVersion(kind="model", reference=reference))
        spelled = f"{version.name}@v{version.number}"
        if client.send(ShowHolder(name=version.name, alias=alias)).version == version.number:
            say(f"{spelled} holds {alias} already")
            return
        with working(f"measuring the gate of {spelled}"):
            measured, promotion = promote_measured(client, declaration, version.name, version.number, alias)
    if is_json:
        print_json({"promotion": promotion, "report": measured.report})
    else:
        _print_report(measured.report)
    if not promotion.moved:
        _raise_refused(spelled, alias, measured, promotion)
    if is_json:
        return
    replaced = "" if promotion.replaced is None else f", in place of v{promotion.replaced}"
    click.echo(f"{spelled} is {alias}{replaced}")
    for endpoint in promotion.endpoints:
        click.echo(f"released at endpoint {endpoint}")
    next_commands(
        *(f"evergreen serve {endpoint}" for endpoint in promotion.endpoints), f"evergreen models {version.name}"
    )


@click.command()
@click.argument("name")
@click.argument("alias")
@click.option("--reason", default="asked for", help="Why, for the record.")
@placed
@as_json
def rollback(place: Place, name: str, alias: str, reason: str, is_json: bool) -> None:
    """Give ALIAS of model NAME back to its previous holder at once, and hold it against rules."""
    with open_project(place) as client:
        done = client.send(RollBack(name=name, alias=alias, reason=reason))
    if is_json:
        print_json(done)
        return
    click.echo(f"{name}@v{done.version} is {alias} again, in place of v{done.replaced}")
    for endpoint in done.endpoints:
        click.echo(f"released at endpoint {endpoint}")
    say(f'rules leave {alias} alone until "evergreen resume {name} {alias}"')


@click.command()
@click.argument("name")
@click.argument("alias")
@placed
@as_json
def resume(place: Place, name: str, alias: str, is_json: bool) -> None:
    """Let rules move ALIAS of model NAME again after a roll-back."""
    with open_project(place) as client:
        done = client.send(Resume(name=name, alias=alias))
    if is_json:
        print_json(done)
    else:
        click.echo(f"rules may move {alias} of {name} again; v{done.version} holds it")


@click.command()
@click.argument("model")
@parameters
@click.option("--reason", default="asked for", help="Why, for the record.")
@placed
@as_json
def retrain(place: Place, model: str, params: tuple[str, ...], reason: str, is_json: bool) -> None:
    """Queue a job that trains MODEL on the applied code, measures its gate and promotes it if that passes."""
    with open_project(place) as client:
        done = client.send(Retrain(model=model, params=read_parameters(params), reason=reason))
    if is_json:
        print_json(done)
        return
    click.echo(f"job {done.job_id[:12]} will retrain {model}")
    say('a worker does it: "evergreen server" has one, "evergreen tick" works off what waits')


def _declared(client: Client, name: str) -> Declaration:
    declaration: Declaration | None = client.send(ShowConfiguration()).declaration
    if declaration is None:
        raise NotFound("nothing is applied yet", hint='run "evergreen apply"')
    if name not in declaration.models:
        raise NotFound(f'evergreen.toml declares no model "{name}"', hint=nearest(name, declaration.models))
    return declaration


def _print_report(report: GateReport) -> None:
    span = "" if report.start is None else f", {short_time(report.start)} to {short_time(report.end)}"
    against = "nobody held it before" if report.champion is None else f"against v{report.champion}"
    click.echo(f"gate of {report.name}@v{report.candidate} for {report.alias}: {report.rows:,} rows{span}, {against}")
    for check in report.checks:
        measured = spell_check(check).partition(f" {check.verdict}: ")[2]
        click.echo(f"  {check.verdict:16}{check.text}  ({measured})")


def _raise_refused(spelled: str, alias: str, measured: Measured, promotion: Promotion) -> None:
    message = f"{spelled} does not become {alias}: " + "; ".join(promotion.reasons)
    unsure = [spell_check(check) for check in measured.report.checks if check.verdict == "inconclusive"]
    if promotion.reasons == unsure:
        raise Inconclusive(message, hint="hold more rows out in the pipeline, or commit newer ones")
    raise Refused(message, hint=f"evergreen models {measured.report.name}")
