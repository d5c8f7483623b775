"""Whatever a client sends, the answer is one of ours: never a 5xx, never a page, never half a row.

First generated requests over the whole OpenAPI document, then what generators do not think of.
"""

import os
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.core.signals import got_request_exception

from organizations.kernel import exact_json
from tests import sampling
from tests.clients import ApiAnswer
from tests.contract import bodies, documents, generated, hostile, inhabited
from tests.contract.inhabited import Inhabited
from tests.contract.refusals import faults
from tests.contract.routes import Route, model_of, routes

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def place(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Inhabited]:
    """An organization with rows of every kind; a 5xx of its client is an answer, not a crash."""
    with inhabited.shared_database(django_db_blocker):
        settled = inhabited.settle()
        settled.api.client.raise_request_exception = False
        got_request_exception.connect(_remember_crash, weak=False)
        yield settled
        got_request_exception.disconnect(_remember_crash)


# Of each kind for each operation; GENERATED=100 is for a patient afternoon.
EXAMPLES = int(os.environ.get("GENERATED") or "3")
CRASHES: list[str] = []


def _remember_crash(**_about: Any) -> None:
    CRASHES.append(traceback.format_exc(limit=-3))


def test_generated_requests_are_answered_as_promised(place):
    wrong: dict[str, Any] = {}
    operations = set()

    def look(operation: tuple[str, str], sent: str, answer: ApiAnswer) -> None:
        operations.add(operation)
        if found := faults(answer):
            wrong.setdefault(str(answer.raw[:60]), (found, sent[:600], answer))

    generated.send_all(place, examples=EXAMPLES, sent=look)

    assert len(operations) > 100
    assert_ours(wrong)


def right_bodies(place: Inhabited) -> dict[tuple[str, str], dict[str, Any]]:
    """Return a right body for each address that takes one, by verb and address."""
    config = place.api.get("organizationconfig").json
    usage = {
        "uid": "u", "meter": place.made["meters"]["code"], "account": "a", "ets": None,
        "ts": "2024-10-10T12:00:00Z", **inhabited.MEASUREMENTS[0],
    }  # fmt: skip
    run = bodies.bill_run(place.made)
    return {
        ("PUT", "organizationconfig"): config,
        ("PUT", "billconfig"): place.api.get("billconfig").json,
        ("POST", "measurements"): {"measurements": [usage]},
        ("POST", "billjobs"): run,
        ("POST", "bills/preview"): run,
        ("POST", "bills/approve"): {"billIds": ["00000000-0000-4000-8000-000000000000"]},
        **{("POST", path): bodies.another(build, place.made) for path, build in bodies.CREATED},
    }


def assert_ours(wrong: dict[Any, Any]) -> None:
    """Fail with one line for each answer that is not one of ours."""
    told = [f"{sent}: {about}" for sent, about in wrong.items()]
    assert not wrong, "\n".join([*told, *CRASHES[-5:]])


@pytest.mark.parametrize("name", hostile.BODIES)
def test_a_hostile_body_is_refused_by_every_address(place, name):
    wrong = {}
    for verb, path in sampling.some(right_bodies(place), name):
        with inhabited.undone():
            answer = place.api.call(verb, path, hostile.BODIES[name])
        # A run needs no field, and unknown ones are ignored.
        may_pass = path == "billjobs" and name in hostile.OBJECTS
        if faults(answer) or (answer.status == 200 and not may_pass):
            wrong[f"{verb} {path}"] = (faults(answer), answer)

    assert_ours(wrong)


@pytest.mark.parametrize("name", hostile.FRAGMENTS)
def test_a_hostile_value_anywhere_in_a_right_body_gets_one_of_our_answers(place, name):
    fragment = hostile.FRAGMENTS[name]
    wrong = {}
    for (verb, path), body in right_bodies(place).items():
        fitting = [
            where
            for where in hostile.places(body)
            if hostile.fits(name, hostile.value_at(body, where))
        ]
        for where in sampling.some(fitting, name, path):
            with inhabited.undone():
                answer = place.api.call(verb, path, hostile.written(body, where, fragment))
            if found := faults(answer):
                wrong[f"{verb} {path} {where}"] = (found, answer)

    assert_ours(wrong)


