"""The contract of ``evergreen.core.client.Client``, as tests.

A client's test module inherits ``ClientContract`` and makes a fixture ``connect``: a function from a project's name to
a client of it, all of one home. The project need not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from evergreen.core.client import Client
from evergreen.core.declaration import Declaration, EndpointSection, ModelSection, Outputs, ProjectSection
from evergreen.core.digest import Digest, digest_of
from evergreen.core.errors import Conflict, Invalid, NotFound
from evergreen.core.ids import new_id
from evergreen.lifecycle.apply import Apply
from evergreen.lifecycle.commit_dataset import CommitDataset
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.promote import Promote
from evergreen.lifecycle.start_run import StartRun
from evergreen.lifecycle.tick import Tick
from evergreen.views.runs import ListRuns, ShowRun
from evergreen.views.status import ShowStatus
from evergreen.views.timeline import ShowTimeline
from evergreen.views.versions import ListVersions, NewestVersion

__all__ = ["ClientContract"]

Connect = Callable[[str], Client]


class ClientContract:
    """What every client must do."""

    @pytest.fixture
    def client(self, connect: Connect) -> Client:
        made = connect(f"p{new_id()}")
        made.send(CreateProject())
        return made

    def test_it_says_which_project_it_is_of(self, connect: Connect) -> None:
        assert connect("shop").project == "shop"

    def test_a_command_takes_effect_and_a_query_sees_it(self, client: Client) -> None:
        done = client.send(Tick(now="2024-03-01T01:00:00+01:00"))

        assert done.now == "2024-03-01T00:00:00.000000Z"
        assert client.send(ShowStatus()).now == done.now

    def test_results_come_back_as_the_declared_types(self, client: Client) -> None:
        client.send(StartRun(run_id=new_id(), name="train", params={"rate": 0.1, "deep": {"list": [1, None, "é"]}}))

        [run] = client.send(ListRuns())

        assert run.params == {"rate": 0.1, "deep": {"list": [1, None, "é"]}}
        assert client.send(NewestVersion(kind="model", name="nothing")).number == 0

    def test_a_command_sent_again_gives_its_result_and_happens_once(self, client: Client) -> None:
        command = CommitDataset(name="rows", manifest=client.put(b"{}"), after=None, usable=True)

        first, second = client.send(command), client.send(command)

        assert first == second
        assert len(client.send(ListVersions(kind="dataset", name="rows"))) == 1

    def test_one_id_with_two_bodies_is_a_conflict(self, client: Client) -> None:
        command_id = new_id()
        client.send(Tick(command_id=command_id, now="2024-03-01T00:00:00Z"))

        with pytest.raises(Conflict, match="with another body") as caught:
            client.send(Tick(command_id=command_id, now="2024-03-02T00:00:00Z"))

        assert caught.value.hint == "give each command an id of its own"

    def test_one_id_for_two_projects_is_a_conflict(self, client: Client, connect: Connect) -> None:
        other = connect(f"p{new_id()}")
        command_id = new_id()
        client.send(CreateProject(command_id=command_id))

        with pytest.raises(Conflict, match="with another body"):
            other.send(CreateProject(command_id=command_id))

    def test_a_command_that_was_refused_may_be_sent_again(self, client: Client) -> None:
        data = b"not there yet"
        command = CommitDataset(name="rows", manifest=digest_of(data), after=None, usable=True)
        with pytest.raises(NotFound):
            client.send(command)
        client.put(data)

        assert client.send(command).number == 1

    def test_the_same_command_from_eight_threads_takes_effect_once(self, client: Client) -> None:
        command = CommitDataset(name="rows", manifest=client.put(b"{}"), after=None, usable=True)

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(client.send, [command] * 8))

        assert {result.number for result in results} == {1}
        assert len(client.send(ShowTimeline(kinds=["version.registered"]))) == 1

    def test_of_eight_threads_with_the_same_intent_one_wins(self, client: Client) -> None:
        manifest = client.put(b"{}")

        def commit(_: int) -> str:
            try:
                client.send(CommitDataset(name="rows", manifest=manifest, after=None, usable=True))
            except Conflict:
                return "conflict"
            return "won"

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(commit, range(8)))

        assert sorted(outcomes) == ["conflict"] * 7 + ["won"]

    @pytest.mark.parametrize(
        "message",
        [
            Tick(now="yesterday"),
            Tick(now="2024-03-01T00:00:00"),
            Tick(now="0001-01-01T00:00:00+14:00"),
            Tick(command_id="", now="2024-03-01T00:00:00Z"),
            Tick(command_id="../" * 10, now="2024-03-01T00:00:00Z"),
            Tick(command_id="x" * 65, now="2024-03-01T00:00:00Z"),
            Tick(now=3),  # type: ignore[arg-type]  # what a careless caller does
            ListRuns(limit=-1),
            ShowRun(run_id="%"),
            ListVersions(kind="models"),
            CommitDataset(name="../rows", manifest=Digest("0" * 64), after=None, usable=True),
        ],
        ids=lambda message: type(message).__name__,  # command ids differ from process to process
    )
    def test_malformed_values_are_invalid(
        self, client: Client, message: Tick | ListRuns | ShowRun | ListVersions | CommitDataset
    ) -> None:
        with pytest.raises(Invalid):
            client.send(message)

    def test_a_number_that_fits_no_column_is_invalid(self, client: Client) -> None:
        with pytest.raises(Invalid, match="too large"):
            client.send(ShowTimeline(after=2**70))

    def test_a_value_nested_900_levels_deep_is_invalid(self, client: Client) -> None:
        deep: object = None
        for _ in range(900):
            deep = [deep]

        with pytest.raises(Invalid):
            client.send(StartRun(run_id=new_id(), name="train", params={"deep": deep}))

    def test_an_unknown_project_is_not_found_and_the_hint_says_what_to_do(self, connect: Connect) -> None:
        missing = connect("nobodymadethis")

        with pytest.raises(NotFound, match='no project "nobodymadethis"') as caught:
            missing.send(ShowStatus())

        assert caught.value.hint
        with pytest.raises(NotFound, match='no project "nobodymadethis"'):
            missing.put(b"bytes for nobody")

    @pytest.mark.parametrize("size", [0, 1, 70_000, 9_000_000])
    def test_bytes_come_back_as_they_were_put(self, client: Client, size: int) -> None:
        data = bytes(number % 251 for number in range(251)) * (size // 251) + b"x" * (size % 251)

        digest = client.put(data)

        assert digest == digest_of(data)
        assert client.get(digest) == data

    def test_putting_again_changes_nothing(self, client: Client) -> None:
        assert client.put(b"same") == client.put(b"same")

    def test_an_object_that_nobody_put_is_not_found(self, client: Client) -> None:
        with pytest.raises(NotFound):
            client.get(digest_of(b"nobody put this"))

    def test_an_object_of_another_project_is_not_found(self, client: Client, connect: Connect) -> None:
        other = connect(f"p{new_id()}")
        other.send(CreateProject())
        digest = other.put(b"a secret of the other project")

        with pytest.raises(NotFound, match="holds no object"):
            client.get(digest)
        with pytest.raises(NotFound, match="holds no object"):
            client.send(CommitDataset(name="rows", manifest=digest, after=None, usable=True))

    @pytest.mark.parametrize("text", ["", "abc", "../../livez", "A" * 64, "0" * 63 + "/"])
    def test_what_is_no_digest_is_invalid(self, client: Client, text: str) -> None:
        with pytest.raises(Invalid, match="is not a digest"):
            client.get(Digest(text))

    def test_errors_keep_message_hint_and_facts(self, client: Client) -> None:
        digest = digest_of(b"nobody put this")

        with pytest.raises(NotFound) as caught:
            client.send(CommitDataset(name="rows", manifest=digest, after=None, usable=True))

        assert caught.value.message == f'project "{client.project}" holds no object {digest[:12]}'
        assert caught.value.hint == "upload its bytes first"
        assert caught.value.facts == {"digest": digest}

    def test_a_faulty_declaration_is_refused_with_every_fault(self, client: Client) -> None:
        model = ModelSection(pipeline="nothing", task="poetry", gate=["roc_acu >= 0.5"])
        endpoint = EndpointSection(model="sales@production", outputs=Outputs(on_violation="weep"))
        declaration = Declaration(
            project=ProjectSection(name=client.project), models={"sale": model}, endpoints={"sale": endpoint}
        )

        with pytest.raises(Invalid) as caught:
            client.send(Apply(declaration=declaration, code=client.put(b"{}")))

        paths = [fault.partition(":")[0] for fault in caught.value.facts["faults"]]
        assert paths == [
            "$.models.sale.task",
            "$.models.sale.pipeline",
            "$.endpoints.sale.model",
            "$.endpoints.sale.outputs.on_violation",
        ]

    def test_a_misspelt_name_brings_the_nearest_one(self, client: Client) -> None:
        client.send(
            Apply(
                declaration=Declaration(
                    project=ProjectSection(name=client.project),
                    models={"sale": ModelSection(pipeline="pipeline:train", task="binary-classification")},
                ),
                code=client.put(b"{}"),
            )
        )

        with pytest.raises(NotFound) as caught:
            client.send(Promote(name="sales", version=1, alias="production", expected=None))

        assert caught.value.hint == 'did you mean "sale"?'
