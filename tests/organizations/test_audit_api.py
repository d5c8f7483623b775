"""The audit trail over the API, and the entries of calls that were denied (A9.7, C14)."""

from datetime import timedelta

import pytest

from organizations import grants
from organizations.kernel import clock
from organizations.models import AuditEntry, PermissionPolicy, PolicyAttachment
from tests.factories import make_founded
from tests.organizations.people_made import make_member, make_policy

pytestmark = pytest.mark.django_db


def make_product(api, name="Inference"):
    """Make a product over the API and return its answer."""
    return api.post("products", {"name": name, "code": name.lower()}).json


def found(api, **filters):
    """Return action and resource of the entries found, newest first."""
    answer = api.get("audit", **filters)
    assert answer.status == 200, answer
    return [(entry["action"], entry["resource"]) for entry in answer.json["data"]]


def test_a_change_is_found_with_who_what_and_difference(api, founded):
    product = make_product(api)
    api.put(f"products/{product['id']}", {"name": "Images", "code": "inference", "version": 1})

    entries = api.get("audit", entityId=product["id"]).json["data"]

    changed = entries[0]
    assert [entry["action"] for entry in entries] == ["updated", "created"]
    assert changed["difference"]["name"] == ["Inference", "Images"]
    assert changed["difference"]["version"] == [1, 2]
    assert {key: changed[key] for key in changed.keys() - {"id", "time", "difference"}} == {
        "principalId": str(founded.service_user.pk),
        "principalType": "SERVICE_USER",
        "accessKeyId": founded.access_key_id,
        "sourceAddress": "127.0.0.1",
        "requestId": changed["requestId"],
        "action": "updated",
        "resource": "config:product",
        "entityId": product["id"],
        "outcome": "ALLOWED",
    }
    assert len(changed["requestId"]) == 32


def test_filters_narrow_it(api, founded):
    product = make_product(api)
    now = clock.now()

    assert found(api, resource="config:product") == [("created", "config:product")]
    assert found(api, entityId=product["id"], action="deleted") == []
    assert found(api, accessKeyId=founded.access_key_id) == [("created", "config:product")]
    assert found(api, principalId=str(founded.service_user.pk), outcome="DENIED") == []
    assert found(api, endTime=(now - timedelta(hours=1)).isoformat()) == []
    recent = found(api, startTime=(now - timedelta(hours=1)).isoformat())
    assert recent[0] == ("created", "config:product")
    assert [api.get("audit", **wrong).status for wrong in (
        {"entityId": "x"}, {"outcome": "MAYBE"}, {"startTime": "soon"}, {"pageSize": 101},
    )] == [400, 400, 400, 400]  # fmt: skip


def test_pages_follow_each_other_while_entries_are_added(api):
    for name in ("One", "Two", "Three"):
        make_product(api, name)

    first = api.get("audit", pageSize=2).json
    make_product(api, "Four")
    second = api.get("audit", pageSize=2, nextToken=first["nextToken"]).json

    read = [entry["difference"]["name"][1] for entry in [*first["data"], second["data"][0]]]
    assert read == ["Three", "Two", "One"]


def test_entries_of_another_organization_are_not_there(api):
    theirs = make_founded()

    assert AuditEntry.objects.filter(organization=theirs.organization).exists()
    assert found(api, entityId=str(theirs.service_user.pk)) == []


def test_only_retrieve_on_audit_opens_it(api, founded, organization):
    policy = make_policy(organization)
    PolicyAttachment.objects.filter(principal_id=founded.service_user.pk).update(policy=policy)
    grants.rederive(organization.pk)
    assert api.get("audit").status == 403

    statement = {"effect": "allow", "action": ["audit:retrieve"], "resource": ["audit:entry"]}
    PermissionPolicy.objects.filter(pk=policy.pk).update(statements=[statement])
    grants.rederive(organization.pk)

    assert api.get("audit").status == 200


def test_a_denied_call_is_audited_with_what_was_tried(api, founded, organization):
    member = make_member(organization)
    policy = make_policy(organization)
    PolicyAttachment.objects.filter(principal_id=founded.service_user.pk).update(policy=policy)
    grants.rederive(organization.pk)
    before = AuditEntry.objects.count()

    answers = [
        api.put(f"users/{member.user_id}", {"version": 1}),
        api.post("products", {"name": "Inference", "code": "inference"}),
        api.get("audit"),
    ]

    assert [answer.status for answer in answers] == [403, 403, 403]
    entries = AuditEntry.objects.order_by("-id")[:3][::-1]
    assert AuditEntry.objects.count() == before + 3
    assert [
        (one.action, one.resource, one.entity_id, one.is_allowed, one.difference) for one in entries
    ] == [
        ("config:update", "config:orgUser", member.user_id, False, {}),
        ("config:create", "config:product", None, False, {}),
        ("audit:retrieve", "audit:entry", None, False, {}),
    ]
    assert {str(one.access_key_id) for one in entries} == {founded.access_key_id}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_no_verb_changes_the_trail(api, method):
    before = AuditEntry.objects.count()

    assert api.call(method, "audit", {}).status == 405
    assert AuditEntry.objects.count() == before
