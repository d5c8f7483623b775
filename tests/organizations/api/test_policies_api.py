"""Permission policies over the API: kept as written, attached, detached, managed ones fixed."""

import pytest

from organizations import tokens
from organizations.kernel import ids
from organizations.models import PermissionPolicy, PolicyAttachment, ServiceUser
from tests.catalog.test_catalogue_api import refused
from tests.clients import ApiClient
from tests.factories import make_founded, number

READ_PRODUCTS = {"effect": "ALLOW", "action": ["CONFIG_RETRIEVE"], "resource": ["config:product"]}


def policy(api, *statements, **more):
    """Make a policy over the API."""
    body = {"name": f"Policy {number()}", "permissionPolicy": list(statements) or [READ_PRODUCTS]}
    answer = api.post("permissionpolicies", {**body, **more})
    assert answer.status == 200, answer
    return answer.json


def stranger(founded):
    """Return a client of a service user without policies, and the service user."""
    row = ServiceUser.objects.create(organization=founded.organization, name="Robot")
    key, _ = tokens.make_key(row, created_by=row.pk)
    return ApiClient(founded, tokens.token_for(key)), row


def test_a_policy_is_made_read_replaced_listed_and_deleted(api):
    made = policy(api, name="Readers")
    body = {"name": "Writers", "version": 1, "permissionPolicy": [
        {"effect": "deny", "action": ["config:*", "ALL"], "resource": ["config:Meter/item/1", "*"]}
    ]}  # fmt: skip

    changed = api.put(f"permissionpolicies/{made['id']}", body).json

    assert (made["name"], made["version"], made["managedPolicy"]) == ("Readers", 1, False)
    assert made["permissionPolicy"] == [READ_PRODUCTS]
    assert (changed["name"], changed["version"]) == ("Writers", 2)
    assert changed["permissionPolicy"] == body["permissionPolicy"]
    assert api.get(f"permissionpolicies/{made['id']}").json == changed
    assert changed in api.get("permissionpolicies").json["data"]
    assert api.put(f"permissionpolicies/{made['id']}", body).status == 409
    assert api.delete(f"permissionpolicies/{made['id']}").json == changed
    assert api.get(f"permissionpolicies/{made['id']}").status == 404
    assert api.delete(f"permissionpolicies/{made['id']}").status == 404


def test_every_organization_begins_with_four_policies_two_of_them_managed(api):
    rows = api.get("permissionpolicies").json["data"]

    assert {(row["name"], row["managedPolicy"]) for row in rows} == {
        ("Administrator", True), ("ReadOnly", True),
        ("Billing operations", False), ("Ingest only", False),
    }  # fmt: skip


@pytest.mark.parametrize(("body", "field"), [
    ({}, "name"),
    ({"name": "", "permissionPolicy": [READ_PRODUCTS]}, "name"),
    ({"name": "x" * 101, "permissionPolicy": [READ_PRODUCTS]}, "name"),
    ({"name": "x"}, "permissionPolicy"),
    ({"name": "x", "permissionPolicy": []}, "permissionPolicy"),
    ({"name": "x", "permissionPolicy": "ALL"}, "permissionPolicy"),
    ({"name": "x", "permissionPolicy": [{}]}, "permissionPolicy[0].effect"),
    ({"name": "x", "permissionPolicy": [[]]}, "permissionPolicy[0]"),
    ({"name": "x", "permissionPolicy": [{**READ_PRODUCTS, "action": []}]},
     "permissionPolicy[0].action"),
    ({"name": "x", "permissionPolicy": [READ_PRODUCTS, {**READ_PRODUCTS, "action": ["fly"]}]},
     "permissionPolicy[1].action[0]"),
    ({"name": "x", "permissionPolicy": [{**READ_PRODUCTS, "resource": ["config:met*"]}]},
     "permissionPolicy[0].resource[0]"),
    ({"name": "x", "permissionPolicy": [{**READ_PRODUCTS, "resource": ["config:meter/item/\x00"]}]},
     "permissionPolicy[0].resource[0]"),
])  # fmt: skip
def test_what_cannot_be_understood_is_refused_and_nothing_is_stored(api, body, field):
    before = PermissionPolicy.objects.count()

    refused(api.post("permissionpolicies", body), field)

    assert PermissionPolicy.objects.count() == before


def test_a_name_is_taken_whatever_its_case(api):
    policy(api, name="Readers")

    refused(
        api.post("permissionpolicies", {"name": "rEADERS", "permissionPolicy": [READ_PRODUCTS]}),
        "name",
    )


def test_managed_policies_can_be_neither_changed_nor_deleted(api):
    row = PermissionPolicy.objects.get(organization=api.organization, name="Administrator")
    body = {"name": "Mine", "version": 1, "permissionPolicy": [READ_PRODUCTS]}

    changed = api.put(f"permissionpolicies/{row.pk}", body)
    deleted = api.delete(f"permissionpolicies/{row.pk}")

    assert (changed.status, deleted.status) == (403, 403)
    row.refresh_from_db()
    assert (row.name, row.version) == ("Administrator", 1)


