"""The closed list of types of events, and that no entity is without its own."""

from decimal import Decimal

import pytest

from catalog.models import Pricing
from organizations.kernel import changes, event_types, ids, principals, registry
from organizations.models import Event
from tests import factories
from tests.billing.bills import charging
from tests.notifications.made import make_scheduled

ENTITIES = {
    "billing": (
        "balance balanceamount bill billconfig billjob charge counteradjustment "
        "scheduledbalancecharge scheduledbalancetransaction statementjob"
    ),
    "configuration": (
        "account accountplan aggregation alert commitment compoundaggregation contract counter "
        "counterpricing creditreason customfield meter metergroup organization "
        "organizationconfig plan plangroup plangrouplink plantemplate pricing pricingband product "
        "transactiontype"
    ),
}
OTHERS = {
    "integration.validation.error", "integration.missingaccountmapping.error",
    "integration.authentication.error", "integration.perform.error",
    "integration.disabled.error", "ingest.validation.failure", "dataexport.job.failure",
}  # fmt: skip
CLOSED = OTHERS | {
    f"{area}.{entity}.{verb}"
    for area, entities in ENTITIES.items()
    for entity in entities.split()
    for verb in ("created", "updated", "deleted")
}


def test_there_are_106_types_and_none_beside_them():
    assert len(CLOSED) == 106
    assert set(event_types.fields()) == CLOSED


def test_each_entity_of_the_list_that_is_known_has_its_events():
    known = {resource.event for resource in registry.resources() if resource.event}

    assert known <= {name.rpartition(".")[0] for name in CLOSED}
    for event in known:
        for verb, copies in event_types.COPIES.items():
            paths = event_types.fields()[f"{event}.{verb}"]
            assert {path.partition(".")[0] for path in paths} == set(copies)
            assert f"{copies[0]}.id" in paths and f"{copies[0]}.customFields" in paths
            assert not {f"{copies[0]}.{name}" for name in event_types.NOT_LISTED} & paths.keys()
            assert set(paths.values()) <= {"string", "double", "int", "boolean", "map", "array"}


@pytest.mark.django_db
def test_scheduled_types_do_not_hide_others(organization):
    make_scheduled(organization, name="scheduled.bill.mine")

    known = event_types.fields_for(organization.pk)

    assert set(known) - set(event_types.fields()) == {"scheduled.bill.mine"}


def named(organization, start):
    """Return the newest events of an entity: verb and id, oldest first."""
    rows = Event.objects.filter(organization=organization, name__startswith=f"{start}.")
    return [(row.name.rpartition(".")[2], str(row.resource_id)) for row in rows.order_by("id")]


@pytest.mark.django_db
def test_bands_of_a_price_have_events_of_their_own(organization):
    plan = factories.make_plan(factories.make_plan_template(factories.make_product(organization)))
    aggregation = factories.make_aggregation(factories.make_meter(organization))
    by = principals.system(organization.pk)
    first, second, third = (band(number) for number in range(3))
    price = changes.create(
        Pricing(organization=organization, plan=plan, aggregation=aggregation,
                start_date=plan.created_at, bands=[first, second]),
        by=by,
    )  # fmt: skip

    first, second = price.bands
    with changes.editing(price, by=by) as row:
        row.bands = [{**first, "unitPrice": Decimal(9)}, third]
    changes.delete(price, by=by)

    before = [str(one["id"]) for one in (first, second)]
    happened = named(organization, "configuration.pricingband")
    assert sorted(happened[:2]) == sorted(("created", one) for one in before)
    new = dict(happened)["created"]
    assert sorted(happened[2:5]) == sorted(
        [("updated", before[0]), ("deleted", before[1]), ("created", new)]
    )
    assert sorted(happened[5:]) == sorted([("deleted", before[0]), ("deleted", new)])
    updated = Event.objects.get(name="configuration.pricingband.updated")
    assert updated.payload["eventData"]["newDto"]["pricingId"] == str(price.pk)


def band(number):
    return {"id": str(ids.new_id()), "lowerLimit": Decimal(number * 10),
            "fixedPrice": Decimal(0), "unitPrice": Decimal(1)}  # fmt: skip


@pytest.mark.django_db
def test_an_organization_and_the_amount_of_a_balance_have_events(organization):
    by = principals.system(organization.pk)
    with changes.editing(organization, by=by) as row:
        row.tax_id = "DE 1"
    balance = charging.balance(factories.make_account(organization))
    changes.delete(balance, by=by)

    assert named(organization, "configuration.organization")[-1] == (
        "updated", str(organization.pk),
    )  # fmt: skip
    assert named(organization, "billing.balanceamount")[-1] == ("deleted", str(balance.pk))
