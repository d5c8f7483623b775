"""Resource groups over the API: contents, nesting, circles, versions, and what deleting does."""

import itertools

import pytest

from organizations import resource_groups
from organizations.kernel import ids
from organizations.models import ResourceGroupItem
from tests.catalog.test_catalogue_api import refused
from tests.factories import make_account, make_founded, make_product


def group(api, kind="product", name="Group"):
    """Make a group over the API."""
    answer = api.post(f"resourcegroups/{kind}", {"name": name})
    assert answer.status == 200, answer
    return answer.json


def put_in(api, into, target, kind="product", of="ITEM", **more):
    """Put a row or group into a group."""
    body = {"targetId": str(target), "targetType": of, **more}
    return api.post(f"resourcegroups/{kind}/{into['id']}/addresource", body)


def take_out(api, from_, target, kind="product", of="ITEM"):
    """Take a row or group out of a group."""
    body = {"targetId": str(target), "targetType": of}
    return api.post(f"resourcegroups/{kind}/{from_['id']}/removeresource", body)


def contents(api, of, kind="product", **query):
    """Return what is in a group itself."""
    return api.post(f"resourcegroups/{kind}/{of['id']}/contents", None, **query).json["data"]


def test_a_group_is_made_read_renamed_listed_and_deleted(api):
    made = group(api)

    changed = api.put(f"resourcegroups/product/{made['id']}", {"name": "New", "version": 1}).json

    assert (made["name"], made["version"], made["createdBy"]) == (
        "Group", 1, str(api.founded.service_user.pk),
    )  # fmt: skip
    assert (changed["name"], changed["version"]) == ("New", 2)
    assert api.get("resourcegroups/product").json["data"] == [changed]
    assert api.get(f"resourcegroups/product/{made['id']}").json == changed
    assert api.delete(f"resourcegroups/product/{made['id']}").json == changed
    assert api.get(f"resourcegroups/product/{made['id']}").status == 404
    refused(api.post("resourcegroups/product", {"name": ""}), "name")
    refused(api.post("resourcegroups/product", {"name": "x" * 101}), "name")


def test_groups_of_one_type_are_not_those_of_another_and_the_type_has_to_exist(api):
    made = group(api, "meter")

    assert api.get("resourcegroups/METER").json["data"] == [made]
    assert api.get("resourcegroups/product").json["data"] == []
    assert api.get(f"resourcegroups/product/{made['id']}").status == 404
    refused(api.get("resourcegroups/nothing"), "type")
    refused(api.post("resourcegroups/nothing", {"name": "x"}), "type")
    people = group(api, "user")
    assert api.get("resourcegroups/orgUser").json["data"] == [people]


def test_adding_twice_adds_once_and_each_change_raises_the_version(api, organization):
    made, product = group(api), make_product(organization)

    first = put_in(api, made, product.pk, of="item", version=1)
    again = put_in(api, made, product.pk)

    assert (first.json["version"], again.json["version"]) == (2, 2)
    (item,) = contents(api, made)
    assert (item["targetId"], item["targetType"], item["version"]) == (str(product.pk), "ITEM", 1)
    assert put_in(api, made, make_product(organization).pk, version=1).status == 409
    assert len(contents(api, made)) == 1
    assert take_out(api, made, product.pk).json["version"] == 3
    assert take_out(api, made, product.pk).status == 404
    assert take_out(api, made, "nonsense").status == 404
    assert contents(api, made) == []


def test_only_rows_of_the_type_and_the_organization_go_in(api, organization, founded):
    made = group(api)
    other = make_founded().organization
    meters = group(api, "meter")

    for target, of in (
        (make_account(organization).pk, "ITEM"), (make_product(other).pk, "ITEM"),
        (ids.new_id(), "ITEM"), ("nonsense", "ITEM"), (meters["id"], "GROUP"),
        (meters["id"], "ITEM"), (make_product(organization).pk, "GROUP"),
    ):  # fmt: skip
        assert put_in(api, made, target, of=of).status == 404, (target, of)
    refused(put_in(api, made, ids.new_id(), of="ROW"), "targetType")
    refused(api.post(f"resourcegroups/product/{made['id']}/addresource", {}), "targetId")
    assert contents(api, made) == []
    assert api.get(f"resourcegroups/product/{made['id']}").json["version"] == 1
    people = group(api, "user")
    assert put_in(api, people, founded.admin.pk, "user").status == 200


