"""A real endpoint process: its answers, what it refuses, how it follows releases, and that what it said is logged."""

import itertools
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from evergreen.core.canonical import canonical
from evergreen.core.clock import isoformat
from evergreen.core.declaration_file import FILE, read_declaration
from evergreen.core.ids import new_id
from evergreen.faces.client.local import LocalClient
from evergreen.jobs.train import train
from evergreen.lifecycle.promote import Promote
from evergreen.lifecycle.register_model import RegisterModel
from evergreen.lifecycle.roll_back import RollBack
from evergreen.serving.predictor import Predictor, load_predictor
from evergreen.testing.process import Running, running
from evergreen.testing.project import DECLARATION, apply_project, day, request, visits, write_project
from evergreen.traffic.predictions import Logged
from evergreen.traffic.segment import read_records, segments
from evergreen.versions.models import ModelManifest, read_model
from evergreen.views.versions import FindVersion

FOLLOWS_WITHIN_S = 10.0  # a fifth of a second on a machine with nothing else to do


@contextmanager
def _serving(shop: Path) -> Iterator[tuple[Running, httpx.Client]]:
    with (
        running(shop, "serve", "buys", "--port", "0") as endpoint,
        httpx.Client(base_url=endpoint.address.removesuffix("/endpoints/buys/predict"), trust_env=False) as http,
    ):
        yield endpoint, http


@pytest.fixture(scope="module")
def served(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, httpx.Client]]:
    """An endpoint that tests share which only ask."""
    shop = tmp_path_factory.mktemp("served") / "shop"
    shutil.copytree(trained, shop)
    with _serving(shop) as (_, http):
        yield shop, http


def _ask(http: httpx.Client, rows: list[Any]) -> httpx.Response:
    return http.post("/endpoints/buys/predict", json={"rows": rows})


def _row(**changes: Any) -> dict[str, Any]:
    return {"id": new_id(), "at": "2024-03-01T00:00:00Z", "x": 0.5} | changes


def _logged(shop: Path) -> list[Logged]:
    folder = shop / ".evergreen" / "predictions" / "shop" / "buys"
    return [
        msgspec.msgpack.decode(payload, type=Logged) for path in segments(folder) for payload, _ in read_records(path)
    ]


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FOLLOWS_WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _version(http: httpx.Client) -> int:
    answer = http.get("/endpoints/buys")
    return int(answer.json()["version"]) if answer.status_code == 200 else 0


def _manifest(client: LocalClient, version: int = 1) -> ModelManifest:
    return read_model(client.get, client.send(FindVersion(kind="model", reference=f"buys@v{version}")).manifest)


def _predictor(client: LocalClient, version: int = 1) -> Predictor:
    return load_predictor(client.get, _manifest(client, version), version)


def _register(client: LocalClient, manifest: ModelManifest) -> int:
    """Register a model version that was made from another one's manifest."""
    made = client.send(
        RegisterModel(
            name="buys",
            manifest=client.put(canonical(manifest)),
            run_id=manifest.run_id,
            code=manifest.code,
            environment=manifest.environment,
        )
    )
    return int(made.number)


def _train(client: LocalClient, shop: Path, *, strength: float) -> int:
    declaration = read_declaration(shop / FILE)
    at = isoformat(day(60))
    made = train(client, "buys", declaration, shop, at=at, base=new_id(), params={"strength": strength})
    return made.number


def _without_gate(shop: Path, *, outputs: str = "{ minimum = 0.0, maximum = 1.0 }") -> LocalClient:
    """Apply the project with no gate, so that a version can be released as it is."""
    lines = [
        f"outputs = {outputs}" if line.startswith("outputs = ") else line
        for line in DECLARATION.splitlines()
        if not line.startswith("gate ")
    ]
    client, _ = apply_project(write_project(shop, declaration="\n".join(lines)))
    return client


def _promote(client: LocalClient, version: int, expected: int | None) -> None:
    assert client.send(Promote(name="buys", version=version, alias="production", expected=expected)).moved


# ------------------------------------------------------------------ answers


def test_the_endpoint_answers_as_the_bare_model_does(served: tuple[Path, httpx.Client], client: LocalClient) -> None:
    rows = visits(61, 3)

    answer = _ask(served[1], request(rows)).json()

    assert (answer["model"], answer["version"], answer["fallbacks"]) == ("buys", 1, 0)
    assert [one["id"] for one in answer["predictions"]] == rows["visit"].to_list()
    assert [one["probability"] for one in answer["predictions"]] == _predictor(client).answer(rows).tolist()


