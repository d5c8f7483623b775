"""Make plan templates, plans and prices from the price lists."""

from datetime import date
from decimal import Decimal

from catalog.models import Aggregation, BillingFrequency, Plan, PlanTemplate, Pricing
from config.demonstration.catalogue import Catalogue
from config.demonstration.months import Months, first_of_month, midnight
from config.demonstration.price_lists import TEMPLATES, Price
from organizations.kernel import changes
from organizations.kernel.principals import Principal
from organizations.models import Organization

# In months: prices have been in force since long before the first usage.
LONG_AGO = -36


def make(
    organization: Organization, catalogue: Catalogue, months: Months, *, by: Principal
) -> dict[str, Plan]:
    """Make every template with its plans and prices; returns the plans by code."""
    plans: dict[str, Plan] = {}
    for (code, product, currency), (shared, listed) in TEMPLATES.items():
        template = changes.create(
            PlanTemplate(
                organization=organization,
                product=catalogue.products[product],
                code=code,
                name=shared.name,
                currency=currency,
                bill_frequency=BillingFrequency.MONTHLY,
                **{"standing_charge": Decimal(0), **shared.charges},
            ),
            by=by,
        )
        make_prices(template, shared.prices, catalogue.aggregations, months, by=by)
        for plan_code, price_list in listed.items():
            plan = Plan(
                organization=organization,
                plan_template=template,
                code=plan_code,
                name=price_list.name,
                **price_list.charges,
            )
            plans[plan_code] = changes.create(plan, by=by)
            make_prices(plan, price_list.prices, catalogue.aggregations, months, by=by)
    return plans


def make_prices(
    owner: Plan | PlanTemplate,
    prices: tuple[Price, ...],
    aggregations: dict[str, Aggregation],
    months: Months,
    *,
    by: Principal,
) -> None:
    """Put prices on a plan or a template."""
    for price in prices:
        aggregation = aggregations[price.aggregation]
        long_ago = first_of_month(months.older, LONG_AGO)
        start: date = months.latest if price.from_latest_month else long_ago
        split = aggregation.segmented_fields
        changes.create(
            Pricing(
                organization_id=owner.organization_id,
                plan=owner if isinstance(owner, Plan) else None,
                plan_template=owner if isinstance(owner, PlanTemplate) else None,
                aggregation=aggregation,
                start_date=midnight(start),
                end_date=midnight(months.latest) if price.until_latest_month else None,
                is_cumulative=price.is_cumulative,
                bands=[_band(*band) for band in price.bands],
                segment={split[0]: price.segment} if price.segment else {},
            ),
            by=by,
        )


def _band(lower: str, fixed: str, unit_price: str) -> dict[str, Decimal]:
    return {
        "lowerLimit": Decimal(lower),
        "fixedPrice": Decimal(fixed),
        "unitPrice": Decimal(unit_price),
    }
