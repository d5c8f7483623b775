"""No route of any verb lets anybody near the rows of an organization that is not theirs.

The routes come from the URL resolver and the fields and filters from the generated OpenAPI
document, so whatever is added later is held to this too.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from django.apps import apps
from django.db import models

from billing.models import IngestFailure
from organizations import tokens
from organizations.kernel import ids
from organizations.models import (
    AccessKey,
    AccessKeyStatus,
    AuditEntry,
    Organization,
    ServiceUser,
    StoredFile,
)
from tests.clients import ApiAnswer, ApiClient
from tests.contract import bodies, documents, inhabited
from tests.contract.inhabited import Inhabited
from tests.contract.routes import VERBS, Route, model_of, routes

pytestmark = pytest.mark.django_db

AUDIT = AuditEntry._meta.db_table
FILES = StoredFile._meta.db_table
# Addresses of which the first row of their kind has nothing, and what they answer.
NOTHING_THERE = {
    "bills/{id}/statement/json": 404,
    "bills/{id}/statement/csv": 404,
    "bills/{bill}/creditlineitems/{id}": 404,
    "bills/{bill}/debitlineitems/{id}": 404,
    "integrationruns/{entityType}/latest": 404,
    "integrationruns/{entityType}/latest/{entityId}": 404,
    "dataexports/jobs/{id}/getdownloadurl": 400,
}
UNKNOWN = str(ids.new_id())
ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SOMEWHERE = (
    ("GET", "products"),
    ("POST", "measurements"),
    ("PUT", "nosuchthing"),
    ("GET", "bills"),
)
ELSEWHERE = ("nosuchthing", "products/x/y/z", "", "products/../products")


@pytest.fixture(scope="module")
def two(django_db_setup: Any, django_db_blocker: Any) -> Iterator[tuple[Inhabited, Inhabited]]:
    """Two organizations with rows of every kind: ours, and theirs."""
    with inhabited.shared_database(django_db_blocker):
        yield inhabited.settle(), inhabited.settle()


@pytest.fixture(autouse=True)
def nothing_is_written(two: Any, request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold every test here to leaving each table as it was, the audit included."""
    before, newest = inhabited.contents(), _newest_entry()
    yield
    after = inhabited.contents()
    if request.function is test_without_a_policy_nothing_is_told_and_nothing_is_done:
        after[AUDIT] = before[AUDIT]  # that test looks at it itself
    # That a caller asked for another organization stands in the caller's own trail.
    told = AuditEntry.objects.filter(pk__gt=newest, action="other organization")
    if told.exists():
        assert set(told.values_list("organization_id", flat=True)) == {two[0].organization_id}
        assert not AuditEntry.objects.filter(pk__gt=newest).exclude(pk__in=told).exists()
        after[AUDIT] = before[AUDIT]
    if request.function is test_nothing_that_is_read_shows_theirs:
        after[FILES] = before[FILES]  # an address to download may make its file
    assert after == before


def _newest_entry() -> int:
    return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def addresses(route: Route, place: Inhabited) -> Iterator[str]:
    """Yield the route with ids that exist in an organization, and with ids nobody has."""
    names = route.id_parameters
    yield route.at(**{name: some_id(place, model_of(route, name)) for name in names})
    if names:
        yield route.at(**dict.fromkeys(names, UNKNOWN))


def some_id(place: Inhabited, model: type[models.Model]) -> str:
    """Return the id of a row of the organization; that there is one is a test of its own."""
    return next(iter(place.ids(model)), UNKNOWN)


def said(answer: ApiAnswer) -> tuple[int, str | None, bytes]:
    """Return what an answer tells: status, type, and body without request id and ids."""
    body = ID.sub(b"ID", answer.raw)
    body = re.sub(rb'"requestId":"[^"]*"', b'"requestId":""', body)
    return answer.status, answer.headers.get("Content-Type"), body


def everywhere(place: Inhabited) -> Iterator[tuple[str, str]]:
    """Yield every verb of every address of an organization, unknown addresses too."""
    paths = [path for route in routes() for path in addresses(route, place)]
    return itertools.product([verb for verb in VERBS if verb != "HEAD"], [*paths, *ELSEWHERE])


def heard(client: ApiClient, place: Inhabited) -> set[tuple[int, str | None, bytes]]:
    """Return the different answers a client gets from all addresses of an organization."""
    client.organization = place.founded.organization
    return {said(client.call(verb, path)) for verb, path in everywhere(place)}


def test_every_route_is_about_rows_that_both_organizations_have(two):
    missing = {
        f"{model.__name__} ({route.path})"
        for route in routes()
        for name in [*route.id_parameters, *(["id"] if route.model else [])]
        for model in [model_of(route, name)]
        if issubclass_of_tenant(model) and not all(place.ids(model) for place in two)
    }

    assert len(routes()) > 40
    assert not missing, "make such rows in tests/contract/inhabited.py"


