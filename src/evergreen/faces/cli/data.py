"""``evergreen data``: commit rows, list versions, look into one."""

from __future__ import annotations

import io
from pathlib import Path

import click
import msgspec
import polars as pl

from evergreen.core.client import Client
from evergreen.core.digest import Digest
from evergreen.core.errors import Invalid, Refused
from evergreen.faces.cli.exit_codes import Inconclusive
from evergreen.faces.cli.files import fitted, is_typed, read_rows
from evergreen.faces.cli.options import Place, as_json, placed
from evergreen.faces.cli.output import next_commands, print_json, print_table, say, short_time
from evergreen.faces.cli.place import open_project
from evergreen.jobs.commit_rows import Committed, commit_rows
from evergreen.versions.datasets import CheckResult, DatasetManifest, read
from evergreen.views.configuration import ShowConfiguration
from evergreen.views.versions import FindVersion, ListVersions, NewestVersion

__all__ = ["data"]

SHOWN_ROWS = 5


@click.group(invoke_without_command=False)
def data() -> None:
    """Commit rows to datasets, list their versions, look into one."""


@data.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@placed
@as_json
def add(place: Place, name: str, file: Path, is_json: bool) -> None:
    """Commit the rows in FILE (CSV, Parquet, JSON lines) as the next version of dataset NAME.

    A row whose key is there already replaces the older one. Rows that fail the declared checks are kept as a version,
    but nothing uses it; the exit code is then 3.
    """
    table = read_rows(file)
    with open_project(place) as client:
        declared = client.send(ShowConfiguration()).declaration
        section = declared.datasets.get(name) if declared else None
        if declared is not None and section is None:
            say(f'note: evergreen.toml declares no dataset "{name}", so nothing is checked')
        known = {} if is_typed(file) else _known_types(client, name)
        table = fitted(table, known, section.time if section else None)
        done = commit_rows(client, name, table)
        models = list(declared.models) if declared else []
    if is_json:
        print_json(done)
    else:
        click.echo(f"{name}@v{done.number}: {table.height:,} rows committed, {done.rows:,} in all")
        _print_checks(done.checks)
    _refuse_unusable(name, done)
    if not is_json and models:
        next_commands(*(f"evergreen run {model}" for model in models))


@data.command()
@click.argument("name")
@placed
@as_json
def log(place: Place, name: str, is_json: bool) -> None:
    """List the versions of dataset NAME, newest first."""
    with open_project(place) as client:
        versions = client.send(ListVersions(kind="dataset", name=name))
        if is_json:
            print_json(versions)
            return
        manifests = [_manifest(client, version.manifest) for version in versions]
    print_table(
        ["version", "committed", "rows", "in all", "newest row", "state"],
        [
            [
                f"v{version.number}",
                short_time(version.at),
                manifest.fragments[-1].rows,
                manifest.rows,
                short_time(manifest.last),
                "usable" if version.usable else f"failed {_failed(manifest.checks)} of {len(manifest.checks)} checks",
            ]
            for version, manifest in zip(versions, manifests, strict=True)
        ],
    )


@data.command()
@click.argument("reference", metavar="REF")
@placed
@as_json
def show(place: Place, reference: str, is_json: bool) -> None:
    """Show columns, checks and the newest rows of a dataset version, for example flights or flights@v3."""
    with open_project(place) as client:
        version = client.send(FindVersion(kind="dataset", reference=reference))
        manifest = _manifest(client, version.manifest)
        if is_json:
            print_json(manifest)
            return
        newest = read(client.get, manifest).tail(SHOWN_ROWS)
    state = "usable" if version.usable else "not usable: its checks failed"
    click.echo(f"{manifest.name}@v{version.number}, committed {short_time(version.at)} by {version.actor}, {state}")
    click.echo(f"{manifest.rows:,} rows in {len(manifest.fragments)} commits; {version.manifest[:12]}")
    roles = {manifest.key: "key", manifest.time: "time"}
    click.echo()
    print_table(["column", "type", "role"], [[name, kind, roles.get(name)] for name, kind in manifest.columns.items()])
    if manifest.checks:
        click.echo()
        _print_checks(manifest.checks)
    click.echo()
    click.echo("the newest rows:")
    with pl.Config(tbl_hide_dataframe_shape=True, tbl_formatting="ASCII_MARKDOWN", tbl_hide_column_data_types=True):
        click.echo(newest)


def _known_types(client: Client, name: str) -> dict[str, pl.DataType]:
    """Return the column types of the newest usable version."""
    before = client.send(NewestVersion(kind="dataset", name=name))
    if not before.number:
        return {}
    newest = _manifest(client, before.manifest).fragments[-1]
    return dict(pl.read_parquet_schema(io.BytesIO(client.get(newest.digest))))


def _manifest(client: Client, digest: Digest) -> DatasetManifest:
    return msgspec.json.decode(client.get(digest), type=DatasetManifest)


def _print_checks(checks: tuple[CheckResult, ...] | list[CheckResult]) -> None:
    for check in checks:
        said = check.reason or ", ".join(f"{name} is {_number(value)}" for name, value in check.measured.items())
        if check.failing_rows:
            said = f"{check.failing_rows:,} of {check.measured['rows']:,} rows break it"
        click.echo(f"  {check.verdict:12}  {check.text}  ({said})" if said else f"  {check.verdict:12}  {check.text}")
        if check.sample:
            click.echo(f"                for example {msgspec.json.encode(check.sample[0]).decode()}")


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _failed(checks: list[CheckResult]) -> int:
    return sum(check.verdict != "pass" for check in checks)


def _refuse_unusable(name: str, done: Committed) -> None:
    """Raise for a version that is kept but not used, so that a script notices."""
    if done.usable:
        return
    failed = [check for check in done.checks if check.verdict != "pass"]
    message = f"{name}@v{done.number} is kept, but not used: {len(failed)} of {len(done.checks)} checks did not pass"
    hint = "mend the rows and commit them again, or change the checks in evergreen.toml"
    if any(check.verdict == "error" for check in failed):
        raise Invalid(message, hint="a check cannot be read on these columns: mend it in evergreen.toml")
    raise (Inconclusive if all(check.verdict == "inconclusive" for check in failed) else Refused)(message, hint=hint)