@pytest.mark.parametrize("text", hostile.TEXTS)
def test_a_text_is_stored_and_shown_as_it_was_sent(place, text):
    wrong, tried = {}, 0
    for path, build in bodies.CREATED:
        body = bodies.another(build, place.made)
        where = [
            here
            for here in hostile.places(body)
            if here[-1] in hostile.FREE_TEXTS and (path, tuple(here)) not in hostile.NOT_FREE
        ]
        sent = body
        for here in where:
            sent = hostile.replaced(sent, here, text[:45])
        with inhabited.undone():
            made = place.api.post(path, sent)
            shown = place.api.get(f"{path}/{(made.json or {}).get('id')}")
        tried += len(where)
        for here in where:
            if made.status != 200 or {text[:45]} != {
                hostile.value_at(answer.json, here) for answer in (made, shown)
            }:
                wrong[f"{path} {here}"] = (made, shown)

    assert tried > 15
    assert_ours(wrong)


def test_of_a_key_given_twice_the_last_one_counts(place):
    with inhabited.undone():
        answer = place.api.post("products", b'{"name":"first","code":"twice","name":"last"}')

    assert (answer.status, answer.json["name"]) == (200, "last")


QUERIES = [
    "pageSize=%00", "pageSize=", "pageSize=1&pageSize=x", "pageSize=1e2", "pageSize=%EF%BC%91",
    "pageSize=99999999999999999999", "pageSize=+5", "nextToken=x", "nextToken=%00",
    "nextToken=%F0%9F%98%80", "nextToken=" + "A" * 20_000, "ids=%00", "ids=,", "ids=,,,",
    "ids=null", "ids=%ff%fe", "ids=" + ",".join(["00000000-0000-4000-8000-000000000000"] * 300),
    "ids='%20OR%201=1", "codes=%00", "codes=%ed%a0%80", "codes=" + "x" * 5000, "%", "%zz=%zz",
    "&&&", "=", "a[b]=c", "ids[]=x", "%00=%00", "accountId=%00", "status=%00", "date=0001-01-01",
    "date=9999-12-31", "date=2024-02-30", "date=2024-W01-1", "date=9999-12-31T23:59:59-23:59",
    "billDate=0001-01-01", "billDateStart=9999-12-31", "billDateEnd=x", "locked=2", "locked=%00",
    "eventName=%00", "eventType=%00", "additional=%00", "searchQuery=%00", "fromDocument=-1",
    "fromDocument=99999999999999999999", "sortBy=%00", "sortBy=id;", "operator=xor", "file=%00",
    "searchQuery=name:", "searchQuery=%24%24",
    "searchQuery=dtCreated%3E0001-01-01T00:00:00%2B23:59",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:40])
def test_a_hostile_query_gets_one_of_our_answers(place, query):
    wrong = {}
    for verb, route, _ in sampling.some(documents.our_operations(), query):
        if verb != "GET" or route.path.endswith("/pdf"):
            continue
        path = route.at(**{name: some_id(place, route, name) for name in route.id_parameters})
        answer = raw(place, f"/organizations/{place.organization_id}/{path}", QUERY_STRING=query)
        if found := faults(answer):
            wrong[route.path] = (found, answer)

    assert_ours(wrong)


IDS = [
    "x", "%00", "%ff%fe", "%ed%a0%80", "%0a", "..", "%2e%2e", "-1", "0", "null", "{}", "'",
    "%F0%9F%98%80",
    "00000000-0000-0000-0000-000000000000", "x" * 8000, "00000000000040008000000000000000",
    "{0000000-0000-4000-8000-00000000000}", "9999-12-31", "0001-01-01", "2024-02-30", "DAILY",
    "%E2%80%AE", "a b", "*", "%25s",
]  # fmt: skip


@pytest.mark.parametrize("identity", IDS, ids=lambda identity: identity[:40])
def test_a_hostile_id_in_an_address_names_nothing(place, identity):
    wrong = {}
    text = unquote_to_bytes(identity).decode("latin-1")
    for verb, route, _ in sampling.some(documents.our_operations(), identity):
        for name in route.parameters:
            others = {n: some_id(place, route, n) for n in route.id_parameters}
            path = route.at(**{**others, name: text})
            info = f"/organizations/{place.organization_id}/{path}"
            answer = raw(place, info, verb=verb)
            named = route.id_parameters and name in route.id_parameters and answer.status == 200
            if (found := faults(answer)) or named:
                wrong[f"{verb} {route.path} {name}"] = (found, answer)

    assert_ours(wrong)


