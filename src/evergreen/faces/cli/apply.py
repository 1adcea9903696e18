"""``evergreen plan`` and ``evergreen apply``: the lifecycle as code."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from evergreen.core.client import Client
from evergreen.core.declaration import Declaration
from evergreen.core.declaration_file import FILE, broken
from evergreen.core.errors import EvergreenError, NotFound
from evergreen.execution.loading import load_pipeline
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import next_commands, print_json, say
from evergreen.faces.cli.place import declaration_of, folder_of, home_of, open_project
from evergreen.lifecycle.apply import Apply, ApplyResult
from evergreen.lifecycle.create_project import CreateProject
from evergreen.versions.code import CodeManifest, manifest_bytes, read_code, snapshot
from evergreen.views.configuration import AppliedConfiguration, ShowConfiguration, differences
from evergreen.views.versions import NewestVersion

__all__ = ["apply", "plan"]


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What apply would change."""

    configuration: list[str]
    code: list[str]


@click.command()
@placed
@as_json
def plan(place: Place, is_json: bool) -> None:
    """Show the difference between evergreen.toml with its code here and what is applied. Nothing is changed."""
    declared = declaration_of(place)
    code, _ = snapshot(folder_of(place))
    try:
        with open_project(place) as client:
            planned = _differences(client, client.send(ShowConfiguration()), declared, code)
    except NotFound:  # no home or no project yet: everything is new
        planned = _Plan(configuration=differences(None, declared), code=[f"+ {name}" for name in code.files])
    if is_json:
        print_json(planned)
    elif planned.configuration or planned.code:
        _print(planned)
        next_commands("evergreen apply")
    else:
        click.echo("nothing would change")


@click.command()
@placed
@as_json
def apply(place: Place, is_json: bool) -> None:
    """Make what evergreen.toml declares hold, with a snapshot of the code beside it. The same again changes nothing."""
    declared = declaration_of(place)
    folder = folder_of(place)
    _require_pipelines(folder, declared)
    code, contents = snapshot(folder)
    is_first = not home_of(place).exists()
    with open_project(place, create=True) as client:
        client.send(CreateProject())
        applied = client.send(ShowConfiguration())
        planned = _differences(client, applied, declared, code)
        for data in contents.values():
            client.put(data)
        # A new git commit of the same files is no new code.
        same = applied.code if applied.code and not planned.code else None
        done = client.send(Apply(declaration=declared, code=same or client.put(manifest_bytes(code))))
        newest = {name: client.send(NewestVersion(kind="dataset", name=name)).number for name in declared.datasets}
    if is_json:
        print_json(done)
        return
    _print(planned)
    _tell(done, is_first, home_of(place))
    if not all(newest.values()):
        next_commands(*(f"evergreen data add {name} FILE" for name, number in newest.items() if not number))


def _differences(client: Client, applied: AppliedConfiguration, declared: Declaration, code: CodeManifest) -> _Plan:
    before = {} if applied.code is None else read_code(client.get, applied.code).files
    lines = []
    for name in sorted(before.keys() | code.files.keys()):
        if name not in before:
            lines.append(f"+ {name}")
        elif name not in code.files:
            lines.append(f"- {name}")
        elif before[name] != code.files[name]:
            lines.append(f"~ {name}")
    return _Plan(configuration=differences(applied.declaration, declared), code=lines)


def _print(planned: _Plan) -> None:
    for title, lines in ((FILE, planned.configuration), ("code", planned.code)):
        if lines:
            click.echo(f"{title}:")
            for line in lines:
                click.echo(f"  {line}")


def _tell(done: ApplyResult, is_first: bool, home: Path) -> None:
    if done.changed:
        click.echo(f"configuration {done.number} is applied, with code version {done.code_version}")
    else:
        click.echo(f"nothing changed: configuration {done.number} is applied already")
    if is_first:
        say(f"everything is kept in {home}")


def _require_pipelines(folder: Path, declared: Declaration) -> None:
    """Import the declared pipelines and trace those that rules run: a fault found now is none at night.

    Raises:
        DeclarationBroken: with all of them.
    """
    faults = []
    for name, model in declared.models.items():
        try:
            pipeline = load_pipeline(folder, model.pipeline)
        except EvergreenError as error:
            faults.append(f"$.models.{name}.pipeline: {_spell(error)}")
            continue
        for number, rule in enumerate(declared.rules):
            params = {key: value for key, value in rule.arguments.items() if key != "model"}
            if rule.do != "retrain" or rule.arguments["model"] != name:
                continue
            try:
                pipeline.graph(**params)
            except EvergreenError as error:
                faults.append(f"$.rules[{number}].with: {_spell(error)}")
    if faults:
        raise broken(FILE, faults)


def _spell(error: EvergreenError) -> str:
    return error.message if error.hint is None else f"{error.message}; {error.hint}"
