"""The whole schema. Each table says which folder writes it; ``views/`` may read all.

Times are ISO 8601 text in UTC, which sorts as it should and reads the same in any tool. ``at`` is business
time, ``recorded_at`` the machine's. Documents are canonical JSON text.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

__all__ = [
    "REVISION",
    "alias",
    "alias_move",
    "command",
    "configuration",
    "endpoint",
    "event",
    "evidence",
    "firing",
    "job",
    "journal_head",
    "lineage",
    "log_mark",
    "metadata",
    "monitor_window",
    "object_held",
    "outcome",
    "prediction_batch",
    "project",
    "release",
    "run",
    "run_metric",
    "run_param",
    "schema_revision",
    "step_result",
    "version",
]

REVISION = "0001"
"""The migration that makes a database equal to this file."""

metadata = MetaData()


def _project() -> Column[str]:
    return Column("project", Text, ForeignKey("project.name"), nullable=False)


schema_revision = Table(  # db
    "schema_revision",
    metadata,
    Column("revision", Text, primary_key=True),
    Column("oldest_release", Text, nullable=False),  # the oldest release of Evergreen that may run on this schema
)

project = Table(  # lifecycle: apply makes it; ``now`` is the project's business clock
    "project",
    metadata,
    Column("name", Text, primary_key=True),
    Column("now", Text),
    Column("ticked_at", Text),  # when somebody last moved it, by the machine's time
    Column("created_at", Text, nullable=False),
)

# ------------------------------------------------------------------ journal
event = Table(
    "event",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 0, without a gap, in commit order
    Column("project", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("event_by_kind", "project", "kind", "number"),  # the timeline of one project, and one kind of it
)

journal_head = Table(
    "journal_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1: the one row that commits contend for
    Column("size", Integer, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),  # signed note: origin, size, root
)

# ------------------------------------------------------------------ lifecycle
command = Table(
    "command",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("body_digest", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

configuration = Table(  # what was applied; the newest number holds
    "configuration",
    metadata,
    _project(),
    Column("number", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("code_version", Integer, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("project", "number"),
)

job = Table(
    "job",
    metadata,
    Column("id", Text, primary_key=True),
    _project(),
    Column("kind", Text, nullable=False),
    Column("lane", Text, nullable=False),  # jobs of one lane run one at a time, oldest first
    Column("request", Text, nullable=False),
    Column("state", Text, nullable=False),  # waiting, running, succeeded, failed
    Column("at", Text, nullable=False),  # the business time it works at
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", Text),
    Column("result", Text),
    Column("recorded_at", Text, nullable=False),
    Column("finished_at", Text),
    Index("job_by_state", "state", "lane", "id"),  # what can be claimed next
)

firing = Table(  # a rule's decision on an event: fired or not, and why
    "firing",
    metadata,
    _project(),
    Column("rule", Integer, nullable=False),
    Column("cause", Text, nullable=False),  # the command and the place of its event: one decision an event
    Column("fired", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("job_id", Text),
    Column("target", Text, nullable=False),  # verb and model: rules for the same one share their cool-down
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("project", "cause", "rule"),
)

# ------------------------------------------------------------------ versions
object_held = Table(  # bytes that a project holds: the row comes after the bytes
    "object_held",
    metadata,
    _project(),
    Column("digest", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("recorded_at", Text, nullable=False),
    PrimaryKeyConstraint("project", "digest"),
)

version = Table(
    "version",
    metadata,
    _project(),
    Column("kind", Text, nullable=False),  # dataset, code, environment, model, report
    Column("name", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("manifest", Text, nullable=False),  # digest of the object that describes it
    Column("usable", Boolean, nullable=False),  # false where its checks failed
    Column("archived", Boolean, nullable=False, default=False),  # set aside by the model's ``keep``
    Column("run_id", Text),
    Column("actor", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    PrimaryKeyConstraint("project", "kind", "name", "number"),
    Index("version_by_run", "run_id"),  # what a run made
)

lineage = Table(  # an edge from what was used to what was made; ends are ``kind:name@vN`` or ``run:ID``
    "lineage",
    metadata,
    _project(),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("role", Text, nullable=False),
    PrimaryKeyConstraint("project", "target", "source", "role"),
    Index("lineage_by_source", "project", "source"),  # what came of it
)

alias = Table(
    "alias",
    metadata,
    _project(),
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("generation", Integer, nullable=False),  # goes up by one with each move
    Column("held", Boolean, nullable=False),  # held against rules after a roll-back
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("project", "name", "alias"),
)

alias_move = Table(  # the stack that roll-back goes down
    "alias_move",
    metadata,
    _project(),
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("previous", Integer),  # the generation that a roll-back from here returns to
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("project", "name", "alias", "generation"),
)

evidence = Table(  # a gate's recorded measurement of a candidate against a holder
    "evidence",
    metadata,
    _project(),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("candidate", Integer, nullable=False),
    Column("champion", Integer),
    Column("gate_digest", Text, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("report", Text, nullable=False),  # digest of the object with the checks and what they saw
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("project", "id"),
    Index("evidence_by_candidate", "project", "name", "candidate"),  # what was measured of a version
)

# ------------------------------------------------------------------ runs
run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    _project(),
    Column("parent", Text),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),  # running, succeeded, failed, cached
    Column("cache_key", Text),
    Column("cpu_seconds", Float),
    Column("error", Text),
    Column("actor", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),
    Index("run_by_project", "project", "started_at"),  # newest runs first
    Index("run_by_parent", "parent"),  # the steps of a pipeline's run
)

run_param = Table(
    "run_param",
    metadata,
    Column("run_id", Text, ForeignKey("run.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),  # canonical JSON, so that numbers stay numbers
    PrimaryKeyConstraint("run_id", "name"),
)

run_metric = Table(
    "run_metric",
    metadata,
    Column("run_id", Text, ForeignKey("run.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("value", Float, nullable=False),
    PrimaryKeyConstraint("run_id", "name", "step"),
)

step_result = Table(  # the step cache
    "step_result",
    metadata,
    _project(),
    Column("cache_key", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("output", Text, nullable=False),  # kind and digest of the stored output
    PrimaryKeyConstraint("project", "cache_key"),
)

# ------------------------------------------------------------------ deployment
endpoint = Table(
    "endpoint",
    metadata,
    _project(),
    Column("name", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("outputs", Text, nullable=False),
    PrimaryKeyConstraint("project", "name"),
)

release = Table(  # which version answered from when on; the end is the next one's start
    "release",
    metadata,
    _project(),
    Column("endpoint", Text, nullable=False),
    Column("generation", Integer, nullable=False),  # of the alias
    Column("version", Integer, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("project", "endpoint", "generation"),
)

# ------------------------------------------------------------------ traffic
prediction_batch = Table(  # a sealed stretch of an endpoint's prediction log
    "prediction_batch",
    metadata,
    _project(),
    Column("endpoint", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("number", Integer, nullable=False),  # the order of sealing: of an id sent twice, the first answer counts
    Column("rows", Integer, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    PrimaryKeyConstraint("project", "endpoint", "digest"),
    Index("prediction_batch_by_time", "project", "endpoint", "first_at"),  # the batches of a window
)

log_mark = Table(  # how far each segment of the prediction log was sealed
    "log_mark",
    metadata,
    _project(),
    Column("endpoint", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("sealed_bytes", Integer, nullable=False),
    PrimaryKeyConstraint("project", "endpoint", "segment"),
)

outcome = Table(  # append-only: a correction is a new row with a later ``known_at``
    "outcome",
    metadata,
    _project(),
    Column("endpoint", Text, nullable=False),
    Column("prediction_id", Text, nullable=False),
    Column("known_at", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("recorded_at", Text, nullable=False),
    PrimaryKeyConstraint("project", "endpoint", "prediction_id", "known_at"),
)

# ------------------------------------------------------------------ monitors (written by lifecycle's record_window)
monitor_window = Table(
    "monitor_window",
    metadata,
    _project(),
    Column("monitor", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("end", Text, nullable=False),
    Column("predictions", Integer, nullable=False),
    Column("outcomes", Integer),  # null until the window is mature
    Column("positives", Integer),  # how many of them are 1
    Column("profile", Text),  # digest: what the model saw
    Column("scores", Text),  # digest: how it did, once mature
    Column("drift", Text),  # verdict
    Column("performance", Text),  # verdict
    PrimaryKeyConstraint("project", "monitor", "start", "version"),
)
