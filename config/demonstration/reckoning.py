"""What is calculated of usage: energy from a table of GPU types, and a price at cost."""

from datetime import date
from decimal import Decimal

from catalog.lookups import data, statuses
from catalog.models import (
    CompoundAggregation,
    LookupTable,
    LookupTableData,
    LookupTableRevision,
    Plan,
    Pricing,
    Product,
    RevisionStatus,
)
from config.demonstration.months import Months, first_of_month, midnight
from organizations.kernel import changes
from organizations.kernel.principals import Principal
from organizations.models import Organization

POWER = {"L4": "0.072", "A100": "0.4", "H100": "0.7"}
# Kilowatts of the type the measurement names; of a type nobody listed half a kilowatt.
ENERGY = {
    "category": "MEASURE",
    "code": "energy",
    "name": "Energy",
    "unit": "kWh",
    "calculation": 'gpu_hours * Lookup.findNumber("gpu_power", "kilowatts", 0.5, "gpu_type")',
}
# What the tokens cost the company itself, in dollars.
COST = "(aggregation.input_tokens * 0.11 + aggregation.output_tokens * 0.42) / 1000000"
# In months: as all prices, in force since long before the first usage.
LONG_AGO = -36
HANDLING = Decimal("0.15")


def make_table(organization: Organization, *, by: Principal) -> None:
    """Make and publish the table of GPU types; meters may look values up in it from then on."""
    table = changes.create(
        LookupTable(organization=organization, name="GPU power", code="gpu_power"), by=by
    )
    revision = changes.create(
        LookupTableRevision(
            organization=organization,
            lookup_table=table,
            name="First",
            fields=[
                {"name": "gpu_type", "type": "STRING"}, {"name": "kilowatts", "type": "NUMBER"},
            ],
            keys=["gpu_type"],
        ),
        by=by,
    )  # fmt: skip
    rows = [{"gpu_type": kind, "kilowatts": Decimal(power)} for kind, power in POWER.items()]
    data.put(LookupTableData.objects.get(revision=revision), rows, by=by, version=None)
    statuses.change(revision, RevisionStatus.PUBLISHED, by=by)


def make_compound(organization: Organization, product: Product, *, by: Principal) -> None:
    """Make the compound aggregation that says what tokens cost."""
    changes.create(
        CompoundAggregation(
            organization=organization,
            product=product,
            name="Handling of models at cost",
            code="model_cost",
            calculation=COST,
            rounding="NONE",
            quantity_per_unit=Decimal(1),
            unit="dollars of cost",
        ),
        by=by,
    )


def price(plan: Plan, months: Months, *, by: Principal) -> None:
    """Charge a share of the cost on top of a negotiated plan."""
    start: date = first_of_month(months.older, LONG_AGO)
    changes.create(
        Pricing(
            organization_id=plan.organization_id,
            plan=plan,
            compound_aggregation=CompoundAggregation.objects.get(
                organization_id=plan.organization_id, code="model_cost"
            ),
            start_date=midnight(start),
            bands=[
                {"lowerLimit": Decimal(0), "fixedPrice": Decimal(0), "unitPrice": HANDLING},
            ],
        ),
        by=by,
    )  # fmt: skip