def issubclass_of_tenant(model: type[models.Model]) -> bool:
    """Return whether rows of the model belong to an organization."""
    return any(column.name == "organization" for column in model._meta.concrete_fields)


def test_without_a_token_every_address_asks_for_one(two):
    _, theirs = two
    client = ApiClient(theirs.founded, token="")

    answers = heard(client, theirs)

    assert [(status, kind) for status, kind, _ in answers] == [(401, "application/json")]
    assert client.get("products").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "bearer\t", "x" * 9000])
def test_a_header_that_holds_no_token_is_like_none(two, header):
    _, theirs = two
    client = ApiClient(theirs.founded, token="")
    plain = said(client.get("products"))
    client.client.defaults["HTTP_AUTHORIZATION"] = header

    assert said(client.get("products")) == plain


def dead_tokens(place: Inhabited) -> dict[str, str]:
    """Return tokens that are none, or not any more, by what is wrong with them."""
    own = AccessKey.objects.get(pk=place.founded.access_key_id)
    other = AccessKey(id=ids.new_id(), organization_id=place.organization_id)
    other.service_user_id = own.service_user_id
    whole = tokens.token_for(own)
    return {
        "garbage": "x" * 80,
        "not base64": "%%%",
        "empty parts": "..",
        "far too long": "A" * 20_000,
        "cut off": whole[:-2],
        "changed": ("B" if whole[0] == "A" else "A") + whole[1:],
        "expired": tokens.token_for(own, lifetime=-60),
        "of a key nobody made": tokens.token_for(other),
    }


def test_a_token_that_does_not_count_gets_one_answer_everywhere(two):
    _, theirs = two
    dead = dead_tokens(theirs)

    everywhere_expired = heard(ApiClient(theirs.founded, token=dead["expired"]), theirs)
    somewhere = {
        said(ApiClient(theirs.founded, token=token).call(verb, path))
        for token in dead.values()
        for verb in ("GET", "POST", "PATCH")
        for path in ("products", "nosuchthing", "measurements")
    }

    assert [(status, kind) for status, kind, _ in somewhere] == [(403, "application/json")]
    assert everywhere_expired == somewhere


def test_tokens_of_an_inactive_key_or_an_archived_organization_open_nothing(two):
    _, theirs = two
    client = ApiClient(theirs.founded)
    key = AccessKey.objects.filter(pk=theirs.founded.access_key_id)
    organization = Organization.objects.filter(pk=theirs.organization_id)

    for rows, dead, alive in (
        (key, {"status": AccessKeyStatus.INACTIVE}, {"status": AccessKeyStatus.ACTIVE}),
        (organization, {"status": "ARCHIVED"}, {"status": "ACTIVE"}),
    ):
        rows.update(**dead)
        tokens.forget_keys()
        answers = {said(client.call(verb, path)) for verb, path in SOMEWHERE}
        rows.update(**alive)
        tokens.forget_keys()

        assert [(status, kind) for status, kind, _ in answers] == [(403, "application/json")]
    assert client.get("products").status == 200


def test_a_member_of_another_organization_cannot_tell_it_from_one_that_does_not_exist(two):
    ours, theirs = two
    nowhere = Inhabited(ours.founded, ours.api)
    stranger = ApiClient(ours.founded)

    to_theirs = heard(stranger, theirs)
    stranger.organization = Organization(pk=ids.new_id())
    to_nowhere = {said(stranger.call(verb, path)) for verb, path in everywhere(nowhere)}

    assert to_theirs == to_nowhere
    assert [(status, kind) for status, kind, _ in to_theirs] == [(403, "application/json")]


@pytest.mark.parametrize("spelling", [
    "/{theirs}/products", "//organizations//{theirs}//products", "/{theirs}%2Fproducts",
    "/{ours}/../{theirs}/products", "/{ours}%2F..%2F{theirs}/products", "/{theirs}/",
    "/{upper}/products", "/{theirs};{ours}/products", "/{theirs},{ours}/products",
    "/{theirs}%00/products", "/{theirs}%0A/products", "/%20{theirs}/products",
    "/urn:uuid:{theirs}/products", "/{{{theirs}}}/products", "/./{theirs}/products",
])  # fmt: skip
def test_no_spelling_of_an_address_leads_around_the_door(two, spelling):
    ours, theirs = two
    path = spelling.format(
        ours=ours.organization_id, theirs=theirs.organization_id,
        upper=str(theirs.organization_id).upper(),
    )  # fmt: skip
    path = path if path.startswith("//") else f"/organizations{path}"
    headers = {"Authorization": f"Bearer {ours.api.token}"}

    # As a server hands it over: decoded, and not taken apart as an address first.
    info = unquote(path).encode().decode("latin-1")
    answer = ApiAnswer(ours.api.client.generic("GET", "/", PATH_INFO=info, headers=headers))

    assert answer.status in {403, 404}
    assert answer.headers["Content-Type"] == "application/json"
    assert not any(identity.encode() in answer.raw for identity in theirs_ids(theirs))


