"""Every status has one shape, whoever makes it; what is away for a moment is a 503 (B9)."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from psycopg import errors as pg

from organizations.kernel import outages
from organizations.kernel.api.request_id import JsonFormatter
from tests.clients import ApiClient
from tests.contract.refusals import faults
from tests.wire.sending import WireAnswer, request, send

pytestmark = pytest.mark.django_db
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def ask(api: ApiClient, method: str, path: str, body: Any = None, **headers: str) -> WireAnswer:
    """Send one request of the organization's client."""
    about = {
        "Authorization": f"Bearer {api.token}",
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return send(request(method, f"/organizations/{api.organization.pk}/{path}", about, body))


def assert_ours(answer: WireAnswer, status: int) -> None:
    """The answer is an error body as B9.2 has it."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert {"message", "code", "status", "requestId"} <= answer.json.keys()
    assert (answer.json["status"], type(answer.json["message"])) == (status, str)
    assert answer.json["requestId"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "headers"),
    [
        (400, "POST", "products", b"{", {}),
        (400, "POST", "products", b'{"name": 7}', {}),
        (400, "GET", "products?pageSize=0", None, {}),
        (401, "GET", "products", None, {"Authorization": "Basic x"}),
        (403, "GET", "products", None, {"Authorization": "Bearer x"}),
        (404, "GET", "nosuchthing", None, {}),
        (404, "GET", "products/00000000-0000-4000-8000-000000000000", None, {}),
        (405, "PATCH", "products", b"{}", {}),
        (405, "DELETE", "measurements", None, {}),
        (413, "POST", "products", b'{"name":"' + b"x" * 1_100_000 + b'"}', {}),
        (403, "POST", "measurements", b'{"name":"' + b"x" * 600_000 + b'"}', {}),
        (415, "POST", "products", b"name=A", {"Content-Type": "text/plain"}),
        (415, "POST", "measurements", b"a=b", {"Content-Type": "text/csv"}),
        (400, "POST", "products", b"{}", {"Idempotency-Key": " "}),
    ],
)
def test_every_refusal_has_the_same_shape(api, status, method, path, body, headers):
    answer = ask(api, method, path, body, **headers)

    assert_ours(answer, status)
    assert answer.status not in {401, 405} or answer.headers.keys() & {"www-authenticate", "allow"}


def test_a_body_in_chunks_is_refused_instead_of_being_taken_for_an_empty_one(api):
    about = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    path = f"/organizations/{api.organization.pk}/products"
    chunks = b'1c\r\n{"name":"A","code":"storage"}\r\n0\r\n\r\n'
    head = request("POST", path, {**about, "Transfer-Encoding": "chunked"})

    assert_ours(send(head + chunks), 411)


def test_a_refusal_says_how_long_it_is(api):
    answer = send(request("GET", "/organizations/x/products"))

    assert answer.headers["content-length"] == str(len(answer.raw))


@pytest.mark.parametrize("path", [
    "/", "/nothing", "/v1/organizations/x/products", "/api/oauth/token", "/favicon.ico",
    "/organizations", "/oauth", "/organizations/", "/oauth/nothing", "/downloads/failed-ingest/x",
    "/health/x", "/openapi.json/x",
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_with_a_wrong_address_gets_json(path, method):
    answer = send(request(method, path, {"Accept": "application/json"}))

    if answer.status != 302:  # the root leads people to the console
        assert answer.headers["content-type"] == "application/json", answer
        assert answer.status in {400, 403, 404, 405}


def test_a_person_with_a_browser_gets_a_page():
    answer = send(request("GET", "/nothing", BROWSER))

    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert b"There is nothing at this address" in answer.raw
    assert answer.headers["x-request-id"].encode() in answer.raw


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png", "*/*;q=0", "\xff"])
def test_whatever_a_client_accepts_it_gets_its_answer_in_json(api, accept):
    answer = ask(api, "GET", "products", Accept=accept)

    assert (answer.status, answer.json) == (200, {"data": [], "nextToken": None})
    assert answer.headers["content-type"] == "application/json"


def test_an_unknown_host_name_is_refused_in_our_shape(settings: LazySettings):
    settings.ALLOWED_HOSTS = ["billing.example.com"]

    for path in ("/nothing", "/oauth/token"):
        assert_ours(send(request("POST", path, {"Host": "evil.example.com"})), 400)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``broken(error)`` makes every list of products fail with it."""
    from catalog.api.views import ProductViewSet

    def install(error: Exception) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr(ProductViewSet, "list", fail)

    return install


def database_error(state: str | None) -> OperationalError:
    """An error as Django raises it, with the state PostgreSQL gave."""
    error = OperationalError("the database said so")
    error.__cause__ = pg.lookup(state)() if state else Exception("connection refused")
    return error


def test_a_failure_of_ours_is_a_500_that_tells_no_secrets(api, broken):
    broken(RuntimeError("password=hunter2"))

    answer = ask(api, "GET", "products")

    assert_ours(answer, 500)
    assert b"hunter2" not in answer.raw


@pytest.mark.parametrize("state", [None, "08006", "57P01", "57P03", "53300", "40P01"])
def test_while_the_database_is_away_the_api_answers_503_and_when_to_come_again(api, broken, state):
    broken(database_error(state))

    answer = ask(api, "GET", "products")

    assert_ours(answer, 503)
    assert answer.headers["retry-after"] == "5"
    assert "x-should-retry" not in answer.headers


def test_an_error_of_ours_in_a_query_is_no_outage(api, broken):
    broken(database_error("42P01"))

    assert ask(api, "GET", "products").status == 500


def test_a_person_sees_a_calm_page_while_the_database_is_away(monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        raise database_error(None)

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", fail)
    answer = send(request("GET", "/admin/", {**BROWSER, "Cookie": "sessionid=x"}))

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert b"Back in a moment" in answer.raw
    assert answer.headers["content-type"].startswith("text/html")


def test_an_outage_is_one_line_in_the_log_and_no_traceback_for_each_request():
    filtered = outages.OutageFilter()

    def record(error: Exception) -> logging.LogRecord:
        return logging.LogRecord("django.request", 40, "x", 1, "%s", ("x",), (None, error, None))

    first = record(database_error(None))
    passed = [filtered.filter(first), filtered.filter(record(database_error("57P01")))]

    assert passed == [True, False]
    assert (first.levelname, first.exc_info) == ("WARNING", None)
    assert first.getMessage() == "Answered 503: the database said so"
    ours = record(RuntimeError("x"))
    assert filtered.filter(ours) and ours.exc_info


def access_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines of the access log as they are written."""
    records = [record for record in caplog.records if record.name == "billwright.access"]
    return [json.loads(JsonFormatter().format(record)) for record in records]


def test_each_request_is_one_line_of_json_in_the_log(api, caplog):
    with caplog.at_level(logging.INFO, "billwright.access"):
        answer = ask(api, "GET", "products?searchQuery=secret", X_Request_Id="mine-1")

    (line,) = access_lines(caplog)
    assert answer.headers["x-request-id"] == "mine-1"
    assert isinstance(line.pop("ms"), float) and line.pop("time")
    line.pop("requestId", None)  # put on the record by the handler of the log
    path = f"/organizations/{api.organization.pk}/products"
    assert line == {
        "level": "INFO",
        "logger": "billwright.access",
        "message": f"GET {path} 200",
        "method": "GET",
        "path": path,
        "status": 200,
        "address": "198.51.100.7",
        "principal": str(api.founded.service_user.pk),
        "organization": str(api.organization.pk),
        "accessKey": str(api.founded.access_key_id),
    }


def test_links_that_let_somebody_in_are_not_in_the_log(caplog):
    with caplog.at_level(logging.INFO, "billwright.access"):
        send(request("GET", "/invitations/abcdef0123456789/", BROWSER))

    assert [line["path"] for line in access_lines(caplog)] == ["/invitations/***/"]


def test_the_access_log_can_be_switched_off_and_leaves_out_health_checks(
    api, caplog, settings: LazySettings
):
    with caplog.at_level(logging.INFO, "billwright.access"):
        send(request("GET", "/health"))
        settings.ACCESS_LOG = False
        ask(api, "GET", "products")

    assert access_lines(caplog) == []


def test_a_line_feed_in_a_path_does_not_begin_another_line(caplog):
    with caplog.at_level(logging.INFO, "billwright.access"):
        send(request("GET", "/nothing%0A%7B%22level%22%3A1%7D"))

    record = next(record for record in caplog.records if record.name == "billwright.access")
    assert "\n" not in JsonFormatter().format(record)


def test_an_answer_that_is_away_is_one_of_ours(api, broken):
    broken(database_error(None))
    api.client.raise_request_exception = False

    assert [fault for fault in faults(api.get("products")) if fault != "status 503"] == []
