from collections.abc import Callable

import pytest

from evergreen.core.client import Client
from evergreen.core.declaration import Declaration, EndpointSection, Keep, ModelSection, ProjectSection
from evergreen.core.errors import Conflict, Invalid, NotFound
from evergreen.core.ids import new_id
from evergreen.faces.client.local import LocalClient, dispatch_for
from evergreen.lifecycle.promote import Promote, Promotion
from evergreen.lifecycle.record_evidence import RecordEvidence
from evergreen.lifecycle.resume import Resume
from evergreen.lifecycle.roll_back import RollBack
from evergreen.views.endpoints import ShowEndpoint
from evergreen.views.timeline import ShowTimeline
from evergreen.views.versions import ListVersions, ShowHolder

GATE = ["roc_auc >= 0.6"]


def _declaration(
    gate: list[str] | None = None, keep: Keep | None = None, follows: str = "buys@production"
) -> Declaration:
    model = ModelSection(pipeline="pipeline:train", task="binary-classification", gate=gate or [], keep=keep or Keep())
    return Declaration(
        project=ProjectSection(name="shop"),
        models={"buys": model, "sells": model},
        endpoints={"buys": EndpointSection(model=follows)},
    )


@pytest.fixture
def evidence(client: Client) -> Callable[..., str]:
    """Record evidence on version 1 for production, or on what is said, and return its id."""

    def recorded(
        *,
        candidate: int = 1,
        champion: int | None = None,
        alias: str = "production",
        gate: list[str] = GATE,
        verdict: str = "pass",
    ) -> str:
        message = RecordEvidence(
            evidence_id=new_id(),
            name="buys",
            alias=alias,
            candidate=candidate,
            champion=champion,
            gate=gate,
            verdicts=[verdict] * len(gate),
            report=client.put(b"{}"),
        )
        return str(client.send(message).evidence_id)

    return recorded


def _promote(
    client: Client, version: int = 1, expected: int | None = None, evidence_id: str | None = None
) -> Promotion:
    message = Promote(name="buys", version=version, alias="production", expected=expected, evidence_id=evidence_id)
    promotion: Promotion = client.send(message)
    return promotion


def test_a_version_that_passed_takes_the_alias_and_is_released(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int], evidence: Callable[..., str]
) -> None:
    apply(_declaration(GATE))
    register()

    done = _promote(client, evidence_id=evidence())

    assert (done.moved, done.replaced, done.endpoints) == (True, None, ["buys"])
    live = client.send(ShowEndpoint(name="buys")).live
    assert live is not None
    assert live.version == 1


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (None, "its gate has not been measured"),
        ({"verdict": "fail"}, "its gate failed"),
        ({"verdict": "inconclusive"}, "its gate failed"),
        ({"verdict": "splendid"}, "its gate failed"),
        ({"candidate": 2}, "its gate has not been measured"),
        ({"alias": "staging"}, "its gate has not been measured"),
        ({"gate": ["rows >= 0"]}, "its gate has not been measured"),
        ({"gate": []}, "its gate has not been measured"),
        ({"champion": 2}, "its gate was measured against version 2, the holder is nobody"),
    ],
)
def test_a_promotion_on_other_evidence_is_refused_and_the_refusal_recorded(
    client: Client,
    apply: Callable[[Declaration], None],
    register: Callable[[], int],
    evidence: Callable[..., str],
    told: dict[str, object] | None,
    reason: str,
) -> None:
    apply(_declaration(GATE))
    register()
    register()

    done = _promote(client, evidence_id=None if told is None else evidence(**told))

    assert (done.moved, done.reasons) == (False, [reason])
    assert client.send(ShowHolder(name="buys", alias="production")).version is None
    [event] = client.send(ShowTimeline(kinds=["promotion.refused"]))
    assert event.payload["reasons"] == [reason]


