"""Whatever we serve of the public contract is served as it says: fields, bounds, manners."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests import sampling
from tests.clients import ApiAnswer
from tests.contract import bodies, documents, hostile, inhabited, limits, published
from tests.contract.inhabited import Inhabited
from tests.contract.routes import Route, model_of, routes

pytestmark = pytest.mark.django_db

LATER = re.compile("not (available|supported) yet")
AUDIT = {"dtLastModified", "lastModifiedBy", "version"}
# What the contract's bounds allow and a rule of the specification refuses, by field.
ALSO_RULED: dict[str, str] = {
    "standingChargeOffset": "billing.md 2.2",
    "scheduledBillOffset": "A1.7: only with an interval of 24 hours",
    "currency": "A1.7: one of the organization's",
    "targetField": "usage.md 9.1: a field of the meter",
    "aggregation": "usage.md 9.3: fits the kind of field",
    "billFrequency": "billing.md 2.2: MIXED exists only on bills",
    "aggregationId": "B6.1: an id",
    "calculation": "usage.md 7: readable, of names that are there",
    "counterId": "B6.1: an id",
    "accountId": "B6.1: an id",
    "planId": "B6.1: an id",
    "planGroupId": "B6.1: an id",
    "url": "webhooks: https only",
    "type": "webhooks: M3TER_SIGNED_REQUEST is the only one",
    "destination": "webhooks: WEBHOOK",
    "archived": "A1.6",
    "email": "A2.2: an e-mail address",
    "targetCurrency": "billing.md JOB-4: one of the organization's",
    "billingFrequency": "billing.md JOB-4: AD_HOC is of charges",
    "dimensionCode": "billing.md CON-5: a field of a meter",
    "billingPlanId": "B6.1: an id",
    "lineItemType": "billing.md CHG-6: fits the entity type",
    "meterId": "B6.1: an id",
    "fieldCode": "usage.md 13.1: a field of the meter",
    "fieldType": "usage.md 13.1: fits the field",
    "function": "usage.md 13.1: fits the kind of field",
}
# The same, by address where the field's name is usual elsewhere.
ALSO_RULED_AT = {
    "scheduledevents/configurations": {
        "name": "integrations_and_notifications.md B6: begins with scheduled.",
        "entity": "B6: one with dates",
        "field": "B6: a date of the entity",
    },
    "notifications/configurations": {"eventName": "B7: one of the catalogue's"},
    "externalmappings": {"m3terId": "A8: one of the entity's rows"},
}
# Fields whose feature is to come: an empty value of any kind means that it is not used.
TO_COME = {"defaultStatementDefinitionId", "autoGenerateStatementMode"}
# Both spellings are taken (A5.9).
EITHER_CASE = {"effect", "action"}
# Pages where the contract shows one row (A2.5), and statements in the caller's spelling (A5.9).
# Configurations are answered where the contract shows runs, and option values as a list (A3).
OTHER_SHAPES = re.compile(
    r"users/\{id\}/(permissions|usergroups)$"
    r"|integrationconfigs/(entity/|values/|\{id\}$)"
)
# One marketplace is not among the contract's systems (A10).
OWN_SPELLING = re.compile(
    r"permissionPolicy\.\d+\.(action|effect)|statement|apiName: 'AZURE' is not one of"
)


@pytest.fixture(scope="module")
def place(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Inhabited]:
    """An organization with rows of every kind."""
    with inhabited.shared_database(django_db_blocker):
        yield inhabited.settle()


def some_id(place: Inhabited, route: Route, name: str) -> str:
    """Return the id of a row of the organization for a parameter of an address."""
    return next(iter(place.ids(model_of(route, name))), "none")


def field_errors(answer: ApiAnswer) -> dict[str, str]:
    """Return the refused fields of an answer with what was said; positions are ``[]``."""
    errors = answer.json.get("errors", []) if isinstance(answer.json, dict) else []
    return {re.sub(r"\[\d+\]", ".[]", error["field"]): error["message"] for error in errors}


def test_every_operation_takes_and_answers_the_fields_of_the_contract():
    missing, compared = [], 0
    for verb, path, want, have in published.served():
        compared += 1
        answered = published.names(have.document, have.response)
        # Two answers are pages where the contract shows one row (A2.5).
        answered |= {name.removeprefix("data.[].") for name in answered}
        for kind, wanted, there in (
            ("query", set(want.query), set(have.query)),
            ("request", published.names(want.document, want.request),
             published.names(have.document, have.request)),
            ("response", published.names(want.document, want.response), answered),
        ):  # fmt: skip
            if lacking := sorted(wanted - there):
                missing.append(f"{verb} {path}: {kind} lacks {', '.join(lacking)}")

    assert compared >= 75
    assert not missing, "\n".join(missing)


def test_what_is_read_has_the_shape_of_the_contract(place):
    wrong, compared = [], 0
    for verb, path, want, _ in published.served():
        if verb != "GET" or OTHER_SHAPES.search(path):
            continue
        route = next(route for route in routes() if route.path == path)
        address = route.at(**{name: some_id(place, route, name) for name in route.id_parameters})
        answer = place.api.get(address)
        if answer.status == 200:
            compared += 1
            wrong += [
                f"{path}: {about}"
                for about in published.deviations(want, answer.json)
                if not OWN_SPELLING.search(about)
            ]

    assert compared >= 25
    assert not wrong, "\n".join(wrong)


def test_what_is_made_and_deleted_is_answered_in_the_shape_of_the_contract(place):
    wrong = []
    for path, build in bodies.CREATED:
        sent = bodies.another(build, place.made)
        made = place.api.post(path, sent)
        assert made.status == 200, (path, made)
        item = f"{path}/{made.json['id']}"
        if published.operation("PUT", item) is None:
            continue  # an address of our own, or one whose rows are not changed
        put = place.api.put(item, {**sent, "version": 1})
        gone = place.api.delete(item)
        for answer, verb in ((made, "POST"), (put, "PUT"), (gone, "DELETE")):
            want = published.operation(verb, path if verb == "POST" else item)
            found = published.deviations(want, answer.json) if want else []
            wrong += [f"{verb} {path}: {it}" for it in found if not OWN_SPELLING.search(it)]
        if put.json != gone.json or place.api.get(item).status != 404:
            wrong.append(f"DELETE {path} does not answer what was there")

    assert not wrong, "\n".join(wrong)


def writes(place: Inhabited) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Yield verb, address, a right body and the contract's schema of it."""
    config = place.api.get("organizationconfig").json
    right = {
        ("PUT", "organizationconfig"): config,
        ("PUT", "billconfig"): place.api.get("billconfig").json,
        ("POST", "billjobs"): bodies.bill_run(place.made),
        **{("POST", path): bodies.another(build, place.made) for path, build in bodies.CREATED},
    }
    for (verb, path), body in right.items():
        operation = published.operation(verb, path)
        if operation is not None:
            contract = published.contract()
            yield verb, path, body, documents.resolved(contract, operation.request)


