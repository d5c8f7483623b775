"""Rows of an organization that prices a compound aggregation, in a few words."""

from decimal import Decimal
from typing import Any

from billing.models import Account, LineItem
from billing.usage import store
from catalog import derived_fields
from catalog.compounds import rules
from catalog.models import Aggregation, CompoundAggregation, Meter, Plan, Pricing
from organizations.kernel import ids
from organizations.models import CustomFieldDefaults, Organization
from tests import factories
from tests.billing.bills import runners


def set_defaults(organization: Organization, defaults: dict[str, dict[str, Any]]) -> None:
    CustomFieldDefaults.objects.update_or_create(
        organization=organization,
        defaults={
            derived_fields.DEFAULTS_OF[entity]: values for entity, values in defaults.items()
        },
    )


def make_meter(organization: Organization, numbers: Any = (), texts: Any = ()) -> Meter:
    fields = [
        *({"category": "MEASURE", "code": one, "name": one, "unit": "x"} for one in numbers),
        *({"category": "WHO", "code": one, "name": one, "unit": None} for one in texts),
    ]
    return factories.make_meter(organization, data_fields=fields)


def make_sum(meter: Meter, code: str, **fields: Any) -> Aggregation:
    values = {"code": code, "name": f"Sum of {code}", "target_field": code}
    return factories.make_aggregation(meter, **{**values, **fields})


def make_compound(
    organization: Organization, calculation: str, **fields: Any
) -> CompoundAggregation:
    """Make a compound through its rules, which find out what it refers to."""
    values = {"name": "Margin", "code": "margin", "rounding": "NONE", "unit": "points"}
    compound = CompoundAggregation(
        organization=organization,
        calculation=calculation,
        **{**values, "quantity_per_unit": Decimal(1), **fields},
    )
    rules.check_compound(compound)
    compound.save()
    return compound


def make_pricing(
    plan: Plan, compound: CompoundAggregation, price: Any = 1, **fields: Any
) -> Pricing:
    return factories.make_pricing(
        plan,
        None,
        compound_aggregation=compound,
        bands=factories.bands((0, 0, price)),
        **fields,
    )


def make_plan(organization: Organization, **template: Any) -> Plan:
    product = factories.make_product(organization, name="Storage", code="storage")
    return factories.make_plan(factories.make_plan_template(product, **template))


def measure(
    account: Account, meter: Meter, at: str, values: dict[str, Any], *, times: int = 1
) -> None:
    when = runners.instant(at)
    store.append(
        account.organization_id,
        [
            store.Measurement(account.pk, meter.pk, when, None, str(ids.new_id()), values)
            for _ in range(times)
        ],
        at=when,
    )


def lines(account: Account) -> list[LineItem]:
    """Return the usage lines of the account's bills in order of time."""
    found = LineItem.objects.filter(bill__account=account, line_item_type="USAGE")
    return list(found.order_by("service_period_start", "description"))