@pytest.mark.parametrize("kind", [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x",
    "application/xml", "text/html; charset=\xff", "application/json; charset=utf-16", "/", ";",
    "application/json, text/plain", "APPLICATION/JSON", "application/octet-stream",
])  # fmt: skip
def test_another_content_type_is_refused_or_read_as_json(place, kind):
    wrong = {}
    for (verb, path), body in sampling.some(right_bodies(place).items(), kind):
        info = f"/organizations/{place.organization_id}/{path}"
        with inhabited.undone():
            answer = raw(place, info, verb=verb, body=exact_json.dumps(body), CONTENT_TYPE=kind)
        expected = {200, 400} if "json" in kind.lower() or kind == ";" else {415}
        if (found := faults(answer)) or not {answer.status} <= expected | {415}:
            wrong[f"{verb} {path}"] = (found, answer)

    assert_ours(wrong)


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/xml", "x", "a/b;q=z", ";"])
def test_whatever_a_client_accepts_it_gets_json(place, accept):
    info = f"/organizations/{place.organization_id}/products"

    assert not faults(raw(place, info, HTTP_ACCEPT=accept))


@pytest.mark.parametrize("verb", ["TRACE", "CONNECT", "PROPFIND", "FOO", "OPTIONS", "PATCH"])
def test_other_verbs_are_refused_on_every_address(place, verb):
    wrong = {}
    for route in sampling.some(routes(), verb):
        path = route.at(**{name: some_id(place, route, name) for name in route.id_parameters})
        answer = raw(place, f"/organizations/{place.organization_id}/{path}", verb=verb)
        if (found := faults(answer)) or answer.status != 405:
            wrong[route.path] = (found, answer)

    assert_ours(wrong)


def test_ten_megabytes_are_refused_without_being_read_to_the_end(place):
    body = b'{"name":"' + b"x" * 10_000_000 + b'"}'
    wrong = {}
    for verb, path in right_bodies(place):
        answer = place.api.call(verb, path, body)
        if faults(answer) or answer.status != (403 if path == "measurements" else 413):
            wrong[path] = answer

    assert_ours(wrong)


@pytest.mark.parametrize("header", [
    "Basic", "Basic !!!", "Basic /////w==", "Basic " + "A" * 9000, "Basic Og==", "Basic eDp5",
    "Basic AAA6AAA=", "Bearer x", "\xff",
])  # fmt: skip
@pytest.mark.parametrize("body", [
    b"", b"null", b"[]", b'{"grant_type":["client_credentials"]}', b'{"grant_type":{}}',
    b"[" * 9000,
    b'{"grant_type":"client_credentials"}', b'{"a":1e9999999999999999999}', b"\xff", b"x" * 100_000,
])  # fmt: skip
def test_the_token_endpoint_refuses_what_is_no_client(place, header, body):
    for kind in ("application/json", "application/x-www-form-urlencoded", "x"):
        answer = raw(
            place, "/oauth/token", verb="POST", body=body,
            CONTENT_TYPE=kind, HTTP_AUTHORIZATION=header,
        )  # fmt: skip
        assert not faults(answer), (kind, answer)
        assert answer.status in {400, 401, 413, 415}


def some_id(place: Inhabited, route: Route, name: str) -> str:
    """Return the id of a row of the organization for a parameter of an address."""
    return next(iter(place.ids(model_of(route, name))), "none")


def raw(
    place: Inhabited, path: str, *, verb: str = "GET", body: bytes = b"", **environ: Any
) -> ApiAnswer:
    """Send what no client library would: path and query as a server hands them over."""
    about = {"CONTENT_TYPE": "application/json", "PATH_INFO": path, **environ}
    about.setdefault("HTTP_AUTHORIZATION", f"Bearer {place.api.token}")
    return ApiAnswer(place.api.client.generic(verb, "/", body, **about))
