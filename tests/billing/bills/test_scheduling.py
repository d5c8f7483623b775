"""Scheduled runs: when they begin, once, and which bills they keep up to date (SCB-1..3)."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine

from billing.bills import scheduling
from billing.models import Bill, BillJob
from organizations.models import Organization, OrganizationConfig
from organizations.models.organizations import OrganizationStatus
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


def beat(moment: str) -> list[BillJob]:
    """Let beat come by at the moment and the worker finish what it starts."""
    with time_machine.travel(runners.instant(moment), tick=False):
        return [runners.work_off(job) for job in scheduling.run_due()]


@pytest.mark.parametrize(
    ("config", "now", "started_at"),
    [
        ({"scheduled_bill_interval": "1"}, "2024-06-15T10:59", "2024-06-15T10:00"),
        ({"scheduled_bill_interval": "0.25"}, "2024-06-15T10:59", "2024-06-15T10:45"),
        ({"scheduled_bill_interval": "6"}, "2024-06-15T10:59", "2024-06-15T06:00"),
        ({"scheduled_bill_interval": "24", "scheduled_bill_offset": 5}, "2024-06-15T10:59",
         "2024-06-15T05:00"),
        ({"scheduled_bill_interval": "24", "scheduled_bill_offset": 11}, "2024-06-15T10:59",
         "2024-06-14T11:00"),
        ({"scheduled_bill_interval": "24", "timezone": "Asia/Tokyo"}, "2024-06-15T10:59",
         "2024-06-14T15:00"),
    ],
)  # fmt: skip
def test_an_interval_begins_at_local_midnight_or_the_offset(config, now, started_at):
    values = {**config, "scheduled_bill_interval": Decimal(config["scheduled_bill_interval"])}
    settings = OrganizationConfig(**values)

    start = scheduling.interval_start(settings, runners.instant(now))

    assert start == runners.instant(started_at)


def test_a_scheduled_run_begins_once_in_each_interval():
    shop = making.Shop(config={"scheduled_bill_interval": 1})
    shop.account()

    counts = [
        len(beat(moment))
        for moment in ("2024-06-15T10:00", "2024-06-15T10:00", "2024-06-15T10:59",
                       "2024-06-15T11:00", "2024-06-15T11:01")
    ]  # fmt: skip

    assert counts == [1, 0, 0, 1, 0]
    assert Bill.objects.get().version == 2


def test_no_run_begins_while_the_schedule_is_off_or_the_organization_archived():
    making.Shop(config={"scheduled_bill_interval": 0})
    archived = making.Shop(config={"scheduled_bill_interval": 1}).organization
    Organization.objects.filter(pk=archived.pk).update(status=OrganizationStatus.ARCHIVED)

    assert beat("2024-06-15T10:00") == []
    assert not BillJob.objects.exists()


def test_a_run_that_is_still_at_work_is_not_joined_by_another():
    shop = making.Shop(config={"scheduled_bill_interval": 1})
    shop.account()
    with time_machine.travel(runners.instant("2024-06-15T10:00"), tick=False):
        [first] = scheduling.run_due()

    assert beat("2024-06-15T11:00") == []
    runners.work_off(first)
    assert len(beat("2024-06-15T12:00")) == 1


def test_late_data_reaches_the_bill_until_a_day_after_its_period():
    # Active all June: until the end of 1 July.
    shop = making.Shop(config={"scheduled_bill_interval": 1})
    account = shop.account()
    beat("2024-06-30T23:00")

    runners.use(account, shop.meter, "2024-06-20", 100)
    beat("2024-07-01T23:00")
    runners.use(account, shop.meter, "2024-06-21", 100)
    beat("2024-07-02T00:00")

    june, july = Bill.objects.order_by("boundary_date")
    assert (june.boundary_date, july.boundary_date) == (date(2024, 7, 1), date(2024, 8, 1))
    assert june.total == Decimal(30)
    assert july.total == Decimal(20)


def test_late_data_of_a_plan_that_ended_counts_for_a_day_after_its_end():
    # Ended at midnight of 14 October: until midnight of 15 October.
    shop = making.Shop(config={"scheduled_bill_interval": 1}, standing_charge=Decimal(0))
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, end_date=runners.instant("2024-10-14"))
    runners.use(account, shop.meter, "2024-10-13", 100)

    beat("2024-10-14T23:00")
    runners.use(account, shop.meter, "2024-10-12", 100)
    beat("2024-10-15T00:00")

    assert Bill.objects.get().total == Decimal(10)
