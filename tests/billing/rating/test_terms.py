"""Which level of the catalogue sets a charge (PLN-3, PLN-4, STC-8, MIN-8)."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from billing.rating.terms import ChargeSettings, minimum_spend, standing_charge

SILENT = ChargeSettings()


def test_the_plan_wins_over_the_template_setting_by_setting():
    product = uuid4()
    plan = ChargeSettings(description="Base fee", accounting_product_id=product)
    template = ChargeSettings(amount=Decimal(20), in_advance=True, description="Fee")

    charge = standing_charge(plan, template, organization_in_advance=False, interval=2, offset=1)

    assert charge is not None
    assert (charge.amount, charge.in_advance) == (20, True)
    assert (charge.description, charge.accounting_product_id) == ("Base fee", product)
    assert (charge.interval, charge.offset) == (2, 1)


def test_zero_on_the_plan_switches_the_template_charge_off():
    plan, template = ChargeSettings(amount=Decimal(0)), ChargeSettings(amount=Decimal(20))

    assert standing_charge(plan, template, organization_in_advance=False) is None
    assert minimum_spend(plan, template, organization_in_advance=False) is None


def test_no_level_says_anything_means_no_charge():
    assert standing_charge(SILENT, SILENT, organization_in_advance=True) is None
    assert minimum_spend(SILENT, organization_in_advance=True) is None


@pytest.mark.parametrize(
    ("plan", "template", "organization", "expected"),
    [
        (None, None, False, False),
        (None, None, True, True),
        (None, False, True, False),
        (False, True, True, False),
        (True, False, False, True),
    ],
)
def test_the_flag_is_the_first_one_given(plan, template, organization, expected):
    levels = (
        ChargeSettings(amount=Decimal(1), in_advance=plan),
        ChargeSettings(in_advance=template),
    )

    charge = standing_charge(*levels, organization_in_advance=organization)
    minimum = minimum_spend(*levels, organization_in_advance=organization)

    assert charge is not None
    assert minimum is not None
    assert (charge.in_advance, minimum.in_advance) == (expected, expected)


def test_an_empty_description_says_nothing():
    plan = ChargeSettings(amount=Decimal(1), description="")

    charge = standing_charge(plan, ChargeSettings(description="Fee"), organization_in_advance=False)

    assert charge is not None
    assert charge.description == "Fee"
