"""The loop's hinge: events that a command noted are answered by rules in the same transaction.

So a firing happens exactly once, whatever is killed when. What a rule sets off is a job, or a verb of rows alone.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from evergreen.core.clock import duration, moment
from evergreen.core.declaration import Declaration, RuleSection
from evergreen.core.declaration_file import EVENTS
from evergreen.core.errors import EvergreenError
from evergreen.db.schema import firing
from evergreen.deployment.endpoints import follow
from evergreen.journal.log import NewEvent
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.configuration import applied_or_none, serving_aliases
from evergreen.lifecycle.jobs import is_busy, queue
from evergreen.policies.rules import RuleDecision, RuleFacts, decide_rule
from evergreen.versions.aliases import holder, restore_previous

__all__ = ["answer_events", "retrain_lane"]


def retrain_lane(model: str) -> str:
    """Return the lane of a model's retrain jobs: one at a time."""
    return f"retrain:{model}"


def answer_events(tx: Transaction, command_id: str) -> None:
    """Let the applied rules answer what ``tx`` noted; write each decision, refusals too."""
    noted = [(place, event) for place, event in enumerate(tx.events) if event.kind in EVENTS]
    if not noted:
        return
    found = applied_or_none(tx.connection, tx.project)
    if found is None:
        return
    for place, event in noted:
        for number, rule in enumerate(found.declaration.rules):
            if rule.on == event.kind and rule.arguments.get("model") == event.payload.get("model"):
                _answer(tx, found.declaration, number, rule, event, cause=f"{command_id}:{place}")


def _answer(
    tx: Transaction, declaration: Declaration, number: int, rule: RuleSection, event: NewEvent, *, cause: str
) -> None:
    model = str(rule.arguments["model"])
    target = f"{rule.do}:{model}"
    alias = str(rule.arguments.get("alias", "")) or next(iter(serving_aliases(declaration, model)), "")
    held = holder(tx.connection, tx.project, model, alias)
    decision = decide_rule(
        RuleFacts(
            now=moment(tx.at),
            cooldown=duration(rule.cooldown),
            last_fired=_last_fired(tx, target),
            is_held=held is not None and held.held,
            is_busy=rule.do == "retrain" and is_busy(tx, retrain_lane(model)),
        )
    )
    job_id = None
    if decision.fires:
        decision, job_id = _do(tx, rule, model, alias, decision, event)
    tx.connection.execute(
        firing.insert().values(
            project=tx.project,
            rule=number,
            cause=cause,
            fired=decision.fires,
            reason=decision.reason,
            job_id=job_id,
            target=target,
            at=tx.at,
        )
    )
    tx.emit(
        "rule.fired" if decision.fires else "rule.skipped",
        rule=number,
        cause=cause,
        on=rule.on,
        do=rule.do,
        model=model,
        reason=decision.reason,
        job_id=job_id,
    )


def _do(
    tx: Transaction, rule: RuleSection, model: str, alias: str, decision: RuleDecision, event: NewEvent
) -> tuple[RuleDecision, str | None]:
    if rule.do == "retrain":
        params = {name: value for name, value in rule.arguments.items() if name != "model"}
        reason = f"{event.kind}: {event.payload.get('reason', '')}"
        return decision, queue(tx, "retrain", retrain_lane(model), {"model": model, "params": params, "reason": reason})
    try:
        _, after = restore_previous(tx, model, alias, reason=f"rule on {event.kind}")
    except EvergreenError as error:
        return RuleDecision(fires=False, reason=error.message), None
    follow(tx, after)
    return decision, None


def _last_fired(tx: Transaction, target: str) -> datetime | None:
    at = tx.connection.execute(
        select(firing.c.at)
        .where(firing.c.project == tx.project, firing.c.target == target, firing.c.fired)
        .order_by(firing.c.at.desc())
        .limit(1)
    ).scalar()
    return None if at is None else moment(at)
