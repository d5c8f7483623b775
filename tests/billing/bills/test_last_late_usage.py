"""Accepted late usage of an account whose plans are over: a bill of its own date charges it."""

import pytest

from billing.models import AccountPlan, Bill, LateUsage, LineItem
from organizations.models import OrganizationConfig
from tests.billing.bills import runners
from tests.billing.bills.arriving import Late

pytestmark = pytest.mark.django_db


def left() -> Late:
    """April is billed and locked, the plan ended with it, and 50 more units arrived."""
    late = Late("NEXT_BILL")
    AccountPlan.objects.update(end_date=late.april.end_at)
    late.arrives(50)
    late.check()
    return late


def of_own_date() -> list[tuple[str, str, int]]:
    return [
        (str(bill.boundary_date), bill.status, bill.total)
        for bill in Bill.objects.filter(billing_frequency="AD_HOC").order_by("boundary_date")
    ]


def test_without_a_next_bill_a_run_makes_one_for_it():
    late = left()

    runners.run(late.organization, "2024-05-31")

    assert of_own_date() == [("2024-06-01", "PENDING", 5)]
    (line,) = LineItem.objects.filter(bill__billing_frequency="AD_HOC")
    assert (line.line_item_type, line.units, line.referenced_bill_id) == (
        "AD_HOC", 50, late.april.pk,
    )  # fmt: skip
    assert line.service_period_start == late.april.start_at


def test_it_stands_on_that_bill_however_often_runs_come():
    late = left()

    for day in ("2024-05-31", "2024-05-31", "2024-06-30", "2024-05-31"):
        assert runners.run(late.organization, day).parked == 0

    assert of_own_date() == [("2024-06-01", "PENDING", 5)]
    assert LateUsage.objects.get().charged_on == Bill.objects.get(billing_frequency="AD_HOC")


def test_what_is_open_or_ignored_makes_no_bill():
    late = Late()
    AccountPlan.objects.update(end_date=late.april.end_at)
    late.arrives(50)
    late.check()

    runners.run(late.organization, "2024-05-31")

    assert (LateUsage.objects.get().status, of_own_date()) == ("OPEN", [])


def test_an_account_whose_plan_goes_on_waits_for_its_next_bill():
    late = Late("NEXT_BILL")
    late.arrives(50)
    late.check()

    runners.run(late.organization, "2024-05-31", billing_frequency="AD_HOC")
    assert of_own_date() == []

    assert late.bill("2024-05-31").total == 5


def test_a_consolidated_bill_takes_late_usage_of_one_that_was_consolidated_too():
    late = Late("NEXT_BILL")
    OrganizationConfig.objects.update(consolidate_bills=True)
    Bill.objects.filter(pk=late.april.pk).update(grouping="*")
    late.arrives(50)
    late.check()

    runners.run(late.organization, "2024-05-31")

    assert Bill.objects.get(boundary_date="2024-06-01").total == 5
