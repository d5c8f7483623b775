"""Plan groups on real bills: rated as their plans, and once more for their own charges."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import representations
from billing.bills import explain, snapshot
from billing.bills.selection import DueBills
from billing.models import AccountPlan, Bill
from catalog.models import PlanGroupLink
from tests import factories
from tests.billing.bills import runners
from tests.catalog import rows

pytestmark = pytest.mark.django_db


class Suite:
    """A group of two products, 1.00 a unit each, with a minimum of 250 a month."""

    def __init__(self, **group):
        self.organization = factories.make_organization()
        self.meters, self.plans = [], []
        for name in ("Alpha", "Beta"):
            self.add(name)
        self.group = rows.make_plan_group(
            self.organization, *self.plans, **{"minimum_spend": Decimal(250), **group}
        )

    def add(self, name, **template):
        product = factories.make_product(self.organization, name=name, code=name.lower())
        fields = {"standing_charge": Decimal(10), **template}
        plan = factories.make_plan(factories.make_plan_template(product, **fields))
        meter = factories.make_meter(self.organization)
        factories.make_pricing(
            plan, factories.make_aggregation(meter), bands=factories.bands((0, 0, 1))
        )
        self.plans.append(plan)
        self.meters.append(meter)
        return plan

    def account(self):
        account = factories.make_account(self.organization)
        self.attached = AccountPlan.objects.create(
            organization=self.organization,
            account=account,
            plan_group=self.group,
            start_date=datetime(2024, 1, 1, tzinfo=UTC),
        )
        return account


def bill_of_june(suite, account) -> Bill:
    runners.run(suite.organization, "2024-06-15")
    return Bill.objects.get(account=account, boundary_date="2024-07-01")


def test_lines_name_their_group_and_its_own_charge_has_neither_plan_nor_product():
    suite = Suite()
    account = suite.account()
    runners.use(account, suite.meters[0], "2024-06-05", 60)
    runners.use(account, suite.meters[1], "2024-06-05", 110)

    bill = bill_of_june(suite, account)

    # 60 + 110 used, 2 x 10 standing; the minimum of 250 lacks 80.
    assert bill.total == 270
    lines = list(bill.line_items.order_by("sequence_number"))
    assert [(line.line_item_type, line.subtotal, line.plan_id) for line in lines] == [
        ("STANDING_CHARGE", 10, suite.plans[0].pk),
        ("USAGE", 60, suite.plans[0].pk),
        ("STANDING_CHARGE", 10, suite.plans[1].pk),
        ("USAGE", 110, suite.plans[1].pk),
        ("MINIMUM_SPEND", 80, None),
    ]
    assert {line.plan_group_id for line in lines} == {suite.group.pk}
    assert {line.account_plan_id for line in lines} == {suite.attached.pk}
    assert (lines[4].product_id, lines[4].description) == (None, "Suite Minimum Spend Adjustment")
    shown = [representations.line_item(line) for line in lines]
    assert {line["planGroupId"] for line in shown} == {str(suite.group.pk)}
    told = explain.explain(lines[4])
    assert (told.recomputed.matches, told.current.matches) == (True, True)
    assert told.sentence == ("250.00 minimum spend x 30/30 days - 170.00 charged = 80.00 USD.")


def test_calculated_again_every_line_of_a_group_is_the_same_line():
    suite = Suite(standing_charge=Decimal(5), minimum_spend_bill_in_advance=True)
    account = suite.account()
    runners.use(account, suite.meters[0], "2024-06-05", 60)
    before = list(bill_of_june(suite, account).line_items.order_by("id").values())

    bill = bill_of_june(suite, account)

    after = list(bill.line_items.order_by("id").values())
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert [row["subtotal"] for row in after] == [row["subtotal"] for row in before]


def test_a_plan_linked_later_is_on_the_bill_when_it_is_calculated_again():
    # GRP-8: links are not dated.
    suite = Suite()
    account = suite.account()
    before = bill_of_june(suite, account)
    third = suite.add("Gamma")
    PlanGroupLink.objects.create(
        organization=suite.organization, plan_group=suite.group, plan=third
    )

    bill = bill_of_june(suite, account)

    assert (before.total, bill.total) == (270, 280)


def test_the_charges_of_a_group_follow_its_longest_cycle_and_count_the_shorter_bills():
    # GRP-7: Alpha and Beta are billed monthly, Gamma and with it the group each quarter.
    suite = Suite()
    quarterly = suite.add("Gamma", bill_frequency_interval=3)
    PlanGroupLink.objects.create(
        organization=suite.organization, plan_group=suite.group, plan=quarterly
    )
    account = suite.account()
    for month in ("04", "05", "06"):
        runners.use(account, suite.meters[0], f"2024-{month}-05", 50)
    runners.use(account, suite.meters[2], "2024-05-05", 20)

    for day in ("2024-04-15", "2024-05-15", "2024-06-15"):
        runners.run(suite.organization, day)

    monthly = Bill.objects.filter(account=account, bill_frequency_interval=1)
    assert sorted(bill.total for bill in monthly) == [70, 70, 70]
    quarter = Bill.objects.get(
        account=account, bill_frequency_interval=3, boundary_date=date(2024, 7, 1)
    )
    # 3 x 50 on the monthly bills and 20 of its own: 250 - 170 = 80.
    assert runners.shown(quarter) == [
        ("STANDING_CHARGE", Decimal(10)), ("USAGE", Decimal(20)), ("MINIMUM_SPEND", Decimal(80)),
    ]  # fmt: skip


def test_a_group_without_plans_and_an_account_on_it_make_no_bill():
    suite = Suite()
    PlanGroupLink.objects.all().delete()
    suite.account()

    runners.run(suite.organization, "2024-06-15")

    assert not Bill.objects.exists()


def test_the_number_of_queries_is_the_same_for_one_account_on_a_group_and_for_ten():
    suite = Suite()
    accounts = [suite.account().pk for _ in range(10)]

    def queries(ids):
        with CaptureQueriesContext(connection) as captured:
            snapshot.take(suite.organization.pk, ids, DueBills(on=date(2024, 6, 15)))
        return len(captured)

    assert queries(accounts) == queries(accounts[:1]) <= 20


def test_a_bespoke_plan_is_rated_for_its_account():
    suite = Suite()
    account = factories.make_account(suite.organization)
    plan = suite.plans[0]
    plan.account = account
    plan.save()
    factories.make_account_plan(account, plan)
    runners.use(account, suite.meters[0], "2024-06-05", 60)

    bill = bill_of_june(suite, account)

    assert runners.shown(bill) == [("STANDING_CHARGE", Decimal(10)), ("USAGE", Decimal(60))]


def test_overlapping_plans_of_one_product_are_each_rated_on_the_full_usage():
    # ACP-11
    suite = Suite()
    account = factories.make_account(suite.organization)
    twin = factories.make_plan(suite.plans[0].plan_template)
    aggregation = suite.plans[0].pricings.get().aggregation
    factories.make_pricing(twin, aggregation, bands=factories.bands((0, 0, 2)))
    for plan in (suite.plans[0], twin):
        factories.make_account_plan(account, plan, may_overlap=True)
    runners.use(account, suite.meters[0], "2024-06-05", 60)

    bill = bill_of_june(suite, account)

    assert bill.total == 10 + 60 + 10 + 120
