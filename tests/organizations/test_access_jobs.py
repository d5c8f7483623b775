"""Acceptance jobs of access, by one person over the API and in the console alike (C15.3, C15.4)."""

import pytest

from catalog.models import Meter, Product
from organizations import attachments, personal_tokens, resource_groups
from organizations.kernel.principals import Principal
from organizations.models import PrincipalType, TargetType
from tests.clients import ApiClient
from tests.console.clients import Console, make_person
from tests.factories import make_meter, make_product
from tests.organizations.people_made import system
from tests.organizations.test_grants import allow, deny, make_group, make_policy


@pytest.fixture
def by(organization):
    """Who sets things up."""
    return system(organization)


def ways_in(founded, person):
    """Return the person's console and an API client with a token of theirs."""
    by = Principal(person.pk, "USER", founded.organization.pk)
    return Console(person), ApiClient(founded, personal_tokens.mint(person, by=by))


def shown(console, model):
    """Return the ids a list of the console shows."""
    answer = console.get(model)
    assert answer.status_code == 200
    return {row.pk for row in answer.context["cl"].result_list}


def listed(api, word):
    """Return the ids a list of the API shows."""
    return {row["id"] for row in api.get(word).json["data"]}


def test_an_administrator_in_a_group_barred_from_meters_loses_meters_and_nothing_else(
    founded, organization, by
):
    """C15.3."""
    person = make_person(founded, "Administrator")
    console, api = ways_in(founded, person)
    meter, product = make_meter(organization), make_product(organization)
    before = (console.get(Meter).status_code, api.get("meters").status)

    team = make_group(organization, kind="orguser")
    resource_groups.add(team, TargetType.ITEM, person.pk, by=by)
    policy = make_policy(organization, deny("config:meter/*", action="config:*"))
    attachments.attach(policy, PrincipalType.USERGROUP, team.pk, by=by)

    assert before == (200, 200)
    assert [console.get(Meter).status_code, console.get(Meter, "add").status_code] == [403, 403]
    assert console.get(Meter, "change", meter).status_code == 403
    assert [api.get("meters").status, api.get(f"meters/{meter.pk}").status] == [403, 403]
    assert api.delete(f"meters/{meter.pk}").status == 403
    assert shown(console, Product) == {product.pk}
    assert listed(api, "products") == {str(product.pk)}
    assert api.get("permissionpolicies").status == api.get("bills").status == 200

    resource_groups.remove(team, TargetType.ITEM, person.pk, by=by)

    assert (console.get(Meter).status_code, api.get("meters").status) == before


def test_a_policy_for_one_group_of_meters_shows_its_meters_and_those_nested_later(
    founded, organization, by
):
    """C15.4."""
    person = make_person(founded, None)
    console, api = ways_in(founded, person)
    mine, later, new, other = (make_meter(organization) for _ in range(4))
    group = make_group(organization, mine, kind="meter")
    policy = make_policy(organization, allow(f"config:meter/group/{group.pk}"))
    attachments.attach(policy, PrincipalType.USER, person.pk, by=by)
    at_first = (shown(console, Meter), listed(api, "meters"))

    nested = make_group(organization, later, kind="meter")
    resource_groups.add(group, TargetType.GROUP, nested.pk, by=by)
    with_nested = (shown(console, Meter), listed(api, "meters"))
    resource_groups.add(nested, TargetType.ITEM, new.pk, by=by)

    def both(*meters):
        return {row.pk for row in meters}, {str(row.pk) for row in meters}

    assert at_first == both(mine)
    assert with_nested == both(mine, later)
    assert (shown(console, Meter), listed(api, "meters")) == both(mine, later, new)
    assert console.get(Meter, "change", other).status_code == 403
    assert api.get(f"meters/{other.pk}").status == 403
