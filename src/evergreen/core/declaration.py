"""What ``evergreen.toml`` says: one Struct a section. ``declaration_file`` reads it."""

from __future__ import annotations

from typing import Any

import msgspec

from evergreen.core.canonical import canonical_digest
from evergreen.core.digest import Digest

__all__ = [
    "DatasetSection",
    "Declaration",
    "EndpointSection",
    "Keep",
    "ModelSection",
    "MonitorSection",
    "Outcomes",
    "Outputs",
    "ProjectSection",
    "RuleSection",
]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: a key that is not understood is refused."""


class ProjectSection(_Section, frozen=True, kw_only=True):
    """``[project]``."""

    name: str


class DatasetSection(_Section, frozen=True, kw_only=True):
    """``[datasets.NAME]``: the columns that identify and date a row, and what must hold of each commit."""

    key: str | None = None
    time: str | None = None
    checks: list[str] = []


class Keep(_Section, frozen=True, kw_only=True):
    """How many versions, or days of them, stay ready for promotion; older ones are archived."""

    versions: int | None = None
    days: int | None = None


class ModelSection(_Section, frozen=True, kw_only=True):
    """``[models.NAME]``: how the model is made and what a version must pass to take an alias."""

    pipeline: str
    task: str
    owner: str | None = None
    gate: list[str] = []
    keep: Keep = Keep()


class Outputs(_Section, frozen=True, kw_only=True):
    """Bounds of an answer; where the model breaks them, the ``previous`` version answers, or there is an ``error``."""

    minimum: float | None = None
    maximum: float | None = None
    on_violation: str = "error"


class EndpointSection(_Section, frozen=True, kw_only=True):
    """``[endpoints.NAME]``: which model's alias answers there."""

    model: str
    outputs: Outputs = Outputs()


class Outcomes(_Section, frozen=True, kw_only=True):
    """How long outcomes take, and the dataset that they may come from (key = prediction id, time = known at)."""

    within: str
    dataset: str | None = None


class MonitorSection(_Section, frozen=True, kw_only=True):
    """``[monitors.NAME]``: what is watched, in which windows, at which false-alarm rate."""

    endpoint: str
    window: str
    false_alarms: str
    outcomes: Outcomes | None = None


class RuleSection(_Section, frozen=True, kw_only=True, rename={"arguments": "with"}):
    """``[[rules]]``: when this happens, do that."""

    on: str
    do: str
    arguments: dict[str, Any] = {}  # TOML values
    cooldown: str = "1d"


class Declaration(_Section, frozen=True, kw_only=True):
    """A whole ``evergreen.toml``."""

    project: ProjectSection
    datasets: dict[str, DatasetSection] = {}
    models: dict[str, ModelSection] = {}
    endpoints: dict[str, EndpointSection] = {}
    monitors: dict[str, MonitorSection] = {}
    rules: list[RuleSection] = []

    @property
    def digest(self) -> Digest:
        """Names what is declared, whatever the order and the comments of the file."""
        return canonical_digest(self)
