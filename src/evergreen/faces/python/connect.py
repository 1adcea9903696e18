"""``eg.connect``: a project as a Python object, for notebooks and scripts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from evergreen.core.client import Client
from evergreen.core.declaration_file import FILE, read_declaration
from evergreen.core.errors import Invalid
from evergreen.faces.client.http import HttpClient
from evergreen.faces.client.local import open_local
from evergreen.jobs.commit_rows import Committed, commit_rows
from evergreen.lifecycle.home import find_home
from evergreen.serving.predictor import Predictor, load_predictor
from evergreen.versions.datasets import DatasetManifest, read
from evergreen.versions.models import read_model
from evergreen.views.versions import FindVersion

__all__ = ["Project", "connect"]


class Project:
    """A project reached through a client. ``client.send`` takes every message there is."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def commit(self, dataset: str, rows: object) -> Committed:
        """Commit rows (anything with the Arrow PyCapsule interface) as the next version of a dataset."""
        return commit_rows(self.client, dataset, rows)

    def rows(self, reference: str) -> pl.DataFrame:
        """Return all rows of a dataset version, for example of ``flights`` (the newest) or ``flights@v3``."""
        found = self.client.send(FindVersion(kind="dataset", reference=reference))
        return read(self.client.get, msgspec.json.decode(self.client.get(found.manifest), type=DatasetManifest))

    def load(self, reference: str) -> Predictor:
        """Return a model version, for example ``delay@production``, proved and ready to answer."""
        found = self.client.send(FindVersion(kind="model", reference=reference))
        return load_predictor(self.client.get, read_model(self.client.get, found.manifest), found.number)


def connect(where: str | Path | None = None, *, project: str | None = None) -> Project:
    """Reach a project.

    Args:
        where: a home folder, or a server's address; by default the home found upwards from here.
        project: its name; by default what ``evergreen.toml`` beside the home says.

    Raises:
        Invalid: a server is named, but no project.
        NotFound: there is no home, or no such project.
    """
    if isinstance(where, str) and where.startswith(("http://", "https://")):
        if project is None:
            raise Invalid("a server has many projects", hint='name one: eg.connect(address, project="...")')
        return Project(HttpClient(where, project))
    root = find_home(Path.cwd()) if where is None else Path(where)
    name = project or read_declaration(root.parent / FILE).project.name
    return Project(open_local(root, name))