def test_without_a_policy_nothing_is_told_and_nothing_is_done(two):
    ours, _ = two
    lonely = ApiClient(ours.founded)
    by = ServiceUser.objects.create(organization=ours.founded.organization, name="No policy")
    key, _ = tokens.make_key(by, created_by=by.pk)
    lonely.token = tokens.token_for(key)
    before = inhabited.contents()

    wrong = []
    for route in routes():
        answers = [
            {verb: said(lonely.call(verb, path)) for verb in VERBS if verb != "HEAD"}
            for path in addresses(route, ours)
        ]
        if any(answer != answers[0] for answer in answers):
            wrong.append(f"{route.path} tells what exists")
        for verb, (status, _, _) in answers[0].items():
            action = route.actions.get(verb.lower())
            is_open = getattr(route.view, "permits", {}).get(action) == (None, None)
            if status not in ({200} if is_open else {403, 405}):
                wrong.append(f"{verb} {route.path} answers {status}")
            if action and not is_open and status != 403:
                wrong.append(f"{verb} {route.path} is not refused but {status}")
    after = inhabited.contents()
    audited = AuditEntry.objects.exclude(organization_id=ours.organization_id)
    key.delete()
    by.delete()

    assert not wrong
    # Refusals are audited, as the caller's and with the caller's organization; that is all.
    assert {**after, AUDIT: None} == {**before, AUDIT: None}
    assert not audited.filter(principal_id=by.pk).exists()


def test_ids_of_their_rows_in_an_address_are_ids_nobody_has(two):
    ours, theirs = two

    wrong = []
    for route in routes():
        for foreign in subsets(route.id_parameters):
            own = {n: some_id(ours, model_of(route, n)) for n in route.id_parameters}
            hit = {n: some_id(theirs, model_of(route, n)) for n in foreign}
            for verb in VERBS:
                to_theirs = ours.api.call(verb, route.at(**{**own, **hit}))
                nobodys = dict.fromkeys(foreign, UNKNOWN)
                to_nobody = ours.api.call(verb, route.at(**{**own, **nobodys}))
                allowed = verb.lower() in route.actions
                if to_theirs.status != (404 if allowed else 405) and verb not in {"HEAD"}:
                    wrong.append(f"{verb} {route.path} answers {to_theirs}")
                if said(to_theirs) != said(to_nobody):
                    wrong.append(f"{verb} {route.path} tells theirs from nobody's")

    assert not wrong


