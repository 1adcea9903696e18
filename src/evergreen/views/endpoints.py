"""What an endpoint should be answering with, for those who serve it and those who watch it."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from sqlalchemy import Connection, select

from evergreen.core.declaration import Outputs
from evergreen.core.digest import Digest
from evergreen.core.message import Permission, Query
from evergreen.db import schema as t
from evergreen.deployment.endpoints import endpoint_row
from evergreen.versions.version import Kind, find_number

__all__ = ["EndpointState", "Release", "ShowEndpoint", "show_endpoint"]


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was released at the endpoint, from when on."""

    version: int
    generation: int
    at: str
    manifest: Digest


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint's source and bounds, with its releases, the present one last."""

    name: str
    model: str
    alias: str
    outputs: Outputs
    releases: list[Release]

    @property
    def live(self) -> Release | None:
        """What should answer now."""
        return self.releases[-1] if self.releases else None

    @property
    def fallback(self) -> Release | None:
        """The newest release of another version before."""
        before = [release for release in self.releases if release.version != self.releases[-1].version]
        return before[-1] if before else None


class ShowEndpoint(Query, frozen=True, kw_only=True):
    """Ask for an endpoint's state."""

    permission: ClassVar = Permission.READ
    name: str


def show_endpoint(connection: Connection, project: str, query: ShowEndpoint) -> EndpointState:
    """Return the state, or raise ``NotFound`` with near matches."""
    row = endpoint_row(connection, project, query.name)
    releases = connection.execute(
        select(t.release)
        .where(t.release.c.project == project, t.release.c.endpoint == query.name)
        .order_by(t.release.c.generation)
    ).all()
    return EndpointState(
        name=row.name,
        model=row.model,
        alias=row.alias,
        outputs=row.outputs,
        releases=[
            Release(
                version=release.version,
                generation=release.generation,
                at=release.at,
                manifest=find_number(connection, project, Kind.MODEL, row.model, release.version).manifest,
            )
            for release in releases
        ],
    )
