"""Compound aggregations on bills: segments, prices that change, custom fields, lookups, faults."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.bills import explain, snapshot
from billing.bills.selection import DueBills
from billing.models import AccountPlan, Bill, BillJob
from billing.usage import deriving
from catalog.calculations import CalculationFailed
from catalog.models import Aggregation, Plan, Pricing
from organizations.models import Alert
from tests import factories
from tests.billing.bills import compounded, runners

pytestmark = pytest.mark.django_db


def figures(lines: Any) -> list[tuple[Decimal, Decimal]]:
    return [(line.quantity, line.subtotal) for line in lines]


def attached(organization: Any, calculation: str, *, price: Any = 1, **fields: Any) -> Any:
    """Make an account on a plan that prices a compound of ``a`` and ``b``, sums of one meter."""
    account = factories.make_account(organization, code="acme")
    meter = compounded.make_meter(organization, ["a", "b"])
    for code in ("a", "b"):
        compounded.make_sum(meter, code)
    compound = compounded.make_compound(organization, calculation)
    plan = compounded.make_plan(organization)
    compounded.make_pricing(plan, compound, price, **fields)
    factories.make_account_plan(account, plan)
    return account, meter


def test_each_price_of_a_changed_period_takes_the_base_values_of_its_own_time(organization):
    account, meter = attached(
        organization, "aggregation.a - aggregation.b", end_date=runners.instant("2024-06-16")
    )
    first = Pricing.objects.get()
    compounded.make_pricing(
        first.plan, first.compound_aggregation, 3, start_date=runners.instant("2024-06-16")
    )
    compounded.measure(account, meter, "2024-06-15", {"a": Decimal(10), "b": Decimal(4)})
    compounded.measure(account, meter, "2024-06-16", {"a": Decimal(7), "b": Decimal(2)})

    runners.run(organization, "2024-06-30")

    # 10 - 4 = 6 at 1.00; 7 - 2 = 5 at 3.00.
    assert figures(compounded.lines(account)) == [(6, 6), (5, 15)]


def test_tiers_of_a_compound_that_span_the_plan_go_on_in_the_next_period(organization):
    account, meter = attached(organization, "aggregation.a + aggregation.b", tiers_span_plan=True)
    Pricing.objects.update(bands=factories.bands((0, 0, 1), (10, 0, 2)))
    AccountPlan.objects.update(start_date=runners.instant("2024-05-01"))
    compounded.measure(account, meter, "2024-05-10", {"a": Decimal(5), "b": Decimal(3)})
    compounded.measure(account, meter, "2024-06-10", {"a": Decimal(4), "b": Decimal(1)})

    runners.run(organization, "2024-06-30")

    # May had 8 of the first 10; June has 2 at 1.00 and 3 at 2.00.
    assert figures(compounded.lines(account)) == [(5, 8)]


def test_a_compound_of_one_segmented_aggregation_is_rated_segment_by_segment(organization):
    account = factories.make_account(organization)
    meter = compounded.make_meter(organization, ["used", "seats"], ["region"])
    segments = [{"region": "eu"}, {"region": "us"}]
    compounded.make_sum(meter, "used", segmented_fields=["region"], segments=segments)
    compounded.make_sum(meter, "seats")
    compound = compounded.make_compound(organization, "aggregation.used - aggregation.seats * 2")
    plan = compounded.make_plan(organization)
    for price, segment in zip((1, 10), segments, strict=True):
        compounded.make_pricing(plan, compound, price, segment=segment, segment_key=str(segment))
    factories.make_account_plan(account, plan)
    for region, used in (("eu", 30), ("us", 12), ("asia", 99)):
        values = {"used": Decimal(used), "region": region}
        compounded.measure(account, meter, "2024-06-10", values)
    compounded.measure(account, meter, "2024-06-10", {"seats": Decimal(5)})

    runners.run(organization, "2024-06-30")

    assert compound.segments == segments
    lines = compounded.lines(account)
    # Seats are 5 in each: 30 - 10 = 20 at 1.00, 12 - 10 = 2 at 10.00; asia is in no segment.
    assert [(line.description, line.segment, line.quantity, line.subtotal) for line in lines] == [
        ("Margin (eu)", {"region": "eu"}, 20, 20),
        ("Margin (us)", {"region": "us"}, 2, 20),
    ]
    assert {line.compound_aggregation_id for line in lines} == {compound.pk}
    assert {line.aggregation_id for line in lines} == {None}
    assert all(explain.explain(line).recomputed.matches for line in lines)


def test_without_the_segment_in_an_aggregation_there_is_no_quantity(organization):
    account = factories.make_account(organization)
    meter = compounded.make_meter(organization, ["used"], ["region"])
    segment = {"region": "eu"}
    compounded.make_sum(meter, "used", segmented_fields=["region"], segments=[segment])
    compound = compounded.make_compound(organization, "aggregation.used * 2")
    plan = compounded.make_plan(organization)
    compounded.make_pricing(plan, compound, segment=segment, segment_key=str(segment))
    factories.make_account_plan(account, plan)
    compounded.measure(account, meter, "2024-06-10", {"used": Decimal(1), "region": "eu"})
    Aggregation.objects.update(segments=[{"region": "us"}])

    job = runners.run(organization, "2024-06-30")

    assert (job.billed, job.parked, compounded.lines(account)) == (1, 0, [])


def test_custom_fields_come_from_the_account_plan_plan_template_and_product(organization):
    entities = ("accountPlan", "plan", "planTemplate", "product")
    compounded.set_defaults(organization, {one: {"x": 1} for one in entities})
    text = " + ".join(f"{one}.x * {10**place}" for place, one in enumerate(entities))
    account, _ = attached(organization, text)
    AccountPlan.objects.update(custom_fields={"x": 2})
    plan = Plan.objects.select_related("plan_template__product").get()
    for place, row in enumerate((plan, plan.plan_template, plan.plan_template.product)):
        row.custom_fields = {"x": place + 3}
        row.save()

    runners.run(organization, "2024-06-30")

    assert figures(compounded.lines(account)) == [(5432, 5432)]


class _Tables:
    """Lookup tables with one row."""

    def find(self, table: str, field: str, keys: tuple[Any, ...]) -> Any:
        if table != "rates":
            raise CalculationFailed("there is no such lookup table")
        return Decimal("0.5") if (field, keys) == ("rate", ("acme",)) else None


def test_a_lookup_is_kept_with_the_line_and_not_asked_again_to_explain_it(
    organization, monkeypatch
):
    monkeypatch.setattr(deriving, "lookup_of", lambda organization_id: _Tables())
    account, meter = attached(
        organization,
        'aggregation.a * Lookup.findNumber("rates", "rate", 9, "account")'
        ' + Lookup.findNumber("rates", "rate", 3, "nobody")',
        price=2,
    )
    compounded.measure(account, meter, "2024-06-10", {"a": Decimal(40)})

    runners.run(organization, "2024-06-30")
    monkeypatch.undo()

    [line] = compounded.lines(account)
    explained = explain.explain(line)
    # 40 x 0.5 + 3 = 23; 23 x 2.00 = 46.
    assert (line.quantity, line.subtotal) == (23, 46)
    assert explained.recomputed.matches is True
    assert ("Lookup table rates", "rate of acme", "0.5") in [
        (step.label, step.reckoning, step.result) for step in explained.steps
    ]


def test_a_calculation_that_fails_charges_nothing_and_raises_an_alert(organization):
    account, meter = attached(organization, "aggregation.a / aggregation.b")
    compounded.measure(account, meter, "2024-06-10", {"a": Decimal(4), "b": Decimal(0)})

    job = runners.run(organization, "2024-06-30")

    assert (job.billed, job.parked, compounded.lines(account)) == (1, 0, [])
    alert = Alert.objects.get(type="CALCULATION_FAILED")
    assert (alert.severity, alert.account_id, alert.resource_id) == ("WARN", account.pk, job.pk)
    assert alert.description == (
        "Account acme was billed without compound aggregation Margin: division by zero."
    )


def test_a_custom_field_default_that_was_taken_away_fails_the_calculation_only(organization):
    compounded.set_defaults(organization, {"organization": {"flat": 3}})
    account, _ = attached(organization, "organization.flat")
    compounded.set_defaults(organization, {"organization": {}})

    job = runners.run(organization, "2024-06-30")

    assert (job.billed, job.parked, compounded.lines(account)) == (1, 0, [])
    assert "organization.flat" in Alert.objects.get(type="CALCULATION_FAILED").description


def test_an_explanation_shows_base_values_and_calculation(organization):
    account, meter = attached(organization, "aggregation.a\n - aggregation.b", price="0.50")
    compounded.measure(account, meter, "2024-06-10", {"a": Decimal(10), "b": Decimal(4)})
    runners.run(organization, "2024-06-30")

    [line] = compounded.lines(account)
    explained = explain.explain(line)

    assert explained.sentence == (
        "6 points x 0.50 = 3.00 USD, calculated as aggregation.a - aggregation.b."
    )
    assert [(step.label, step.reckoning, step.result) for step in explained.steps][:5] == [
        ("Price", "each band's units at that band's price", "1 band"),
        ("Sum of a", "aggregation.a, 1 measurement", "10"),
        ("Sum of b", "aggregation.b, 1 measurement", "4"),
        ("Quantity", "aggregation.a - aggregation.b", "6"),
        ("Units", "6 / 1, not rounded", "6 points"),
    ]


def test_a_line_whose_record_was_changed_is_not_confirmed(organization):
    account, meter = attached(organization, "aggregation.a - aggregation.b")
    compounded.measure(account, meter, "2024-06-10", {"a": Decimal(10), "b": Decimal(4)})
    runners.run(organization, "2024-06-30")
    [line] = compounded.lines(account)

    line.calculation["compound"]["values"][0]["number"] = "11"

    assert explain.explain(line).recomputed.matches is False


def test_late_usage_changes_the_line_and_calculating_again_changes_nothing(organization):
    account, meter = attached(organization, "aggregation.a * 2")
    compounded.measure(account, meter, "2024-06-10", {"a": Decimal(10)})
    runners.run(organization, "2024-06-30")
    [first] = compounded.lines(account)

    runners.run(organization, "2024-06-30")
    [second] = compounded.lines(account)
    compounded.measure(account, meter, "2024-06-11", {"a": Decimal(1)})
    runners.run(organization, "2024-06-30")
    [third] = compounded.lines(account)

    assert (second.pk, second.version) == (first.pk, first.version)
    assert (third.pk, third.quantity) == (first.pk, 22)


def test_the_number_of_queries_does_not_depend_on_accounts_or_compounds(organization):
    compounded.set_defaults(organization, {"account": {"rate": 1}, "plan": {"rate": 1}})
    account, _ = attached(organization, "aggregation.a * account.rate * plan.rate")
    plan = Plan.objects.get()
    ids = [account.pk]
    for number in range(5):
        compound = compounded.make_compound(
            organization, f"aggregation.b + {number} + account.rate", code=f"more_{number}"
        )
        compounded.make_pricing(plan, compound)
        other = factories.make_account(organization)
        factories.make_account_plan(other, plan)
        ids.append(other.pk)

    def queries(account_ids: list[Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            snapshot.take(organization.pk, account_ids, DueBills(on=date(2024, 6, 15)))
        return len(captured)

    assert queries(ids) == queries(ids[:1])


def test_compounds_of_another_organization_are_not_referred_to(organization):
    other = factories.make_organization()
    theirs, meter = attached(other, "aggregation.a * 100")
    account, own_meter = attached(organization, "aggregation.a * 2")
    compounded.measure(theirs, meter, "2024-06-10", {"a": Decimal(1)})
    compounded.measure(account, own_meter, "2024-06-10", {"a": Decimal(1)})

    runners.run(organization, "2024-06-30")
    runners.run(other, "2024-06-30")

    assert figures(compounded.lines(account)) == [(2, 2)]
    assert figures(compounded.lines(theirs)) == [(100, 100)]
    assert (BillJob.objects.count(), Bill.objects.count()) == (2, 2)
