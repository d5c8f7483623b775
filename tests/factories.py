"""Rows for tests: ``make_x(**overrides)`` writes only what matters to the test."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.models import Account, AccountPlan
from catalog.models import Aggregation, Meter, Plan, PlanTemplate, Pricing, Product
from organizations import founding
from organizations.kernel import changes, ids, principals
from organizations.models import (
    Currency,
    Organization,
    OrganizationConfig,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
)
from tests import founded_copies

_numbers = itertools.count(1)


def number() -> int:
    """Return a number no other row of this test run has."""
    return next(_numbers)


def make_founded(**overrides: Any) -> founding.Founded:
    """Found an organization; the result has ``organization``, key and secret.

    In a test that commits, or with fields of its own, it is founded in earnest.
    """
    fields = {"name": f"Organization {number()}", "admin_email": f"admin{number()}@example.com"}
    if connection.in_atomic_block and overrides.keys() <= {"admin_password"}:
        return founded_copies.copy(
            name=fields["name"],
            email=fields["admin_email"],
            password=overrides.get("admin_password"),
        )
    return founding.found(**{**fields, **overrides})


def make_organization(**config: Any) -> Organization:
    """Found an organization and set fields of its configuration."""
    organization = make_founded().organization
    if config:
        OrganizationConfig.objects.filter(organization=organization).update(**config)
    return organization


def make_attachment(policy: PermissionPolicy, kind: str, principal_id: Any) -> PolicyAttachment:
    """Attach a policy, with what follows from it (A5.14)."""
    row = PolicyAttachment(
        organization_id=policy.organization_id,
        policy=policy,
        principal_type=PrincipalType(kind),
        principal_id=principal_id,
    )
    return changes.create(row, by=principals.system(policy.organization_id))


def make_currency(organization: Organization, **overrides: Any) -> Currency:
    """Make a currency, EUR unless said otherwise."""
    return Currency.objects.create(
        organization=organization, **{"code": "EUR", "name": "Euro", **overrides}
    )


def make_product(organization: Organization, **overrides: Any) -> Product:
    """Make a product."""
    fields = {"name": "Inference", "code": f"product-{number()}"}
    return Product.objects.create(organization=organization, **{**fields, **overrides})


def make_meter(organization: Organization, **overrides: Any) -> Meter:
    """Make a global meter with one MEASURE field ``tokens``."""
    fields = {
        "name": "Requests",
        "code": f"meter-{number()}",
        "data_fields": [
            {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "tokens"}
        ],
        "derived_fields": [],
    }
    return Meter.objects.create(organization=organization, **{**fields, **overrides})


def make_aggregation(meter: Meter, **overrides: Any) -> Aggregation:
    """Make a SUM of the meter's first field, one unit each, no rounding."""
    fields = {
        "name": "Tokens",
        "code": f"aggregation_{number()}",
        "target_field": meter.data_fields[0]["code"],
        "aggregation": "SUM",
        "rounding": "NONE",
        "quantity_per_unit": Decimal(1),
        "unit": "tokens",
    }
    return Aggregation.objects.create(
        organization_id=meter.organization_id, meter=meter, **{**fields, **overrides}
    )


def make_plan_template(product: Product, **overrides: Any) -> PlanTemplate:
    """Make a monthly template in USD without standing charge."""
    fields = {
        "name": "Monthly",
        "code": f"template-{number()}",
        "currency": "USD",
        "bill_frequency": "MONTHLY",
        "standing_charge": Decimal(0),
    }
    return PlanTemplate.objects.create(
        organization_id=product.organization_id, product=product, **{**fields, **overrides}
    )


def make_plan(template: PlanTemplate, **overrides: Any) -> Plan:
    """Make a plan that changes nothing of its template."""
    fields = {"name": "Standard", "code": f"plan-{number()}"}
    return Plan.objects.create(
        organization_id=template.organization_id, plan_template=template, **{**fields, **overrides}
    )


def bands(*steps: tuple[Any, Any, Any]) -> list[dict[str, Any]]:
    """Return pricing bands from (lower limit, fixed price, unit price) triples."""
    return [
        {
            "id": str(ids.new_id()),
            "lowerLimit": Decimal(str(lower)),
            "fixedPrice": Decimal(str(fixed)),
            "unitPrice": Decimal(str(unit)),
        }
        for lower, fixed, unit in steps
    ]


def make_pricing(plan: Plan, aggregation: Aggregation, **overrides: Any) -> Pricing:
    """Make a pricing of 0.10 a unit from 2020 on."""
    fields = {
        "start_date": datetime(2020, 1, 1, tzinfo=UTC),
        "bands": bands((0, 0, "0.10")),
        "is_cumulative": True,
    }
    return Pricing.objects.create(
        organization_id=plan.organization_id,
        plan=plan,
        aggregation=aggregation,
        **{**fields, **overrides},
    )


def make_account(organization: Organization, **overrides: Any) -> Account:
    """Make an account billed in the organization's currency."""
    n = number()
    fields = {
        "name": f"Account {n}",
        "code": f"account-{n}",
        "email_address": f"account{n}@example.com",
    }
    return Account.objects.create(organization=organization, **{**fields, **overrides})


def make_account_plan(account: Account, plan: Plan, **overrides: Any) -> AccountPlan:
    """Attach a plan to an account from 2024 on."""
    fields = {"start_date": datetime(2024, 1, 1, tzinfo=UTC)}
    return AccountPlan.objects.create(
        organization_id=account.organization_id,
        account=account,
        plan=plan,
        product=plan.plan_template.product,
        **{**fields, **overrides},
    )