def principals(founded):
    """Return the word of the address, the kind, and the id of a principal of each kind."""
    return [
        ("user", "USER", str(founded.admin.pk)),
        ("serviceuser", "SERVICEUSER", str(founded.service_user.pk)),
        ("supportusers", "SUPPORTUSERS", str(founded.organization.pk)),
    ]


def test_attaching_twice_is_attaching_once_and_detaching_answers_the_removed_row(founded, api):
    made = policy(api)
    address = f"permissionpolicies/{made['id']}"
    for word, kind, principal in principals(founded):
        body = {} if kind == "SUPPORTUSERS" else {"principalId": principal}

        first = api.post(f"{address}/addto{word}", body)
        second = api.post(f"{address}/addto{word}", body)
        removed = api.post(f"{address}/removefrom{word}", body or None)
        again = api.post(f"{address}/removefrom{word}", body)

        assert (first.status, second.status, removed.status) == (200, 200, 200), word
        assert first.json["permissionPolicyId"] == made["id"]
        assert (first.json["principalId"], first.json["principalType"]) == (principal, kind)
        assert first.json == second.json == removed.json
        assert again.status == 404


def test_support_users_are_detached_without_any_body(api):
    made = policy(api)
    api.post(f"permissionpolicies/{made['id']}/addtosupportusers", {})

    answer = api.call("POST", f"permissionpolicies/{made['id']}/removefromsupportusers", b"")

    assert answer.status == 200


def test_a_principal_of_another_kind_or_organization_is_not_found(founded, api):
    made = policy(api)
    other = make_founded()
    address = f"permissionpolicies/{made['id']}"
    for word, wrong in (
        ("user", founded.service_user.pk), ("user", other.admin.pk), ("user", "nonsense"),
        ("serviceuser", founded.admin.pk), ("serviceuser", other.service_user.pk),
        ("usergroup", founded.admin.pk), ("usergroup", ids.new_id()),
    ):  # fmt: skip
        assert api.post(f"{address}/addto{word}", {"principalId": str(wrong)}).status == 404
    refused(api.post(f"{address}/addtouser", {}), "principalId")
    refused(api.post(f"{address}/addtouser", {"principalId": ""}), "principalId")
    refused(api.post(f"{address}/addtouser", {"principalId": 7}), "principalId")
    assert api.post(f"permissionpolicies/{ids.new_id()}/addtouser", {}).status == 404
    assert not PolicyAttachment.objects.filter(policy_id=made["id"]).exists()


def test_deleting_a_policy_detaches_it(founded, api):
    made = policy(api)
    robot, row = stranger(founded)
    api.post(f"permissionpolicies/{made['id']}/addtoserviceuser", {"principalId": str(row.pk)})
    assert robot.get("products").status == 200

    api.delete(f"permissionpolicies/{made['id']}")

    assert robot.get("products").status == 403
    assert not PolicyAttachment.objects.filter(policy_id=made["id"]).exists()


def test_a_policy_counts_from_the_next_request_on(founded, api):
    robot, row = stranger(founded)
    made = policy(api)
    address = f"permissionpolicies/{made['id']}"
    statuses = [robot.get("products").status]

    api.post(f"{address}/addtoserviceuser", {"principalId": str(row.pk)})
    statuses.append(robot.get("products").status)
    api.put(address, {**made, "permissionPolicy": [{**READ_PRODUCTS, "effect": "deny"}]})
    statuses.append(robot.get("products").status)

    assert statuses == [403, 200, 403]


def test_attaching_needs_the_policy_and_the_kind_of_principal(founded, api):
    made = policy(api)
    robot, row = stranger(founded)
    powers = policy(api, {
        "effect": "ALLOW", "action": ["config:update"], "resource": ["config:permissionPolicy"],
    })  # fmt: skip
    api.post(f"permissionpolicies/{powers['id']}/addtoserviceuser", {"principalId": str(row.pk)})
    body = {"principalId": str(founded.service_user.pk)}

    without = robot.post(f"permissionpolicies/{made['id']}/addtoserviceuser", body)
    statements = [*powers["permissionPolicy"], {
        "effect": "allow", "action": ["config:update"], "resource": ["config:serviceUser"],
    }]  # fmt: skip
    api.put(f"permissionpolicies/{powers['id']}", {**powers, "permissionPolicy": statements})
    with_both = robot.post(f"permissionpolicies/{made['id']}/addtoserviceuser", body)

    assert (without.status, with_both.status) == (403, 200)


def test_the_last_administrator_keeps_the_policy(founded, api):
    policy_id = PermissionPolicy.objects.get(
        organization=founded.organization, name="Administrator"
    ).pk
    address = f"permissionpolicies/{policy_id}"

    person = api.post(f"{address}/removefromuser", {"principalId": str(founded.admin.pk)})
    last = api.post(
        f"{address}/removefromserviceuser", {"principalId": str(founded.service_user.pk)}
    )

    assert (person.status, last.status) == (200, 400)
    assert PolicyAttachment.objects.filter(policy_id=policy_id).count() == 1
