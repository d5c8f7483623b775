"""Explanations of line items: the sentence, the table, and whether it would come out again."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.bills import explain
from billing.models import Bill, LineItem, LineItemType
from catalog.models import Plan, Pricing
from organizations.models import Event, Organization, OrganizationConfig
from tests import factories
from tests.billing.bills import runners

pytestmark = pytest.mark.django_db

TIERS = ((0, 0, "0.10"), (1000, 0, "0.05"))


def priced_plan(organization: Organization, meter: Any, **template: Any) -> Plan:
    """A monthly plan whose tokens cost 0.10, and 0.05 above 1,000."""
    product = factories.make_product(organization)
    plan = factories.make_plan(factories.make_plan_template(product, **template))
    factories.make_pricing(plan, factories.make_aggregation(meter), bands=factories.bands(*TIERS))
    return plan


def june_bill(organization: Organization, *, used: int = 1500, config: Any = None, **plan: Any):
    """A bill of June 2024 for an account that used tokens twice; starts on June 16 on demand."""
    account_plan = plan.pop("account_plan", {})
    account = factories.make_account(organization, **plan.pop("account", {}))
    meter = factories.make_meter(organization)
    priced = priced_plan(organization, meter, **plan)
    factories.make_account_plan(account, priced, **account_plan)
    runners.use(account, meter, "2024-06-20", used - 500)
    runners.use(account, meter, "2024-06-21", 500)
    runners.run(organization, "2024-06-30")
    return Bill.objects.get(account=account)


def line_of(bill: Bill, line_type: str) -> LineItem:
    return bill.line_items.get(line_item_type=line_type)


def rows(explained: explain.Explanation) -> list[tuple[str, str, str]]:
    return [(step.label, step.reckoning, step.result) for step in explained.steps]


def test_usage_is_explained_by_its_bands_and_measurements():
    bill = june_bill(factories.make_organization())

    explained = explain.explain(line_of(bill, "USAGE"))

    # 1,000 x 0.10 = 100; 500 x 0.05 = 25.
    assert explained.sentence == (
        "1,000 tokens x 0.10 + 500 x 0.05 = 125.00 USD, from 2 measurements."
    )
    assert rows(explained) == [
        ("Price", "each band's units at that band's price", "2 bands"),
        ("Measurements", "SUM of Tokens, 1 a unit", "2 measurements"),
        ("Quantity", "SUM of Tokens", "1500"),
        ("Units", "1500 / 1, not rounded", "1500 tokens"),
        ("Band above 0", "1000 x 0.1", "100"),
        ("Band above 1000", "500 x 0.05", "25"),
        ("Subtotal", "rounded to 2 decimal places (HALF_UP)", "125.00 USD"),
    ]
    assert explained.recomputed.matches is True
    assert explained.current.matches is True
    assert explained.current.differences == ()


def test_a_conversion_and_a_rounding_are_part_of_the_sentence():
    organization = factories.make_organization(
        currency_conversions=[{"from": "USD", "to": "EUR", "multiplier": Decimal("0.92")}]
    )
    factories.make_currency(organization, code="EUR")
    bill = june_bill(organization, used=501, account={"currency": "EUR"})
    Pricing.objects.update(bands=factories.bands((0, 0, "0.00125")))
    runners.run(organization, "2024-06-30")

    explained = explain.explain(line_of(bill, "USAGE"))

    # 501 x 0.00125 = 0.62625 -> 0.63 USD; x 0.92 = 0.5796 -> 0.58 EUR.
    assert explained.sentence == (
        "501 tokens x 0.00125 = 0.62625, rounded to 0.63 USD, from 2 measurements, "
        "x 0.92 = 0.58 EUR."
    )
    assert rows(explained)[-1] == (
        "In the bill's currency",
        "0.63 x 0.92, rounded to 2 decimal places (HALF_UP)",
        "0.58 EUR",
    )
    assert explained.current.matches is True


def test_fixed_prices_stand_in_the_sentence():
    organization = factories.make_organization()
    bill = june_bill(organization)
    Pricing.objects.update(bands=factories.bands((0, 7, "0.1"), (1000, 5, 0)))
    runners.run(organization, "2024-06-30")

    explained = explain.explain(line_of(bill, "USAGE"))

    # 1,000 x 0.1 + 7 + 500 x 0 + 5 = 112.
    assert explained.sentence == (
        "1,000 tokens x 0.10 + 7.00 fixed + 500 x 0.00 + 5.00 fixed = 112.00 USD, "
        "from 2 measurements."
    )


def test_a_fixed_price_taken_back_is_subtracted():
    bill = june_bill(factories.make_organization())
    line = line_of(bill, "USAGE")
    line.band_usage = [{**line.band_usage[0], "bandSubtotal": Decimal(93)}]
    line.subtotal = Decimal(93)

    # 1,000 x 0.10 = 100, of which 7 fixed are taken back.
    assert explain.explain(line).sentence == (
        "1,000 tokens x 0.10 - 7.00 fixed = 93.00 USD, from 2 measurements."
    )


def test_a_standing_charge_is_explained_by_days():
    bill = june_bill(
        factories.make_organization(),
        standing_charge=Decimal(60),
        account_plan={"start_date": datetime(2024, 6, 16, tzinfo=UTC)},
    )

    explained = explain.explain(line_of(bill, "STANDING_CHARGE"))

    # June 16 to 30 are 15 of 30 days.
    assert explained.sentence == "60.00 x 15/30 days = 30.00 USD."
    assert rows(explained) == [
        ("By days", "60 x (15/30) days", "30"),
        ("Subtotal", "rounded to 2 decimal places (HALF_UP)", "30.00 USD"),
    ]
    assert explained.recomputed.matches is True
    assert explained.current.matches is True


def test_a_minimum_spend_is_explained_by_what_was_charged():
    bill = june_bill(factories.make_organization(), minimum_spend=Decimal(200))

    explained = explain.explain(line_of(bill, "MINIMUM_SPEND"))

    assert explained.sentence == ("200.00 minimum spend x 30/30 days - 125.00 charged = 75.00 USD.")
    assert rows(explained)[:2] == [
        ("By days", "200 x (30/30) days", "200"),
        ("Shortfall", "200 - 125 charged", "75"),
    ]
    assert explained.current.matches is True


def test_a_refund_of_a_minimum_spend_names_the_smaller_amount():
    organization = factories.make_organization()
    account = factories.make_account(organization)
    meter = factories.make_meter(organization)
    plan = priced_plan(
        organization, meter, minimum_spend=Decimal(200), minimum_spend_bill_in_advance=True
    )
    factories.make_account_plan(account, plan)
    runners.use(account, meter, "2024-06-20", 1500)
    runners.run(organization, "2024-05-31")
    runners.run(organization, "2024-06-30")
    bill = Bill.objects.get(account=account, boundary_date="2024-07-01")

    explained = explain.explain(line_of(bill, "MINIMUM_SPEND_REFUND"))

    assert explained.sentence == (
        "200.00 minimum spend was billed in advance and 125.00 charged: "
        "the smaller is given back = -125.00 USD."
    )
    assert rows(explained)[0] == ("Refund", "the smaller of 200 and 125", "-125")
    assert explained.recomputed.matches is True
    assert explained.current.matches is True


def test_a_line_written_by_a_person_has_nothing_to_compare_with():
    bill = june_bill(factories.make_organization())
    memo = LineItem.objects.create(
        organization_id=bill.organization_id,
        bill=bill,
        line_key="memo",
        line_item_type=LineItemType.CREDIT_MEMO,
        sequence_number=9,
        description="Goodwill",
        quantity=1,
        units=1,
        subtotal=Decimal(-5),
        converted_subtotal=Decimal(-5),
        currency="USD",
        service_period_start=bill.start_at,
        service_period_end=bill.end_at,
    )

    explained = explain.explain(memo)

    assert explained.sentence == "Goodwill: -5.00 USD."
    assert rows(explained) == [("Amount", "Goodwill", "-5.00 USD")]
    assert (explained.recomputed.matches, explained.current.matches) == (None, None)


def test_a_price_changed_since_is_named_with_what_it_would_do():
    bill = june_bill(factories.make_organization())
    Pricing.objects.update(bands=factories.bands((0, 0, "0.10"), (1000, 0, "0.04")))

    explained = explain.explain(line_of(bill, "USAGE"))

    # 1,000 x 0.10 + 500 x 0.04 = 120.
    assert explained.recomputed.matches is True
    assert explained.current.matches is False
    assert [(one.field, one.stored, one.now) for one in explained.current.differences] == [
        ("subtotal", Decimal(125), Decimal(120)),
        ("convertedSubtotal", Decimal(125), Decimal(120)),
        ("bands", "above 0: 0.1; above 1000: 0.05", "above 0: 0.1; above 1000: 0.04"),
    ]
    assert explained.current.summary == (
        "Calculated today the amount would be 120.00 USD instead of 125.00 USD. "
        "Recalculate the bill to take this over."
    )


def test_late_usage_is_a_difference_of_quantity_and_measurements():
    organization = factories.make_organization()
    account = factories.make_account(organization)
    meter = factories.make_meter(organization)
    factories.make_account_plan(account, priced_plan(organization, meter))
    runners.use(account, meter, "2024-06-20", 100)
    runners.run(organization, "2024-06-30")
    runners.use(account, meter, "2024-06-21", 20)

    explained = explain.explain(line_of(Bill.objects.get(account=account), "USAGE"))

    # 120 x 0.10 = 12 instead of 10.
    assert [(one.field, one.stored, one.now) for one in explained.current.differences] == [
        ("quantity", Decimal(100), Decimal(120)),
        ("units", Decimal(100), Decimal(120)),
        ("subtotal", Decimal(10), Decimal(12)),
        ("convertedSubtotal", Decimal(10), Decimal(12)),
        ("eventCount", 1, 2),
    ]


def test_a_price_renamed_or_saved_again_is_no_difference():
    bill = june_bill(factories.make_organization())
    for pricing in Pricing.objects.all():
        pricing.version += 1
        pricing.bands = factories.bands(*TIERS)
        pricing.save()

    explained = explain.explain(line_of(bill, "USAGE"))

    assert explained.current.matches is True


def test_an_amount_changed_by_hand_does_not_follow_from_its_record():
    bill = june_bill(factories.make_organization())
    line = line_of(bill, "USAGE")
    line.subtotal = Decimal(126)

    explained = explain.explain(line)

    assert explained.recomputed.matches is False
    assert [(one.field, one.stored, one.now) for one in explained.recomputed.differences] == [
        ("subtotal", Decimal(126), Decimal(125))
    ]


def test_a_locked_bill_is_compared_and_stays_as_it_is():
    bill = june_bill(factories.make_organization())
    Bill.objects.update(status="APPROVED", is_locked=True)
    bill.refresh_from_db()
    Pricing.objects.update(bands=factories.bands((0, 0, "0.2")))

    explained = explain.explain(line_of(bill, "USAGE"))

    # 1,500 x 0.2 = 300.
    assert explained.current.summary == (
        "Calculated today the amount would be 300.00 USD instead of 125.00 USD. "
        "The bill is locked, so it stays as it is."
    )
    assert line_of(bill, "USAGE").subtotal == Decimal(125)


def test_a_line_whose_price_is_gone_would_not_be_on_the_bill():
    bill = june_bill(factories.make_organization())
    Pricing.objects.all().delete()

    explained = explain.explain(line_of(bill, "USAGE"))

    assert [(one.field, one.stored, one.now) for one in explained.current.differences] == [
        ("lineItem", "125.00 USD", None)
    ]


def test_a_bill_that_cannot_be_calculated_today_says_why():
    organization = factories.make_organization(
        currency_conversions=[{"from": "USD", "to": "EUR", "multiplier": Decimal("0.92")}]
    )
    factories.make_currency(organization, code="EUR")
    bill = june_bill(organization, account={"currency": "EUR"})
    OrganizationConfig.objects.filter(organization=organization).update(currency_conversions=[])

    explained = explain.explain(line_of(bill, "USAGE"))

    assert explained.recomputed.matches is True
    assert explained.current.matches is None
    assert explained.current.summary.startswith(
        "The bill cannot be calculated today: There is no conversion rate from USD to EUR"
    )


def test_explaining_changes_nothing():
    bill = june_bill(factories.make_organization(), standing_charge=Decimal(60))
    before = state_of(bill)
    Pricing.objects.update(bands=factories.bands((0, 0, "0.2")))

    explained = explain.explain_bill(bill)

    assert [one.line.line_item_type for one in explained] == ["STANDING_CHARGE", "USAGE"]
    assert [one.current.matches for one in explained] == [True, False]
    assert state_of(bill) == before


def test_a_bill_of_many_lines_is_explained_with_the_queries_of_one_line():
    organization = factories.make_organization()
    short = june_bill(organization)
    long = june_bill(organization, standing_charge=Decimal(60), minimum_spend=Decimal(200))

    with CaptureQueriesContext(connection) as for_one:
        assert len(explain.explain_bill(short)) == 1
    with CaptureQueriesContext(connection) as for_three:
        assert len(explain.explain_bill(long)) == 3

    assert len(for_three) == len(for_one)


def state_of(bill: Bill) -> Any:
    return (
        list(Bill.objects.values()),
        list(LineItem.objects.order_by("id").values()),
        Event.objects.count(),
    )
