"""Rows of the catalogue for the tests that walk every page."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import models

from billing.models import Account, CounterAdjustment
from catalog.models import (
    Aggregation,
    CompoundAggregation,
    Counter,
    CounterPricing,
    Plan,
    PlanGroup,
    PlanGroupLink,
)
from organizations.models import Organization
from tests.factories import bands, number


def make_counter(organization: Organization, **overrides: Any) -> Counter:
    """Make a global counter of seats."""
    fields = {"name": "Seats", "code": f"seats-{number()}", "unit": "seats"}
    return Counter.objects.create(organization=organization, **{**fields, **overrides})


def make_counter_pricing(plan: Plan, counter: Counter, **overrides: Any) -> CounterPricing:
    """Make a price of 12.50 a unit from 2020 on."""
    fields = {
        "start_date": datetime(2020, 1, 1, tzinfo=UTC),
        "bands": bands((0, 0, Decimal("12.5"))),
        "is_cumulative": True,
    }
    return CounterPricing.objects.create(
        organization_id=plan.organization_id,
        plan=plan,
        counter=counter,
        **{**fields, **overrides},
    )


def make_counter_adjustment(
    account: Account, counter: Counter, day: date, value: int
) -> CounterAdjustment:
    """Set a counter of an account from a day on."""
    return CounterAdjustment.objects.create(
        organization_id=account.organization_id,
        account=account,
        counter=counter,
        date=day,
        value=value,
    )


def counters(mark: str, plan: Plan, account: Account) -> list[models.Model]:
    """Make a counter, its price and an adjustment to no units, so that bills are made."""
    counter = make_counter(account.organization, name=f"{mark} counter")
    return [
        counter,
        make_counter_pricing(plan, counter),
        make_counter_adjustment(account, counter, date(2024, 1, 1), 0),
    ]


def make_plan_group(organization: Organization, *plans: Plan, **overrides: Any) -> PlanGroup:
    """Make a plan group in USD with a minimum spend of 100, and put plans into it."""
    fields = {
        "name": "Suite",
        "code": f"suite-{number()}",
        "currency": "USD",
        "minimum_spend": Decimal(100),
    }
    group = PlanGroup.objects.create(organization=organization, **{**fields, **overrides})
    for plan in plans:
        PlanGroupLink.objects.create(organization=organization, plan_group=group, plan=plan)
    return group


def plan_groups(mark: str, plan: Plan) -> list[models.Model]:
    """Make a plan group with one plan; nothing is attached to it, so that bills are made."""
    group = make_plan_group(plan.organization, plan, name=f"{mark} group")
    return [group, group.links.get()]


def make_compound(aggregation: Aggregation, **overrides: Any) -> CompoundAggregation:
    """Make a global compound of twice the value of an aggregation."""
    fields = {
        "name": "Double",
        "code": f"double_{number()}",
        "calculation": f"aggregation.{aggregation.code} * 2",
        "rounding": "NONE",
        "quantity_per_unit": Decimal(1),
        "unit": "tokens",
        "aggregation_ids": [aggregation.pk],
        "segments": aggregation.segments,
    }
    return CompoundAggregation.objects.create(
        organization_id=aggregation.organization_id, **{**fields, **overrides}
    )