def subsets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield every choice of at least one of the names."""
    for size in range(1, len(names) + 1):
        yield from itertools.combinations(names, size)


def theirs_ids(place: Inhabited) -> set[str]:
    """Return the id of every row of an organization, and its own."""
    found = {str(place.organization_id)}
    for model in apps.get_models():
        if model._meta.app_label in inhabited.OUR_APPS and issubclass_of_tenant(model):
            found.update(identity for identity in place.ids(model) if ids.parse(identity))
    return found


def id_places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where ids stand in a body."""
    if isinstance(body, dict):
        for key, value in body.items():
            yield from id_places(value, (*path, key))
    elif isinstance(body, list):
        for position, value in enumerate(body):
            yield from id_places(value, (*path, position))
    elif isinstance(body, str) and ids.parse(body):
        yield path


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return the body with another value at one place."""
    if not path:
        return value
    changed = body.copy()
    changed[path[0]] = replaced(body[path[0]], path[1:], value)
    return changed


def test_their_rows_cannot_be_referred_to_in_a_body_that_is_right_otherwise(two):
    ours, theirs = two
    there = {row["id"]: path for path, row in ours.made.items()}

    wrong, tried = [], 0
    for path, build in bodies.CREATED:
        body = build(ours.made)
        for place in id_places(body):
            value = body
            for step in place:
                value = value[step]
            kind = there[value]
            for address, verb in ((path, "POST"), (f"{path}/{ours.made[path]['id']}", "PUT")):
                if answers_405(ours, verb, address):
                    continue
                sent = {**body, "version": ours.made[path]["version"]}
                one = ours.api.call(verb, address, replaced(sent, place, theirs.made[kind]["id"]))
                none = ours.api.call(verb, address, replaced(sent, place, UNKNOWN))
                fields = {error["field"] for error in one.json.get("errors", [])}
                tried += 1
                named = any(field.startswith(str(place[0])) for field in fields)
                if one.status != 400 or not named or said(one) != said(none):
                    wrong.append((verb, path, place, one, none))

    assert tried > 20
    assert not wrong


def answers_405(place: Inhabited, verb: str, address: str) -> bool:
    """Return whether an address does not know a verb."""
    return place.api.call(verb, address, b"no JSON").status == 405


def test_any_id_field_of_any_request_takes_theirs_for_nobodys(two):
    ours, theirs = two
    kinds = {
        route.model
        for route in routes()
        if route.model is not None and ids.parse(some_id(theirs, route.model))
    }

    wrong, tried = [], 0
    for verb, route, operation in documents.our_operations():
        path = next(addresses(route, ours))
        for place in documents.id_fields(operation.request):
            named = {kind for kind in kinds if kind._meta.model_name in "".join(place).lower()}
            for kind in sorted(named or kinds, key=str):
                identity = some_id(theirs, kind)
                one = ours.api.call(verb, path, documents.nest(place, identity))
                none = ours.api.call(verb, path, documents.nest(place, UNKNOWN))
                tried += 1
                if one.status not in {400, 404, 409} or said(one) != said(none):
                    wrong.append((verb, route.path, place, one, none))

    assert tried > 40
    assert not wrong


def one_of_each_kind(place: Inhabited) -> list[str]:
    """Return the id of one row of every kind."""
    kinds = {route.model for route in routes() if route.model is not None}
    return sorted(found for model in kinds if ids.parse(found := some_id(place, model)))


def test_no_filter_finds_their_rows(two):
    ours, theirs = two
    identities = one_of_each_kind(theirs)
    codes = sorted(row["code"] for row in theirs.made.values() if row.get("code"))
    forbidden = [identity.encode() for identity in theirs_ids(theirs)]

    wrong, tried = [], 0
    for verb, route, operation in documents.our_operations():
        path = next(addresses(route, ours))
        for name, schema in operation.query.items() if verb == "GET" else ():
            if schema.get("type") not in {"string", "array"} or "enum" in schema:
                continue
            is_many = schema["type"] == "array"
            values = [",".join(identities), ",".join(codes)] if is_many else [*identities, codes[0]]
            to_nobody = said(ours.api.get(path, **{name: UNKNOWN}))
            for value in values:
                answer = ours.api.get(path, **{name: value})
                tried += 1
                if answer.status not in {200, 400, 404}:
                    wrong.append((route.path, name, answer))
                if ids.parse(value[:36]) and said(answer) != to_nobody:
                    wrong.append((route.path, name, answer, to_nobody))
                elif answer.status == 200 and any(one in answer.raw for one in forbidden):
                    wrong.append((route.path, name, "shows theirs", answer))

    assert tried > 100
    assert not wrong


def test_nothing_that_is_read_shows_theirs(two):
    ours, theirs = two
    own = str(ours.founded.service_user.pk)
    questions = {
        "permissionpolicies/decision": {
            "principalId": own, "action": "config:retrieve", "resource": "config:plan",
        },
        "integrationruns/{entityType}/latest": {"ids": UNKNOWN},
    }  # fmt: skip
    forbidden = [identity.encode() for identity in theirs_ids(theirs)]

    read = {
        (route.path, path): ours.api.get(
            path, **questions.get(route.path, {}), **ours.needed(route.path)
        )
        for route in routes()
        if "get" in route.actions
        for path in [next(addresses(route, ours))]
    }

    unlike = {shape: answer.status for (shape, _), answer in read.items() if answer.status != 200}
    assert unlike == NOTHING_THERE
    for path, answer in read.items():
        assert not any(identity in answer.raw for identity in forbidden), path


def test_a_page_token_of_theirs_is_none_of_ours(two):
    ours, theirs = two

    tried = 0
    for route in routes():
        if "list" not in route.actions.values() or route.id_parameters:
            continue
        token = theirs.api.get(route.at(), pageSize=1, **theirs.needed(route.path)).json[
            "nextToken"
        ]
        if token:
            tried += 1
            answer = ours.api.get(
                route.at(), pageSize=1, nextToken=token, **ours.needed(route.path)
            )
            assert (answer.status, answer.json["errors"][0]["field"]) == (400, "nextToken")

    assert tried >= 2


def test_the_log_of_their_failed_usage_is_not_ours_to_read(two):
    ours, theirs = two
    failure = IngestFailure.objects.filter(organization_id=theirs.organization_id).first()
    path = "measurements/failedIngest/getDownloadUrl"

    answers = {
        said(ours.api.get(path, file=str(file))) for file in (failure.pk, failure.event_id, UNKNOWN)
    }

    assert [status for status, _, _ in answers] == [404]
    assert theirs.api.get(path, file=str(failure.pk)).status == 200
