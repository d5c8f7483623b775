"""Bills that no plan reaches any more do not keep their charges (JOB-8, SCB-2)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.bills import chunks, lifecycle, runs, scheduling
from billing.models import AccountPlan, Bill, BillJobAccount, LineItem
from organizations.kernel import clock, principals
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


def shop_of_june(**config):
    """A plan of 10 a month and 1 a unit since May; 500 units on 10 June; both months billed."""
    shop = making.Shop(config=config, standing_charge=Decimal(10))
    shop.pricing.bands[0]["unitPrice"] = Decimal(1)
    shop.pricing.save()
    account = factories.make_account(shop.organization)
    attached = factories.make_account_plan(
        account, shop.plan, start_date=runners.instant("2024-05-01")
    )
    runners.use(account, shop.meter, "2024-06-10", 500)
    runners.run(shop.organization, "2024-05-31")
    runners.run(shop.organization, "2024-06-30")
    assert totals() == {date(2024, 6, 1): Decimal(10), date(2024, 7, 1): Decimal(510)}
    return shop, attached


def totals() -> dict[date, Decimal]:
    return dict(Bill.objects.values_list("boundary_date", "total"))


def change(attached: AccountPlan, **fields) -> None:
    AccountPlan.objects.filter(pk=attached.pk).update(**fields)


def test_a_bill_of_a_plan_that_ended_before_its_period_becomes_empty():
    shop, attached = shop_of_june()
    change(attached, end_date=runners.instant("2024-06-01"))

    job = runners.run(shop.organization, "2024-06-30")

    june = Bill.objects.get(boundary_date="2024-07-01")
    assert (june.total, june.version, june.line_items.count()) == (0, 2, 0)
    assert (job.billed, job.total_bills) == (1, 1)
    assert Bill.objects.get(boundary_date="2024-06-01").total == 10


def test_a_bill_of_a_plan_that_ended_before_its_period_goes_while_empty_ones_are_suppressed():
    shop, attached = shop_of_june(suppressed_empty_bills=True)
    change(attached, end_date=runners.instant("2024-06-01"))

    runners.run(shop.organization, "2024-06-30")

    assert totals() == {date(2024, 6, 1): Decimal(10)}


def test_a_locked_bill_of_a_plan_that_ended_stays_as_it_is():
    shop, attached = shop_of_june()
    Bill.objects.update(status="APPROVED", is_locked=True)
    before = list(Bill.objects.order_by("id").values())
    change(attached, end_date=runners.instant("2024-06-01"))

    runners.run(shop.organization, "2024-06-30")

    assert list(Bill.objects.order_by("id").values()) == before


def test_an_approved_bill_that_became_empty_is_pending_again():
    shop, attached = shop_of_june(suppressed_empty_bills=True)
    by = principals.system(shop.organization.pk)
    lifecycle.approve(Bill.objects.get(boundary_date="2024-07-01"), by=by, at=clock.now())
    change(attached, end_date=runners.instant("2024-06-01"))

    runners.run(shop.organization, "2024-06-30")

    june = Bill.objects.get(boundary_date="2024-07-01")
    assert (june.status, june.total, june.line_items.count()) == ("PENDING", 0, 0)


def test_a_bill_from_before_a_plans_new_start_becomes_empty():
    shop, attached = shop_of_june()
    change(attached, start_date=runners.instant("2024-06-11"))

    runners.run(shop.organization, "2024-05-31")
    runners.run(shop.organization, "2024-06-30")

    # 20 of 30 days, and no usage of the tenth.
    assert totals() == {date(2024, 6, 1): Decimal(0), date(2024, 7, 1): Decimal("6.67")}


def test_a_bill_of_a_plan_that_was_taken_off_the_account_becomes_empty():
    shop, attached = shop_of_june()
    attached.delete()

    job = runners.run(shop.organization, "2024-06-30")

    assert totals() == {date(2024, 6, 1): Decimal(10), date(2024, 7, 1): Decimal(0)}
    assert job.billed == 1


def test_the_monthly_bills_beside_a_quarterly_plan_in_their_place_become_empty():
    shop, attached = shop_of_june()
    template = factories.make_plan_template(
        shop.plan.plan_template.product,
        standing_charge=Decimal(44),
        bill_frequency="MONTHLY",
        bill_frequency_interval=3,
    )
    quarterly = factories.make_plan(template)
    change(attached, plan_id=quarterly.pk)

    runners.run(shop.organization, "2024-06-30")

    # May and June are 61 of the quarter's 91 days: 44 x 61/91 = 29.49.
    shown = dict(Bill.objects.values_list("start_date", "total"))
    assert shown == {
        date(2024, 4, 1): Decimal("29.49"),
        date(2024, 5, 1): Decimal(0),
        date(2024, 6, 1): Decimal(0),
    }


def test_a_run_of_one_frequency_leaves_bills_of_others_as_they_are():
    shop, attached = shop_of_june()
    change(attached, end_date=runners.instant("2024-06-01"))

    runners.run(shop.organization, "2024-06-30", billing_frequency="DAILY")
    runners.run(shop.organization, "2024-06-30", bill_frequency_interval=3)

    assert totals()[date(2024, 7, 1)] == 510


def test_a_scheduled_run_empties_the_bill_of_a_plan_that_ended_in_retrospect():
    _, attached = shop_of_june(scheduled_bill_interval=1)
    change(attached, end_date=runners.instant("2024-06-01"))

    with time_machine.travel(runners.instant("2024-06-28T10:00"), tick=False):
        for job in scheduling.run_due():
            runs.prepare(job.pk)
            for chunk in job.chunks.all():
                chunks.bill_chunk(chunk.pk)

    assert totals() == {date(2024, 6, 1): Decimal(10), date(2024, 7, 1): Decimal(0)}


MONTHS = ["2024-04-15", "2024-05-15", "2024-06-15", "2024-07-15"]
edges = st.integers(0, 150).map(lambda days: runners.instant("2024-03-15") + timedelta(days=days))
edits = st.one_of(
    st.tuples(st.just("start_date"), edges),
    st.tuples(st.just("end_date"), st.none() | edges),
    st.tuples(st.just("plan"), st.sampled_from([0, 1])),
    st.tuples(st.just("run"), st.sampled_from(MONTHS)),
    st.tuples(st.just("gone"), st.booleans()),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(edits, max_size=8), st.permutations(MONTHS))
def test_after_runs_in_any_order_the_bills_are_those_of_a_calculation_from_nothing(changed, order):
    with transaction.atomic():
        shop = making.Shop(standing_charge=Decimal(10))
        quarterly = factories.make_plan(
            factories.make_plan_template(
                shop.plan.plan_template.product,
                standing_charge=Decimal(44),
                bill_frequency_interval=3,
            )
        )
        factories.make_pricing(quarterly, shop.aggregation)
        account = factories.make_account(shop.organization)
        for month in range(3, 9):
            runners.use(account, shop.meter, f"2024-0{month}-10", month)
        fields = {"start_date": runners.instant("2024-04-01"), "end_date": None, "plan": 0}
        for what, value in [*changed, *(("run", day) for day in order)]:
            if what == "run":
                runners.run(shop.organization, value)
                continue
            fields[what] = value
            AccountPlan.objects.all().delete()
            ends = fields["end_date"]
            if fields.get("gone") or (ends is not None and ends <= fields["start_date"]):
                continue
            factories.make_account_plan(
                account,
                [shop.plan, quarterly][fields["plan"]],
                start_date=fields["start_date"],
                end_date=ends,
            )

        stored = _charged(shop)
        Bill.objects.all().delete()
        for day in MONTHS:
            runners.run(shop.organization, day)

        assert stored == _charged(shop)
        transaction.set_rollback(True)


def _charged(shop: making.Shop) -> list[tuple[object, ...]]:
    """What stands on the organization's bills: those without a line say nothing."""
    parked = BillJobAccount.objects.filter(status="PARKED").order_by("id").values_list("reason")
    assert list(parked) == []
    return list(
        LineItem.objects.order_by(
            "bill__boundary_date", "bill__bill_frequency_interval", "sequence_number"
        ).values_list(
            "bill__start_at", "bill__end_at", "line_item_type", "quantity", "subtotal",
            "service_period_start", "service_period_end",
        )
    )  # fmt: skip
