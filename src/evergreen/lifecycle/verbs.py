"""The table of verbs: every command that Evergreen knows. "Add a command" is a file and a line here."""

from __future__ import annotations

from evergreen.core.message import Handler
from evergreen.lifecycle.apply import apply
from evergreen.lifecycle.claim_job import claim_job
from evergreen.lifecycle.commit_dataset import commit_dataset
from evergreen.lifecycle.create_project import create_project
from evergreen.lifecycle.finish_job import finish_job
from evergreen.lifecycle.finish_run import finish_run
from evergreen.lifecycle.hold_objects import hold_objects
from evergreen.lifecycle.promote import promote
from evergreen.lifecycle.record_evidence import record_evidence
from evergreen.lifecycle.record_outcomes import record_outcomes
from evergreen.lifecycle.record_step import record_step
from evergreen.lifecycle.record_window import record_window
from evergreen.lifecycle.register_model import register_model
from evergreen.lifecycle.renew_job import renew_job
from evergreen.lifecycle.resume import resume
from evergreen.lifecycle.retrain import retrain
from evergreen.lifecycle.roll_back import roll_back
from evergreen.lifecycle.seal_predictions import seal_predictions
from evergreen.lifecycle.start_run import start_run
from evergreen.lifecycle.tick import tick

__all__ = ["VERBS"]

VERBS = tuple(
    Handler.of(verb)
    for verb in (
        apply,
        claim_job,
        commit_dataset,
        create_project,
        finish_job,
        finish_run,
        hold_objects,
        promote,
        record_evidence,
        record_outcomes,
        record_step,
        record_window,
        register_model,
        renew_job,
        resume,
        retrain,
        roll_back,
        seal_predictions,
        start_run,
        tick,
    )
)
