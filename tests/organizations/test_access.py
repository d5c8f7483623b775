"""Who sees which rows: types, rows, groups and user groups, on lists and one by one, all alike."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Product
from organizations import access, grants, tokens
from organizations.kernel.principals import Principal
from organizations.models import (
    Membership,
    PermissionPolicy,
    ResourceGroup,
    ResourceGroupItem,
    ServiceUser,
    SupportAccess,
    User,
)
from tests.clients import ApiClient
from tests.factories import make_account, make_attachment, make_product, number

READ = ["config:retrieve"]


def statement(effect, resource, action=READ):
    """Return a statement about one resource."""
    return {"effect": effect, "action": action, "resource": [resource]}


def attach(organization, kind, principal_id, *statements):
    """Attach a policy of these statements."""
    policy = PermissionPolicy.objects.create(
        organization=organization, name=f"Policy {number()}", statements=list(statements)
    )
    return make_attachment(policy, kind, principal_id)


def robot(founded, *statements):
    """Return a client of a service user with one policy."""
    row = ServiceUser.objects.create(organization=founded.organization, name="Robot")
    if statements:
        attach(founded.organization, "SERVICEUSER", row.pk, *statements)
    key, _ = tokens.make_key(row, created_by=row.pk)
    return ApiClient(founded, tokens.token_for(key))


def group(organization, *targets, kind="product"):
    """Make a group of rows and groups."""
    made = ResourceGroup.objects.create(organization=organization, type=kind, name="Group")
    for target in targets:
        ResourceGroupItem.objects.create(
            organization=organization, group=made, target_id=target.pk,
            target_type="GROUP" if isinstance(target, ResourceGroup) else "ITEM",
            target_created_at=getattr(target, "created_at", None),
        )  # fmt: skip
    return made


def listed(client, path="products", **query):
    """Return the ids a list shows."""
    answer = client.get(path, **query)
    assert answer.status == 200, answer
    return {row["id"] for row in answer.json["data"]}


@pytest.fixture
def products(organization):
    """Three products."""
    return [make_product(organization) for _ in range(3)]


def test_an_allow_of_one_row_shows_that_row_and_creates_none(founded, products):
    mine, other, _ = products
    client = robot(founded, statement("allow", f"config:product/item/{mine.pk}", ["config:*"]))

    assert listed(client) == {str(mine.pk)}
    assert client.get(f"products/{mine.pk}").status == 200
    assert client.get(f"products/{other.pk}").status == 403
    assert client.post("products", {"name": "New", "code": "new"}).status == 403
    assert client.delete(f"products/{mine.pk}").status == 200
    assert client.delete(f"products/{other.pk}").status == 403
    assert Product.objects.filter(pk=other.pk).exists()


def test_a_denied_row_vanishes_from_lists_and_is_refused_alone(founded, products):
    hidden, *others = products
    client = robot(
        founded, statement("allow", "*"), statement("deny", f"config:product/item/{hidden.pk}")
    )

    assert listed(client) == {str(row.pk) for row in others}
    assert listed(client, ids=str(hidden.pk)) == set()
    assert client.get(f"products/{hidden.pk}").status == 403


@pytest.mark.parametrize("statements", [
    [], [statement("allow", "config:meter")], [statement("allow", "config:product", ["config:*"]),
    statement("deny", "config:product")], [statement("deny", "*"), statement("allow", "*")],
    [statement("allow", "config:product", ["config:create"])],
])  # fmt: skip
def test_a_list_of_which_no_row_could_be_allowed_is_refused(founded, products, statements):
    assert robot(founded, *statements).get("products").status == 403


def test_a_group_is_allowed_with_every_group_nested_in_it(founded, organization, products):
    direct, nested, outside = products
    inner = group(organization, nested)
    outer = group(organization, direct, group(organization, inner))
    client = robot(founded, statement("allow", f"config:product/group/{outer.pk}"))

    assert listed(client) == {str(direct.pk), str(nested.pk)}
    assert client.get(f"products/{nested.pk}").status == 200
    assert client.get(f"products/{outside.pk}").status == 403


def test_a_denied_group_hides_its_rows_whatever_allows_them(founded, organization, products):
    hidden, shown, _ = products
    inner = group(organization, hidden)
    client = robot(
        founded,
        statement("allow", f"config:product/item/{hidden.pk}"),
        statement("allow", f"config:product/item/{shown.pk}"),
        statement("deny", f"config:product/group/{group(organization, inner).pk}"),
    )

    assert listed(client) == {str(shown.pk)}
    assert client.get(f"products/{hidden.pk}").status == 403


def test_any_group_means_every_row_that_is_in_one(founded, organization, products):
    inside, one, two = products
    group(organization, inside)
    reader = robot(founded, statement("allow", "config:product/group/*"))
    barred = robot(
        founded, statement("allow", "*"), statement("deny", "config:product/group/*")
    )  # fmt: skip

    assert listed(reader) == {str(inside.pk)}
    assert listed(barred) == {str(one.pk), str(two.pk)}


def test_a_group_of_another_type_allows_nothing_here(founded, organization, products):
    accounts = group(organization, make_account(organization), kind="account")
    client = robot(founded, statement("allow", f"config:product/group/{accounts.pk}"))

    assert listed(client) == set()


def test_pages_are_full_while_permitted_rows_remain(founded, organization):
    rows = [make_product(organization) for _ in range(9)]
    allowed = rows[::3]
    held = group(organization, *allowed)
    client = robot(founded, statement("allow", f"config:product/group/{held.pk}"))

    first = client.get("products", pageSize=2).json
    second = client.get("products", pageSize=2, nextToken=first["nextToken"]).json

    assert [len(first["data"]), len(second["data"]), second["nextToken"]] == [2, 1, None]
    found = [row["id"] for row in first["data"] + second["data"]]
    assert found == [str(row.pk) for row in reversed(allowed)]


def test_search_and_children_show_permitted_rows_only(founded, organization):
    parent = make_account(organization)
    child, hidden = (make_account(organization, parent_account=parent) for _ in range(2))
    client = robot(
        founded, statement("allow", "*"), statement("deny", f"config:account/item/{hidden.pk}")
    )

    assert listed(client, "accounts/search") == {str(parent.pk), str(child.pk)}
    assert listed(client, f"accounts/{parent.pk}/children") == {str(child.pk)}


def test_a_row_that_may_be_read_but_not_changed_stays_as_it_is(founded, products):
    fixed = products[0]
    client = robot(
        founded,
        statement("allow", "*", ["all"]),
        statement("deny", f"config:product/item/{fixed.pk}", ["config:update", "config:delete"]),
    )
    body = {"name": "New", "code": "new", "version": 1}

    assert listed(client) == {str(row.pk) for row in products}
    assert client.put(f"products/{fixed.pk}", body).status == 403
    assert client.delete(f"products/{fixed.pk}").status == 403
    fixed.refresh_from_db()
    assert (fixed.name, fixed.version) == ("Inference", 1)


def test_the_settings_are_refused_when_their_row_is_not_the_one_allowed(founded):
    nobody = "00000000-0000-4000-8000-000000000000"
    client = robot(founded, statement("allow", f"config:organizationConfig/item/{nobody}"))

    assert client.get("organizationconfig").status == 403


# People and their groups -----------------------------------------------------------------------


def person(organization, **fields):
    """Return a member and how they are known to policies."""
    user = User.objects.create_user(f"person{number()}@example.com", **fields)
    Membership.objects.create(organization=organization, user=user)
    return user, Principal(user.pk, "USER", organization.pk)


def may(principal, action="config:retrieve", resource="config:product"):
    """Return whether something is allowed."""
    return access.allowed(principal, action, resource)


def test_a_user_group_gives_its_policies_to_members_at_every_level(organization):
    user, principal = person(organization)
    _, stranger = person(organization)
    inner = group(organization, user, kind="orguser")
    outer = group(organization, inner, kind="orguser")
    before = may(principal)

    attach(organization, "USERGROUP", outer.pk, statement("allow", "config:product"))

    assert (before, may(principal), may(stranger)) == (False, True, False)


def test_a_deny_of_a_group_beats_a_personal_administrator(organization):
    user, principal = person(organization)
    attach(organization, "USER", user.pk, statement("allow", "*", ["all"]))
    team = group(organization, user, kind="orguser")

    attach(organization, "USERGROUP", team.pk, statement("deny", "config:product"))

    assert (may(principal), may(principal, resource="config:meter")) == (False, True)


def test_inline_statements_and_those_for_support_users_count(organization):
    user, principal = person(organization)
    supporter, support = person(organization, is_support=True)
    attach(organization, "SUPPORTUSERS", organization.pk, statement("allow", "config:meter"))
    closed = may(support, resource="config:meter")
    SupportAccess.objects.create(
        organization=organization, ends_at=timezone.now() + timedelta(hours=1), statements=[]
    )
    Membership.objects.filter(user=user).update(statements=[statement("allow", "config:product")])
    grants.rederive(organization.pk)

    assert (may(principal), may(support)) == (True, False)
    assert (closed, may(support, resource="config:meter")) == (False, True)
    assert not may(principal, resource="config:meter")
    assert supporter.is_support


def test_nothing_of_one_organization_counts_in_another(organization):
    from tests.factories import make_organization

    other = make_organization()
    user, principal = person(organization)
    Membership.objects.create(organization=other, user=user)
    attach(other, "USER", user.pk, statement("allow", "*", ["all"]))
    team = group(other, user, kind="orguser")
    attach(other, "USERGROUP", team.pk, statement("allow", "*", ["all"]))

    assert not may(principal)


def test_who_may_see_some_people_sees_those(founded, organization):
    user, _ = person(organization)
    person(organization)
    client = robot(founded, statement("allow", f"config:orgUser/item/{user.pk}"))

    assert listed(client, "users") == {str(user.pk)}
    assert client.get(f"users/{user.pk}").status == 200


def test_a_list_under_policies_costs_a_fixed_number_of_queries(
    founded, organization, django_assert_num_queries
):
    outer = group(organization, group(organization, *[make_product(organization)]))
    client = robot(
        founded,
        statement("allow", f"config:product/group/{outer.pk}"),
        statement("deny", f"config:product/group/{group(organization).pk}"),
        statement("deny", f"config:product/item/{outer.pk}"),
    )
    client.get("products")  # the process remembers the key

    # Statements, the groups in the allowed and in the denied group, and the page.
    with django_assert_num_queries(4):
        client.get("products")
    group(organization, *[make_product(organization) for _ in range(5)])
    with django_assert_num_queries(4):
        client.get("products")