def test_the_endpoint_is_ready_and_describes_its_contract(served: tuple[Path, httpx.Client]) -> None:
    assert served[1].get("/readyz").json() == {"live": True, "ready": True}

    described = served[1].get("/endpoints/buys").json()

    assert (described["endpoint"], described["model"], described["version"]) == ("buys", "buys", 1)
    assert [column["name"] for column in described["contract"]["inputs"]] == ["x"]


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"id": "a"}, "$.rows[1].x: missing"),
        ({"id": "a", "x": None}, "$.rows[1].x: null"),
        ({"id": "a", "x": "0.5"}, '$.rows[1].x: "0.5"'),
        ({"id": "a", "x": True}, "$.rows[1].x: true"),
        ({"id": "a", "x": [1]}, "$.rows[1].x: [1]"),
        ({"id": "a", "x": 10**40}, "$.rows[1].x: 1"),
        ({"id": "a", "x": 1, "y": 2}, "$.rows[1].y: unknown"),
        ({"x": 1}, "$.rows[1].id"),
        ({"id": 7, "x": 1}, "$.rows[1].id"),
        ({"id": "", "x": 1}, "$.rows[1].id"),
        ({"id": "a" * 201, "x": 1}, "$.rows[1].id"),
        ({"id": "a", "x": 1, "at": "2024-03-01T00:00:00"}, "$.rows[1].at"),
        ({"id": "a", "x": 1, "at": "soon"}, "$.rows[1].at"),
        ({"id": "a", "x": 1, "at": 7}, "$.rows[1].at"),
        ({"id": "a", "x": 1, "at": "0001-01-01T00:00:00+14:00"}, "$.rows[1].at"),
        ("x", "$.rows[1]"),
    ],
)
def test_a_faulty_row_is_named_and_no_row_is_answered_or_logged(
    served: tuple[Path, httpx.Client], row: object, place: str
) -> None:
    shop, http = served
    before = len(_logged(shop))

    answer = _ask(http, [_row(), row])

    assert (answer.status_code, answer.json()["title"]) == (422, "Invalid")
    assert place in answer.json()["detail"]
    assert len(_logged(shop)) == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"rows": {}}',
        b'{"rows": [], "more": 1}',
        b'{"rows": []}',
        b'{"rows": [{"x":' + b"[" * 99_999,
    ],
)
def test_what_is_no_request_is_invalid(served: tuple[Path, httpx.Client], body: bytes) -> None:
    answer = served[1].post("/endpoints/buys/predict", content=body)

    assert (answer.status_code, answer.json()["title"]) == (422, "Invalid")


def test_one_id_twice_in_a_request_is_invalid(served: tuple[Path, httpx.Client]) -> None:
    answer = _ask(served[1], [_row(id="twin"), _row(id="twin")])

    assert answer.status_code == 422
    assert 'id "twin" is in the request twice' in answer.json()["detail"]


def test_a_request_sent_twice_gets_the_same_answers(served: tuple[Path, httpx.Client]) -> None:
    rows = request(visits(64, 1))

    assert _ask(served[1], rows).json() == _ask(served[1], rows).json()


def test_another_endpoints_name_is_not_found(served: tuple[Path, httpx.Client]) -> None:
    answer = served[1].post("/endpoints/sells/predict", json={"rows": [_row()]})

    assert answer.status_code == 404
    assert 'serves endpoint "buys"' in answer.json()["detail"]


def test_a_foreign_page_cannot_ask(served: tuple[Path, httpx.Client]) -> None:
    answer = served[1].post(
        "/endpoints/buys/predict", json={"rows": [_row()]}, headers={"origin": "http://evil.example"}
    )

    assert answer.status_code == 403


# ------------------------------------------------------------------ following


def test_it_is_ready_once_a_version_is_released_and_not_before(tmp_path: Path, client: LocalClient) -> None:
    folder = write_project(tmp_path / "new", declaration=DECLARATION.replace("gate ", "# gate "))
    fresh, _ = apply_project(folder)
    manifest = _manifest(client)
    for digest in (*manifest.files.values(), manifest.code, manifest.environment):
        fresh.put(client.get(digest))

    with _serving(folder) as (_, http):
        assert http.get("/readyz").status_code == 503
        assert _ask(http, [_row()]).status_code == 503
        _promote(fresh, _register(fresh, manifest), None)
        _until(lambda: http.get("/readyz").status_code == 200)

        assert _ask(http, [_row()]).json()["version"] == 1
    fresh.home.close()


def test_a_release_and_a_roll_back_are_followed_without_a_failed_request(shop: Path) -> None:
    client = _without_gate(shop)
    second = _register(client, _manifest(client))
    statuses: list[int] = []
    done = threading.Event()

    with _serving(shop) as (endpoint, http):

        def load() -> None:
            with httpx.Client(trust_env=False) as own:
                while not done.is_set():
                    statuses.append(own.post(endpoint.address, json={"rows": [_row()]}).status_code)

        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            _promote(client, second, 1)
            _until(lambda: _version(http) == second)
            client.send(RollBack(name="buys", alias="production"))
            _until(lambda: _version(http) == 1)
        finally:
            done.set()
            for thread in threads:
                thread.join()
    client.home.close()

    assert set(statuses) == {200}