def test_contents_come_in_pages(api, organization):
    made = group(api)
    wanted = {str(make_product(organization).pk) for _ in range(3)}
    for product in wanted:
        put_in(api, made, product)
    address = f"resourcegroups/product/{made['id']}/contents"

    first = api.post(address, None, pageSize=2).json
    second = api.post(address, None, pageSize=2, nextToken=first["nextToken"]).json

    assert len(first["data"]) == 2
    assert second["nextToken"] is None
    assert {item["targetId"] for item in first["data"] + second["data"]} == wanted


def test_a_group_can_never_hold_itself(api):
    one, two, three = group(api), group(api), group(api)
    put_in(api, one, two["id"], of="GROUP")
    put_in(api, two, three["id"], of="group")

    for into in (one, two, three):
        refused(put_in(api, three, into["id"], of="GROUP"), "targetId")

    assert contents(api, three) == []
    assert [item["targetType"] for item in contents(api, one)] == ["GROUP"]


def test_groups_nest_ten_deep_and_no_deeper(api):
    chain = [group(api) for _ in range(11)]
    for outer, inner in itertools.pairwise(chain):
        assert put_in(api, outer, inner["id"], of="GROUP").status == 200

    refused(put_in(api, chain[-1], group(api)["id"], of="GROUP"), "targetId")
    refused(put_in(api, group(api), chain[0]["id"], of="GROUP"), "targetId")


def test_what_holds_a_row_is_known_through_every_level(api, organization):
    outer, middle, inner = group(api), group(api), group(api)
    product = make_product(organization)
    put_in(api, outer, middle["id"], of="GROUP")
    put_in(api, middle, inner["id"], of="GROUP")
    put_in(api, inner, product.pk)

    held = resource_groups.above(organization.pk, product.pk)
    direct = resource_groups.holding(organization.pk, product.pk, kind="product")

    assert {str(key): height for key, height in held.items()} == {
        inner["id"]: 1, middle["id"]: 2, outer["id"]: 3,
    }  # fmt: skip
    assert [str(row.pk) for row in direct] == [inner["id"]]


def test_deleting_a_row_takes_it_out_of_its_groups(api, organization):
    made = group(api)
    product = api.post("products", {"name": "P", "code": "p"}).json
    put_in(api, made, product["id"])

    api.delete(f"products/{product['id']}")

    assert contents(api, made) == []


def test_deleting_a_group_leaves_its_members_and_takes_its_attachments(api, founded):
    outer, people = group(api, "user"), group(api, "user")
    put_in(api, outer, people["id"], "user", of="GROUP")
    put_in(api, people, founded.admin.pk, "user")
    policy = api.get("permissionpolicies").json["data"][0]
    address = f"permissionpolicies/{policy['id']}/addtousergroup"
    attached = api.post(address, {"principalId": people["id"]})
    listed = api.get(f"resourcegroups/user/{people['id']}/permissions").json["data"]

    api.delete(f"resourcegroups/user/{people['id']}")

    assert (attached.json["principalType"], listed) == ("USERGROUP", [policy])
    assert contents(api, outer, "user") == []
    assert not ResourceGroupItem.objects.exists()
    assert api.post(address, {"principalId": people["id"]}).status == 404
    assert founded.admin.memberships.count() == 1


@pytest.mark.parametrize("kind", ["balance", "savedQuery"])
def test_a_type_without_rows_can_have_empty_groups(api, kind):
    made = group(api, kind)

    assert put_in(api, made, ids.new_id(), kind).status == 404
    assert contents(api, made, kind) == []