def test_evidence_for_a_gate_that_was_changed_since_does_not_count(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int], evidence: Callable[..., str]
) -> None:
    apply(_declaration(GATE))
    register()
    measured = evidence()
    apply(_declaration(["roc_auc >= 0.9"]))

    assert _promote(client, evidence_id=measured).reasons == ["its gate has not been measured"]


def test_a_promotion_that_expects_another_holder_is_a_conflict(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int]
) -> None:
    apply(_declaration())
    register()

    with pytest.raises(Conflict, match="held by version None, expected 7"):
        _promote(client, expected=7)


def test_the_holder_promoted_again_stays(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int]
) -> None:
    apply(_declaration())
    register()
    _promote(client)

    assert not _promote(client, expected=1).moved


@pytest.mark.parametrize("alias", ["", "../production", "pro duction", "v" * 65])
def test_an_alias_that_is_no_name_is_invalid(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int], alias: str
) -> None:
    apply(_declaration())
    register()

    with pytest.raises(Invalid, match=r"cannot name an? alias"):
        client.send(Promote(name="buys", version=1, alias=alias, expected=None))


def test_a_version_that_does_not_exist_is_not_found(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int]
) -> None:
    apply(_declaration())
    register()

    with pytest.raises(NotFound, match="has no version 2") as caught:
        _promote(client, version=2)

    assert caught.value.hint == "its versions are 1 to 1"


def test_evidence_is_recorded_once_under_an_id(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int], evidence: Callable[..., str]
) -> None:
    apply(_declaration(GATE))
    register()
    there = evidence()

    with pytest.raises(Conflict, match="recorded already"):
        client.send(
            RecordEvidence(
                evidence_id=there,
                name="buys",
                alias="production",
                candidate=1,
                champion=None,
                gate=GATE,
                verdicts=["pass"],
                report=client.put(b"{}"),
            )
        )


# ------------------------------------------------------------------ archiving, roll-back, holding


def test_old_versions_are_archived_but_not_the_holder_nor_the_one_before(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int]
) -> None:
    apply(_declaration(keep=Keep(versions=1)))
    register()
    _promote(client)
    register()
    _promote(client, version=2, expected=1)
    for _ in range(3):
        register()

    versions = client.send(ListVersions(kind="model", name="buys"))

    assert {one.number: one.archived for one in versions} == {1: False, 2: False, 3: True, 4: True, 5: False}


def test_an_archived_version_is_refused(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int]
) -> None:
    apply(_declaration(keep=Keep(versions=1)))
    register()
    register()

    assert _promote(client).reasons == ["the version is archived"]


def test_a_roll_back_holds_the_alias_against_workers_until_it_is_resumed(
    client: LocalClient, apply: Callable[[Declaration], None], register: Callable[[], int]
) -> None:
    apply(_declaration())
    worker = LocalClient(dispatch_for(client.home), "shop", actor="worker:retrain")
    for expected in (None, 1):
        _promote(client, version=register(), expected=expected)
    register()

    done = client.send(RollBack(name="buys", alias="production"))

    assert (done.version, done.replaced, done.endpoints) == (1, 2, ["buys"])
    refused = _promote(worker, version=3, expected=1)
    assert "held since a roll-back" in refused.reasons[0]
    client.send(Resume(name="buys", alias="production"))
    assert _promote(worker, version=3, expected=1).moved


def test_the_first_holder_cannot_be_rolled_back(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int]
) -> None:
    apply(_declaration())
    register()
    _promote(client)

    with pytest.raises(NotFound, match="version 1 is its first holder"):
        client.send(RollBack(name="buys", alias="production"))


def test_an_endpoint_that_has_answered_cannot_follow_another_model(
    client: Client, apply: Callable[[Declaration], None], register: Callable[[], int]
) -> None:
    apply(_declaration())
    apply(_declaration(follows="buys@canary"))  # nothing was released yet
    apply(_declaration())
    register()
    _promote(client)

    with pytest.raises(Invalid, match='endpoint "buys" follows buys@production'):
        apply(_declaration(follows="sells@production"))
