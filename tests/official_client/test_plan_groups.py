"""Plan group links, and account plans of groups, with the official client."""

from typing import Any

import pytest
from m3ter import BadRequestError

from tests.contract import bodies, bodies_plan_groups
from tests.official_client.driving import as_arguments

pytestmark = pytest.mark.django_db


def test_a_plan_is_linked_to_a_group_and_the_group_attached_to_an_account(client):
    made: dict[str, Any] = {}
    for address, resource, build in (
        ("products", client.products, bodies.product),
        ("plantemplates", client.plan_templates, bodies.plan_template),
        ("plans", client.plans, bodies.plan),
        ("accounts", client.accounts, bodies.parent),
        ("plangroups", client.plan_groups, bodies_plan_groups.plan_group),
    ):
        made[address] = resource.create(**as_arguments(build(made))).to_dict(mode="json")
    plan, group = made["plans"]["id"], made["plangroups"]["id"]
    links = client.plan_group_links

    link = links.create(plan_id=plan, plan_group_id=group)
    with pytest.raises(BadRequestError):
        links.create(plan_id=plan, plan_group_id=group)
    attached = client.account_plans.create(
        account_id=made["accounts"]["id"], plan_group_id=group, start_date="2024-01-01T00:00:00Z"
    )

    assert (attached.plan_group_id, attached.plan_id, attached.product_id) == (group, None, None)
    assert [row.id for row in links.list(plan=plan)] == [link.id]
    assert [row.id for row in links.list(plan_group=group)] == [link.id]
    assert [row.id for row in links.list(ids=[link.id])] == [link.id]
    updated = links.update(link.id, plan_id=plan, plan_group_id=group, version=1)
    assert updated.version == 2
    assert links.retrieve(link.id).to_dict() == updated.to_dict()
    with pytest.raises(BadRequestError):
        client.plan_groups.delete(group)
    client.account_plans.delete(attached.id)
    assert links.delete(link.id).to_dict() == updated.to_dict()
    assert client.plan_groups.delete(group).id == group
