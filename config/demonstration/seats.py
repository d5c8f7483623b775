"""Seats: people who may ask for support, as a counter with a price on the support plans."""

from datetime import timedelta
from decimal import Decimal

from billing.models import Account, CounterAdjustment
from catalog.models import Counter, CounterPricing, Plan
from config.demonstration.customers import CUSTOMERS, Customer
from config.demonstration.months import Months, first_of_month, midnight
from config.demonstration.pricing import LONG_AGO
from config.demonstration.subscriptions import stay
from organizations.kernel import changes
from organizations.kernel.principals import Principal
from organizations.models import Organization

Bands = tuple[tuple[str, str], ...]  # lower limit, price of a seat a month

PRICES: dict[str, Bands] = {
    "support-business": (("0", "0"), ("3", "18"), ("20", "15")),
    "support-premier": (("0", "0"), ("10", "22"), ("50", "18")),
}
SEATS = {"XL": 34, "L": 12, "M": 5}
# Customer: day of the last full month, and the number of seats from then on.
NEW_NUMBERS = {
    "halden-robotics": ((6, 52), (20, 47)),
    "brightwater-analytics": ((13, 17),),
    "osprey-legal": ((22, 9),),
}


def make(
    organization: Organization,
    support: Plan,
    plans: dict[str, Plan],
    months: Months,
    *,
    by: Principal,
) -> None:
    """Make the counter with its prices, and what every customer with such a plan holds."""
    counter = changes.create(
        Counter(
            organization=organization,
            product=support.plan_template.product,
            name="Support seats",
            code="support_seats",
            unit="seats",
        ),
        by=by,
    )
    for code, bands in PRICES.items():
        changes.create(_price(plans[code], counter, bands, months), by=by)
    accounts = {row.code: row for row in Account.objects.for_organization(organization)}
    for customer in CUSTOMERS:
        if not PRICES.keys().isdisjoint(customer.plans):
            for row in _adjustments(customer, accounts[customer.code], counter, months):
                changes.create(row, by=by)


def _price(plan: Plan, counter: Counter, bands: Bands, months: Months) -> CounterPricing:
    return CounterPricing(
        organization_id=plan.organization_id,
        plan=plan,
        counter=counter,
        description="Support seats",
        start_date=midnight(first_of_month(months.older, LONG_AGO)),
        is_cumulative=True,
        bands=[
            {"lowerLimit": Decimal(limit), "fixedPrice": Decimal(0), "unitPrice": Decimal(price)}
            for limit, price in bands
        ],
    )


def _adjustments(
    customer: Customer, account: Account, counter: Counter, months: Months
) -> list[CounterAdjustment]:
    values = [(stay(customer, months).start, SEATS[customer.size])]
    values += [
        (months.latest + timedelta(days=day - 1), value)
        for day, value in NEW_NUMBERS.get(customer.code, ())
    ]
    return [
        CounterAdjustment(
            organization_id=account.organization_id,
            account=account,
            counter=counter,
            date=day,
            value=value,
        )
        for day, value in values
    ]
