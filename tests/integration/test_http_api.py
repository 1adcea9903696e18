"""The server's HTTP API: what it refuses, how it says so, and that its OpenAPI document tells the truth."""

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from evergreen.core.digest import digest_of
from evergreen.core.errors import Unavailable
from evergreen.core.message import Permission
from evergreen.faces.client.http import HttpClient, message_path, object_path
from evergreen.lifecycle.create_project import CreateProject
from evergreen.lifecycle.verbs import VERBS
from evergreen.testing.process import running
from evergreen.views.queries import VIEWS

STATUS_PATH = message_path("shop", "ShowStatus")
_WORK = [handler.name for handler in VERBS if handler.message.permission is Permission.WORK]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with running(folder, "server", "--home", str(folder / "home"), "--port", "0", "--clock", "stepped") as server:
        client = HttpClient(server.address, "shop")
        client.send(CreateProject())
        client.close()
        yield server.address


@pytest.fixture
def api(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, trust_env=False, timeout=30) as client:
        yield client


def _problem(answer: httpx.Response, status: int, title: str) -> dict[str, Any]:
    """Return the problem that was answered, if it has the form of RFC 9457 and tells nothing of the inside."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["title"]) == (status, title)
    assert problem["type"] and problem["detail"]
    assert not re.search(r"Traceback|File \"|SELECT|INSERT|sqlite|site-packages", answer.text)
    return problem


# ------------------------------------------------------------------ who may ask


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7400", "192.168.1.9", "", "[::1", "127.0.0.1.evil.example"]
)
def test_a_request_for_a_foreign_host_is_denied(api: httpx.Client, host: str) -> None:
    answer = api.post(STATUS_PATH, json={}, headers={"host": host})

    _problem(answer, 403, "Denied")


def test_a_request_for_localhost_is_answered(api: httpx.Client) -> None:
    answer = api.post(STATUS_PATH, json={}, headers={"host": "localhost:1234"})

    assert answer.status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", "file://"])
def test_a_request_from_a_foreign_page_is_denied(api: httpx.Client, origin: str) -> None:
    answer = api.post(STATUS_PATH, json={}, headers={"origin": origin})

    _problem(answer, 403, "Denied")


def test_a_request_from_a_page_of_its_own_is_answered(api: httpx.Client, server: str) -> None:
    answer = api.post(STATUS_PATH, json={}, headers={"origin": server, "sec-fetch-site": "same-origin"})

    assert answer.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_a_browser_calls_foreign_is_denied(api: httpx.Client, site: str) -> None:
    answer = api.get("/openapi.json", headers={"sec-fetch-site": site})

    _problem(answer, 403, "Denied")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_listening_beyond_this_machine_is_refused(tmp_path: Path, host: str) -> None:
    command = [sys.executable, "-m", "evergreen", "server", "--home", str(tmp_path / "home"), "--host", host]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode != 0
    assert f"cannot listen on {host}" in ended.stderr
    assert "Traceback" not in ended.stderr


# ------------------------------------------------------------------ what is no message


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_message_that_a_form_could_send_is_invalid(api: httpx.Client, content_type: str) -> None:
    answer = api.post(STATUS_PATH, content=b"{}", headers={"content-type": content_type})

    _problem(answer, 422, "Invalid")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"limit": 1}', b"\xff\xfe", b'{"a": "\\ud800"}', b"[" * 99_999]
)
def test_a_body_that_is_no_such_message_is_invalid(api: httpx.Client, body: bytes) -> None:
    answer = api.post(STATUS_PATH, content=body, headers={"content-type": "application/json"})

    _problem(answer, 422, "Invalid")


def test_an_unknown_field_is_invalid_and_named(api: httpx.Client) -> None:
    answer = api.post(message_path("shop", "Tick"), json={"now": "2024-03-01T00:00:00Z", "than": 1})

    assert "`than`" in _problem(answer, 422, "Invalid")["detail"]


def test_a_wrong_type_is_invalid_and_its_place_is_named(api: httpx.Client) -> None:
    outcome = {"prediction_id": "a", "value": "yes", "known_at": "2024-03-01T00:00:00Z"}
    answer = api.post(message_path("shop", "RecordOutcomes"), json={"endpoint": "buys", "outcomes": [outcome]})

    assert "$.outcomes[0].value" in _problem(answer, 422, "Invalid")["detail"]


@pytest.mark.parametrize("number", ["1e400", "-1", "2.5", "1" + "0" * 40, "NaN"])
def test_an_absurd_number_is_invalid(api: httpx.Client, number: str) -> None:
    answer = api.post(
        message_path("shop", "ListRuns"),
        content=f'{{"limit": {number}}}'.encode(),
        headers={"content-type": "application/json"},
    )

    _problem(answer, 422, "Invalid")


def test_an_unknown_message_is_not_found_with_the_nearest(api: httpx.Client) -> None:
    answer = api.post(message_path("shop", "ShowStatsu"), json={})

    assert _problem(answer, 404, "NotFound")["hint"] == 'did you mean "ShowStatus"?'


def test_no_client_can_say_which_objects_it_holds(api: httpx.Client) -> None:
    answer = api.post(message_path("shop", "HoldObjects"), json={"sizes": {digest_of(b"theirs"): 6}})

    _problem(answer, 404, "NotFound")


@pytest.mark.parametrize("name", _WORK)
def test_a_workers_message_needs_a_claim_and_is_not_taken_over_http(api: httpx.Client, name: str) -> None:
    answer = api.post(message_path("shop", name), json={})

    _problem(answer, 404, "NotFound")


# ------------------------------------------------------------------ paths and methods


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/v1/projects/shop", 404),
        ("GET", STATUS_PATH, 405),
        ("DELETE", object_path("shop", "0" * 64), 405),
        ("POST", "/api/v1/projects/../../livez", 404),
        ("POST", message_path("shop%2F..", "ShowStatus"), 404),
        ("POST", message_path("..%2f..", "ShowStatus"), 404),
        ("POST", message_path("%00", "ShowStatus"), 404),
        ("POST", message_path("nobody", "ShowStatus"), 404),
        ("POST", message_path("shop", "ShowStatus%0a"), 404),
    ],
)
def test_what_leads_nowhere_is_answered_by_a_problem(api: httpx.Client, method: str, path: str, status: int) -> None:
    answer = api.request(method, path, json={})

    _problem(answer, status, "NotFound")


def test_a_wrong_method_says_which_are_right(api: httpx.Client) -> None:
    answer = api.get(STATUS_PATH)

    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("digest", ["abc", "0" * 63, "A" * 64, "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "0" * 5000])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_what_is_no_digest_reaches_no_file(api: httpx.Client, method: str, digest: str) -> None:
    answer = api.request(method, object_path("shop", digest), content=b"bytes" if method == "PUT" else None)

    assert answer.status_code in (404, 422)
    _problem(answer, answer.status_code, "Invalid" if answer.status_code == 422 else "NotFound")


def test_bytes_under_a_wrong_digest_are_not_kept(api: httpx.Client) -> None:
    path = object_path("shop", digest_of(b"what was said"))

    _problem(api.put(path, content=b"what was sent"), 422, "Invalid")

    _problem(api.get(path), 404, "NotFound")


def test_bytes_are_answered_as_bytes_that_no_browser_guesses_at(api: httpx.Client) -> None:
    data = b"<script>alert(1)</script>"
    assert api.put(object_path("shop", digest_of(data)), content=data).status_code == 204

    answer = api.get(object_path("shop", digest_of(data)))

    assert answer.content == data
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


# ------------------------------------------------------------------ bodies


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(server: str) -> None:
    address = urlsplit(server)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.putrequest("POST", STATUS_PATH)
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str((8 << 20) + 1))
    connection.endheaders()

    answer = connection.getresponse()
    problem = json.loads(answer.read())
    connection.close()

    assert (answer.status, problem["title"]) == (422, "Invalid")
    assert "at most 8,388,608 fit" in problem["detail"]


def test_a_body_of_unknown_length_is_refused(api: httpx.Client) -> None:
    answer = api.post(STATUS_PATH, content=iter([b"{", b"}"]), headers={"content-type": "application/json"})

    _problem(answer, 422, "Invalid")


def test_a_server_that_is_gone_is_unavailable_with_advice() -> None:
    client = HttpClient("http://127.0.0.1:9", "shop", retry_for_s=0.1)

    with pytest.raises(Unavailable, match="cannot reach the server") as caught:
        client.send(CreateProject())

    client.close()
    assert caught.value.hint == 'is it running? start it with "evergreen server"'


# ------------------------------------------------------------------ the document


def test_the_document_has_each_message_with_its_permission(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()

    operations = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    outside = [handler for handler in (*VERBS, *VIEWS) if handler.name not in {*_WORK, "HoldObjects"}]
    assert {operation["operationId"]: operation["x-permission"] for operation in operations.values()} == {
        handler.name: handler.message.permission.value for handler in outside
    }
    assert all(operation["summary"] for operation in operations.values())
    assert set(operations) == {message_path("{project}", handler.name) for handler in outside}


def test_the_documents_references_resolve(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()

    references = set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', json.dumps(document, separators=(",", ":"))))

    assert document["openapi"].startswith("3.1")
    assert references
    assert references <= document["components"]["schemas"].keys()


def test_the_documents_path_parameters_are_declared(api: httpx.Client) -> None:
    for path, item in api.get("/openapi.json").json()["paths"].items():
        shared = item.get("parameters", [])
        for operation in (value for method, value in item.items() if method != "parameters"):
            declared = {parameter["name"] for parameter in (*shared, *operation.get("parameters", []))}
            assert declared == set(re.findall(r"\{(\w+)\}", path))