def bounded(schema: dict[str, Any], body: Any, path: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yield path, schema and whether required of each field that the body has, lists at 0."""
    contract = published.contract()
    schema = documents.resolved(contract, schema)
    for name, one in schema.get("properties", {}).items():
        if isinstance(body, dict) and name in body:
            one = documents.resolved(contract, one)
            yield (*path, name), one, name in schema.get("required", ())
            yield from bounded(one, body[name], (*path, name))
    if "items" in schema and isinstance(body, list) and body:
        yield from bounded(schema["items"], body[0], (*path, 0))


def is_ruled(path: str, field: Any) -> bool:
    """Return whether a rule of the specification says more of a field than its bounds."""
    there = (rules for place, rules in ALSO_RULED_AT.items() if path.startswith(place))
    return field in ALSO_RULED or any(field in rules for rules in there)


def dotted(path: tuple[Any, ...]) -> str:
    """Return a path as errors name it, positions as ``[]``."""
    return ".".join("[]" if isinstance(step, int) else step for step in path)


def test_a_value_just_outside_of_a_bound_is_refused_at_its_field(place):
    wrong, tried = [], 0
    for verb, path, body, schema in writes(place):
        for where, one, required in sampling.some(bounded(schema, body), verb, path):
            value = hostile.value_at(body, where)
            for bad in limits.outside(one, value, required=required):
                if where[-1] in EITHER_CASE and str(bad).islower():
                    continue
                with inhabited.undone():
                    answer = place.api.call(verb, path, hostile.replaced(body, where, bad))
                tried += 1
                named = any(name.startswith(dotted(where)) for name in field_errors(answer))
                if where[0] in {"version", "id"} or (where[-1] in TO_COME and not bad):
                    continue
                if answer.status != 400 or not named:
                    wrong.append(f"{verb} {path} {dotted(where)} = {bad!r:.60}: {answer}")

    assert tried > 30
    assert not wrong, "\n".join(wrong)


def test_a_value_at_a_bound_is_not_refused_for_it(place):
    wrong, tried = [], 0
    for verb, path, body, schema in writes(place):
        for where, one, _ in sampling.some(bounded(schema, body), path, verb):
            for good in limits.inside(one, hostile.value_at(body, where)):
                with inhabited.undone():
                    answer = place.api.call(verb, path, hostile.replaced(body, where, good))
                tried += 1
                said = field_errors(answer).get(dotted(where), "")
                if said and not LATER.search(said) and not is_ruled(path, where[-1]):
                    wrong.append(f"{verb} {path} {dotted(where)} = {good!r:.60}: {said}")

    assert tried > 30
    assert not wrong, "\n".join(wrong)


def test_a_required_field_left_out_is_named(place):
    wrong, tried = [], 0
    for verb, path, body, schema in writes(place):
        for where, _, required in bounded(schema, body):
            if not required:
                continue
            *above, name = where
            holder = {k: v for k, v in hostile.value_at(body, tuple(above)).items() if k != name}
            with inhabited.undone():
                answer = place.api.call(verb, path, hostile.replaced(body, tuple(above), holder))
            tried += 1
            if answer.status != 400 or dotted(where) not in field_errors(answer):
                wrong.append(f"{verb} {path} without {dotted(where)}: {answer}")

    assert tried > 30
    assert not wrong, "\n".join(wrong)


def least(path: str, body: dict[str, Any], place: Inhabited) -> dict[str, Any]:
    """Return the fields of a body without which it is refused."""
    needed = dict(body)
    for name in body:
        fewer = {key: value for key, value in needed.items() if key != name}
        with inhabited.undone():
            if place.api.post(path, fewer).status == 200:
                needed = fewer
    return needed


def compared(row: dict[str, Any]) -> dict[str, Any]:
    """Return what two rows made of one body have in common."""
    # A default expiry counts from the moment of sending.
    own = {"id", "dtCreated", "createdBy", "code", "dtExpiry", *AUDIT}
    row = {key: value for key, value in row.items() if key not in own}
    if "pricingBands" in row:
        row["pricingBands"] = [{**band, "id": None} for band in row["pricingBands"]]
    if "credentials" in row:
        row["credentials"] = compared(row["credentials"])
        row["credentials"].pop("destinationId")
    return row


@pytest.mark.parametrize("path", [path for path, _ in bodies.CREATED])
def test_the_manners_of_writing(place, path):
    build = dict(bodies.CREATED)[path]
    full = bodies.another(build, place.made)
    few = least(path, full, place)
    with inhabited.undone():
        fresh = place.api.post(path, few).json
    with inhabited.undone():
        nulls = place.api.post(path, {**dict.fromkeys(full), **few}).json
    ours = {
        "id": "00000000-0000-4000-8000-000000000000", "version": 9, "dtCreated": "2001-01-01",
        "dtLastModified": 7, "createdBy": [], "lastModifiedBy": {}, "nobodyKnows": {"a": [1]},
    }  # fmt: skip
    made = place.api.post(path, {**full, **ours}, nobodyKnows="x")
    item = f"{path}/{made.json['id']}"
    assert made.json["id"] != ours["id"] and made.json["version"] == 1
    assert not made.json["dtCreated"].startswith("2001") and "nobodyKnows" not in made.json
    # Null is like absent (B6.8); what is the server's or unknown is ignored (B1.8, B6.6).
    assert compared(nulls) == compared(fresh)
    if place.api.put(item).status == 405:
        return  # such rows are not changed
    echoed = place.api.put(item, made.json).json
    replaced = place.api.put(item, {**few, "version": 2}, nobodyKnows="x").json

    # An unchanged PUT changes nothing but the version (B7.5, B11.11); a smaller one resets (B7.4).
    assert compared(echoed) == compared(made.json)
    assert (echoed["id"], echoed.get("code")) == (made.json["id"], made.json.get("code"))
    assert echoed["version"] == 2 and replaced["version"] == 3
    assert place.api.get(item).json == replaced
    unlike = {key for key in fresh if compared(fresh).get(key) != compared(replaced).get(key)}
    assert unlike <= {"startDate", "endDate"}


@pytest.mark.parametrize("path", [
    route.path for route in routes() if "list" in route.actions.values() and not route.parameters
])  # fmt: skip
def test_the_manners_of_lists(place, path):
    operations = {route.path: (route, have) for verb, route, have in documents.our_operations()
                  if verb == "GET"}  # fmt: skip
    _, have = operations[path]
    largest = have.query["pageSize"]["maximum"]
    needed = place.needed(path)
    everything = place.api.get(path, **needed).json
    rows = everything["data"]

    assert place.api.get(path, **needed, pageSize=largest).status == 200
    for size in (0, largest + 1, -1, "x"):
        answer = place.api.get(path, **needed, pageSize=size)
        assert (answer.status, list(field_errors(answer))) == (400, ["pageSize"])
    assert set(everything) == {"data", "nextToken"}
    assert place.api.get(path, **needed, nobodyKnows="x").json["data"] == rows
    assert place.api.get(path + "/", **needed).json["data"] == rows
    created = [row["dtCreated"] for row in rows if row.get("dtCreated")]
    assert created == sorted(created, reverse=True)
    for name, schema in have.query.items():
        empty = place.api.get(path, **{**needed, name: ""}).status
        assert empty == (400 if name in needed else 200), name
        if schema.get("type") == "boolean":
            assert place.api.get(path, **{**needed, name: "TRUE"}).status == 200
            assert place.api.get(path, **{name: "yes"}).status == 400
        if "enum" in schema:
            assert place.api.get(path, **{name: schema["enum"][0].lower() + "x"}).status == 400
    if rows and "ids" in have.query:
        found = place.api.get(path, ids=rows[-1]["id"]).json["data"]
        assert [row["id"] for row in found] == [rows[-1]["id"]]
    if rows and rows[0].get("code") and "codes" in have.query:
        code = rows[0]["code"]
        assert [row["code"] for row in place.api.get(path, codes=code).json["data"]] == [code]
        assert place.api.get(path, codes=code.swapcase()).json["data"] == []


def test_page_sizes_are_those_of_the_contract():
    wrong = [
        f"{path}: {have.query['pageSize']['maximum']} instead of {wanted['maximum']}"
        for verb, path, want, have in published.served()
        if (wanted := want.query.get("pageSize")) and "maximum" in wanted
        if have.query.get("pageSize", {}).get("maximum") != wanted["maximum"]
    ]

    assert not wrong
