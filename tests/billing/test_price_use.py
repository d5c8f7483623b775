"""Who was billed by a price: accounts on its plans, those of a template too, and locked bills."""

from datetime import UTC, datetime
from decimal import Decimal

from billing import price_use
from billing.models import LineItem
from tests import factories
from tests.console.inhabited import make_bill


def billed(account, price, **bill):
    """Make a bill of the account with one line by the price."""
    made = make_bill(account, **bill)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    LineItem.objects.create(
        organization=account.organization, bill=made, line_item_type="USAGE", description="Usage",
        quantity=1, units=1, subtotal=1, currency="USD", converted_subtotal=Decimal(1),
        service_period_start=at, service_period_end=at, pricing_id=price.pk, sequence_number=2,
        line_key="price", calculation={},
    )  # fmt: skip
    return made


def test_accounts_and_locked_bills_are_counted_and_the_locked_ones_named(db):
    founded = factories.make_founded()
    product = factories.make_product(founded.organization)
    plan = factories.make_plan(factories.make_plan_template(product))
    meter = factories.make_meter(founded.organization, product=product)
    price = factories.make_pricing(plan, factories.make_aggregation(meter))
    other = factories.make_pricing(plan, factories.make_aggregation(meter))
    first, second, third = (
        factories.make_account(founded.organization, name=f"Account {n}") for n in (1, 2, 3)
    )
    for account in (first, second, third):
        factories.make_account_plan(account, plan)
    locked = billed(first, price, status="APPROVED", is_locked=True)
    billed(second, price)
    billed(third, other)

    use = price_use.billed(price)

    assert (use.accounts, use.locked_count) == (2, 1)
    days = f"{locked.start_date} to {locked.end_date}"
    assert use.locked == ((locked.pk, f"Account 1, {days}"),)
    price.plan, price.plan_template = None, plan.plan_template
    assert price_use.billed(price) == use
