"""``evergreen server`` and ``evergreen serve``: each prints one line with its address once it answers."""

from __future__ import annotations

import click

from evergreen.faces.cli.options import Place, placed
from evergreen.faces.cli.place import home_of, project_of
from evergreen.faces.http.server import run_server
from evergreen.faces.inference.server import run_endpoint

__all__ = ["serve", "server"]

host = click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen: this machine only.")


@click.command()
@host
@click.option("--port", default=7400, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--clock",
    type=click.Choice(["wall", "stepped"]),
    default="wall",
    show_default=True,
    help="wall: business time follows the machine's; stepped: only Tick messages move it, as a replay wants.",
)
@placed
def server(place: Place, host: str, port: int, clock: str) -> None:
    """Run the API with its OpenAPI document, one worker, and the loop that moves the clock."""
    run_server(
        home_of(place),
        host,
        port,
        wall_clock=clock == "wall",
        ready=lambda address: click.echo(f"evergreen server at {address}"),
    )


@click.command()
@click.argument("endpoint")
@host
@click.option("--port", default=7401, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@placed
def serve(place: Place, endpoint: str, host: str, port: int) -> None:
    """Answer predictions at ENDPOINT with the version that its alias names, and log each one."""
    run_endpoint(
        home_of(place),
        project_of(place),
        endpoint,
        host,
        port,
        ready=lambda address: click.echo(f"evergreen endpoint {endpoint} at {address}"),
    )
