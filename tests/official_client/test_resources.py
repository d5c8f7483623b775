"""Every resource that can be made: create, read, replace, list over pages, delete."""

from collections.abc import Callable
from typing import Any

import pytest
from m3ter import ConflictError, NotFoundError

from tests.contract import (
    bodies,
    bodies_agreements,
    bodies_compounds,
    bodies_notifications,
    bodies_plan_groups,
)
from tests.contract import bodies_counters as counters
from tests.contract.bodies import Build, Made
from tests.factories import number
from tests.official_client.driving import as_arguments

pytestmark = pytest.mark.django_db


def reason(made: Made) -> dict[str, Any]:
    """An entry of a plain pick list."""
    return {"name": "Goodwill", "code": f"goodwill_{number()}", "archived": False}


def policy(made: Made) -> dict[str, Any]:
    """A policy as the SDK's types spell it."""
    allow = {"effect": "ALLOW", "action": ["CONFIG_RETRIEVE"], "resource": ["config:meter/*"]}
    return {"name": f"Readers {number()}", "permissionPolicy": [allow]}


def balance(made: Made) -> dict[str, Any]:
    """A balance without rollover, so that it may have a year of its own."""
    rollover = {"rolloverAmount", "rolloverEndDate"}
    body = bodies_agreements.balance(made)
    return {name: value for name, value in body.items() if name not in rollover}


# What a resource is called in the SDK, its body, and what is changed of it.
RESOURCES: dict[str, tuple[str, Build, dict[str, Any]]] = {
    "currencies": ("picklists/currency", bodies.currency, {"roundingMode": "DOWN"}),
    "credit_reasons": ("picklists/creditreasons", reason, {"archived": True}),
    "debit_reasons": ("picklists/debitreasons", reason, {"archived": True}),
    "transaction_types": ("picklists/transactiontypes", reason, {"archived": True}),
    "permission_policies": ("permissionpolicies", policy, {"name": "Readers of meters"}),
    "products": ("products", bodies.product, {"customFields": {"seats": 13}}),
    "meters": ("meters", bodies.meter, {"name": "Calls"}),
    "aggregations": ("aggregations", bodies.aggregation, {"rounding": "NEAREST"}),
    "compound_aggregations": (
        "compoundaggregations",
        bodies_compounds.compound_aggregation,
        {"rounding": "DOWN"},
    ),
    "plan_templates": ("plantemplates", bodies.plan_template, {"standingCharge": 21.25}),
    "plans": ("plans", bodies.plan, {"minimumSpend": 0.1}),
    "pricings": ("pricings", bodies.pricing, {"description": "Tokens"}),
    "accounts": ("accounts", bodies.parent, {"purchaseOrderNumber": "PO-8"}),
    "account_plans": ("accountplans", bodies.account_plan, {"code": "another code"}),
    "counters": ("counters", counters.counter, {"unit": "licences"}),
    "counter_pricings": ("counterpricings", counters.counter_pricing, {"description": "Chairs"}),
    "plan_groups": ("plangroups", bodies_plan_groups.plan_group, {"minimumSpend": 75}),
    "contracts": ("contracts", bodies_agreements.contract, {"description": "Five years"}),
    "commitments": ("commitments", bodies_agreements.commitment, {"amount": 20000.5}),
    "balances": ("balances", balance, {"description": "Goodwill"}),
    "charges": ("charges", bodies_agreements.charge, {"unitPrice": 13.5}),
    "webhooks": (bodies.WEBHOOKS, bodies.webhook, {"description": "Books bills"}),
    "notification_configurations": (
        bodies_notifications.RULES,
        bodies_notifications.rule,
        {"active": False},
    ),
    "scheduled_event_configurations": (
        bodies_notifications.SCHEDULED,
        bodies_notifications.scheduled_event,
        {"offset": -5},
    ),
}
NEEDED = {
    "meters": ("products",),
    "aggregations": ("products", "meters"),
    "compound_aggregations": ("products", "meters", "aggregations"),
    "plan_templates": ("products",),
    "plans": ("products", "plan_templates"),
    "pricings": ("products", "meters", "aggregations", "plan_templates", "plans"),
    "counters": ("products",),
    "plan_groups": ("products",),
    "counter_pricings": ("products", "plan_templates", "plans", "counters"),
    "contracts": ("products", "meters", "accounts"),
    "commitments": (
        "products", "meters", "plan_templates", "plans", "accounts", "contracts",
    ),
    "balances": ("products", "meters", "accounts", "contracts"),
    "charges": ("products", "meters", "accounts", "contracts", "balances"),
    "account_plans": ("products", "plan_templates", "plans", "accounts"),
}  # fmt: skip
# The contract's list of policies takes no ids and shows managed ones in lower case (A5.9).
WITHOUT_IDS = {"permission_policies"}


def make(client: Any, name: str, made: dict[str, Any], build: Callable[..., Any]) -> Any:
    """Create one row over the client and remember it under its address."""
    row = getattr(client, name).create(**as_arguments(build(made)))
    made.setdefault(RESOURCES[name][0], row.to_dict(mode="json"))
    return row


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_is_made_read_replaced_walked_and_deleted(client, lenient, name):
    resource = getattr(client, name)
    listed = getattr(lenient if name == "permission_policies" else client, name)
    _, build, change = RESOURCES[name]
    made: dict[str, Any] = {}
    for needed in NEEDED.get(name, ()):
        make(client, needed, made, RESOURCES[needed][1])

    first = make(client, name, made, build)
    others = [make(client, name, made, _another(build)) for _ in range(2)]
    body = as_arguments({**build(made), **change})
    updated = resource.update(first.id, **body, version=1)

    expected = as_arguments(change)
    assert (first.version, updated.version) == (1, 2)
    assert {field: getattr(updated, field) for field in expected} == expected
    assert resource.retrieve(first.id).to_dict() == updated.to_dict()
    with pytest.raises(ConflictError):
        resource.update(first.id, **body, version=1)
    ids = [row.id for row in (*reversed(others), first)]
    assert [row.id for row in listed.list(page_size=1)][:3] == ids
    if name not in WITHOUT_IDS:
        assert [row.id for row in resource.list(page_size=2, ids=ids[1:])] == ids[1:]
    assert resource.delete(first.id).to_dict() == updated.to_dict()
    with pytest.raises(NotFoundError):
        resource.retrieve(first.id)
    assert [row.id for row in listed.list(page_size=1)][:2] == ids[:2]


def _another(build: Build) -> Build:
    """Return what builds a body for one more row; what has a time gets a year of its own."""

    def body(made: Made) -> dict[str, Any]:
        year = 2031 + 2 * (number() % 3000)
        times = {name: f"{year + more}-01-01T00:00:00.000Z"
                 for more, name in enumerate(("startDate", "endDate"))}  # fmt: skip
        found = build(made)
        return {**found, **(times if "startDate" in found else {})}

    return body
