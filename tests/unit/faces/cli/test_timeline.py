from typing import Any

from evergreen.faces.cli.timeline import timeline_lines
from evergreen.views.timeline import DECISIONS, EventView

PAYLOADS: dict[str, tuple[dict[str, Any], str]] = {
    "configuration.applied": ({"number": 2, "digest": "d", "code_version": 3}, "configuration 2 applied, code v3"),
    "dataset.failed_checks": (
        {"name": "flights", "number": 4, "checks": ["rows > 0"]},
        "flights@v4 failed its checks and is not used: rows > 0",
    ),
    "drift.detected": (
        {"endpoint": "delay", "version": 1, "reason": "1 of 9 columns moved: temp"},
        "drift detected at delay (v1): 1 of 9 columns moved: temp",
    ),
    "performance.degraded": (
        {"endpoint": "delay", "version": 1, "reason": "roc_auc fell from 0.7 to 0.6"},
        "performance degraded at delay (v1): roc_auc fell from 0.7 to 0.6",
    ),
    "rule.fired": (
        {"rule": 0, "on": "drift.detected", "do": "roll_back", "model": "delay", "reason": ""},
        "rule 0 fired on drift.detected: roll back delay",
    ),
    "rule.skipped": (
        {"rule": 1, "on": "drift.detected", "do": "retrain", "model": "delay", "reason": "cool-down"},
        "rule 1 did not fire on drift.detected: cool-down",
    ),
    "gate.measured": (
        {"name": "delay", "candidate": 2, "champion": 1, "passed": False, "verdicts": ["pass", "fail", "pass"]},
        "gate not passed by delay@v2 against v1 (2 pass, 1 fail)",
    ),
    "promotion.refused": (
        {"name": "delay", "version": 2, "alias": "production", "reasons": ["a", "b"]},
        "delay@v2 was refused as production: a; b",
    ),
    "alias.moved": (
        {"name": "delay", "alias": "production", "version": 2, "replaced": None, "reason": "passed"},
        "delay@production moved from nobody to v2: passed",
    ),
    "alias.rolled_back": (
        {"name": "delay", "alias": "production", "version": 1, "replaced": 2, "reason": "roll-back: bad"},
        "delay@production rolled back from v2 to v1, held against rules: bad",
    ),
    "alias.resumed": ({"name": "delay", "alias": "production"}, "rules may move delay@production again"),
    "endpoint.released": (
        {"endpoint": "delay", "model": "delay", "version": 2, "generation": 3},
        "endpoint delay answers with delay@v2",
    ),
    "version.archived": ({"kind": "model", "name": "delay", "number": 1}, "delay@v1 archived"),
}


def event(kind: str, payload: dict[str, Any]) -> EventView:
    at = "2013-03-01T07:45:00.000000Z"
    return EventView(number=1, at=at, recorded_at=at, kind=kind, actor="owner", payload=payload)


def test_each_decision_has_its_words() -> None:
    assert set(DECISIONS) == PAYLOADS.keys()
    for kind, (payload, words) in PAYLOADS.items():
        assert timeline_lines([event(kind, payload)]) == [f"2013-03-01 07:45  {words}"]


def test_an_event_without_words_of_its_own_shows_what_it_holds() -> None:
    payload = {"id": "0" * 32, "state": "succeeded"}

    assert timeline_lines([event("run.ended", payload)]) == [
        "2013-03-01 07:45  run.ended: id 000000000000, state succeeded"
    ]