def test_where_an_answer_is_out_of_bounds_the_previous_version_answers(shop: Path) -> None:
    client = _without_gate(shop, outputs='{ maximum = 0.9, on_violation = "previous" }')
    flat = _train(client, shop, strength=1e-6)
    _promote(client, flat, 1)
    _promote(client, 1, flat)

    with _serving(shop) as (_, http):
        answer = _ask(http, [_row(x=-2.0), _row(x=30.0)]).json()

    steep, flat_one = _predictor(client, 1), _predictor(client, flat)
    assert (answer["version"], answer["fallbacks"]) == (1, 1)
    assert [one["probability"] for one in answer["predictions"]] == [
        steep.predict([{"x": -2.0}])[0],
        flat_one.predict([{"x": 30.0}])[0],
    ]
    client.home.close()


def test_where_no_version_keeps_the_bounds_there_is_an_error_and_nothing_is_logged(shop: Path) -> None:
    client = _without_gate(shop, outputs='{ maximum = 0.9, on_violation = "previous" }')
    client.home.close()

    with _serving(shop) as (_, http):
        answer = _ask(http, [_row(x=30.0)])

    assert (answer.status_code, answer.json()["title"]) == (500, "Corrupt")
    assert "outside [None, 0.9]" in answer.json()["detail"]
    assert _logged(shop) == []


def test_a_model_whose_bytes_rotted_on_disk_is_not_released(shop: Path) -> None:
    client = _without_gate(shop)
    second = _train(client, shop, strength=0.1)
    [digest] = _manifest(client, second).files.values()
    stored = shop / ".evergreen" / "objects" / digest[:2] / digest[2:]
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")

    with _serving(shop) as (endpoint, http):
        _promote(client, second, 1)
        _until(lambda: "is damaged" in endpoint.log)

        assert _ask(http, [_row()]).json()["version"] == 1
    client.home.close()


def test_what_no_library_can_load_is_not_released_and_the_next_version_is(shop: Path) -> None:
    client = _without_gate(shop)
    first = _manifest(client)
    [file] = first.files
    damaged = _register(client, msgspec.structs.replace(first, files={file: client.put(b"what was a model")}))
    sound = _register(client, first)

    with _serving(shop) as (endpoint, http):
        _promote(client, damaged, 1)
        _until(lambda: "stays as it is" in endpoint.log)
        assert _ask(http, [_row()]).json()["version"] == 1
        _promote(client, sound, damaged)
        _until(lambda: _version(http) == sound)
    client.home.close()


def test_a_model_that_answers_its_golden_requests_otherwise_is_not_released(shop: Path) -> None:
    client = _without_gate(shop)
    first = _manifest(client)
    golden = msgspec.structs.replace(first.golden, answers=[answer / 2 for answer in first.golden.answers])
    wrong = _register(client, msgspec.structs.replace(first, golden=golden))

    with _serving(shop) as (endpoint, http):
        _promote(client, wrong, 1)
        _until(lambda: "answers its golden requests" in endpoint.log)

        assert _version(http) == 1
        assert http.get("/readyz").status_code == 200
    client.home.close()


# ------------------------------------------------------------------ the log


def test_what_was_answered_before_a_kill_is_in_the_log(shop: Path) -> None:
    acknowledged: dict[str, float] = {}
    lock = threading.Lock()

    with _serving(shop) as (endpoint, _):

        def load(worker: int) -> None:
            with httpx.Client(trust_env=False) as own:
                for number in itertools.count():
                    rows = [_row(id=f"{worker}-{number}-{place}", x=place / 10) for place in range(20)]
                    try:
                        answer = own.post(endpoint.address, json={"rows": rows})
                    except httpx.TransportError:
                        return
                    told = {one["id"]: one["probability"] for one in answer.json()["predictions"]}
                    with lock:
                        acknowledged.update(told)

        threads = [threading.Thread(target=load, args=(worker,)) for worker in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        endpoint.kill()
        for thread in threads:
            thread.join()

    found = {row: answer for record in _logged(shop) for row, answer in zip(record.ids, record.answers, strict=True)}
    assert len(acknowledged) > 100
    assert {row: found.get(row) for row in acknowledged} == acknowledged
    assert all(len(record.ids) == 20 for record in _logged(shop))


def test_the_log_keeps_inputs_times_and_version(shop: Path) -> None:
    rows = request(visits(61, 1, a_day=3))

    with _serving(shop) as (_, http):
        told = [one["probability"] for one in _ask(http, rows).json()["predictions"]]

    [record] = _logged(shop)
    assert (record.version, record.answers) == (1, told)
    assert record.times == [isoformat(day(61)), "2024-03-02T00:15:00.000000Z", "2024-03-02T00:30:00.000000Z"]
    assert msgspec.json.decode(record.rows) == [{"x": row["x"]} for row in rows]
