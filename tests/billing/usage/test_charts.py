"""Usage by day, as the organization's timezone counts days."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.usage import store
from billing.usage.store import Day
from tests.billing.usage.stored import accept, gigabytes, item
from tests.factories import make_account, make_organization

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
# A Berlin week with the day of 25 hours, 2026-10-25, in it.
WEEK = {
    "start_at": datetime(2026, 10, 22, 22, tzinfo=UTC),
    "end_at": datetime(2026, 10, 28, 23, tzinfo=UTC),
}
LATER = datetime(2026, 11, 1, tzinfo=UTC)


def test_an_account_s_days_are_those_of_the_timezone(organization):
    meter = gigabytes(organization)
    account = make_account(organization, code="acme")
    for ts, gb in (
        ("2026-10-22T21:59:59Z", 1000),
        ("2026-10-22T22:00:00Z", "0.1"),
        ("2026-10-24T22:00:00Z", 1),
        ("2026-10-25T22:59:59Z", 2),
        ("2026-10-25T23:00:00Z", 4),
        ("2026-10-28T23:00:00Z", 1000),
    ):
        accept(organization, item(ts=ts, measure={"gb": Decimal(gb)}), at=LATER)
    accept(organization, item(ts="2026-10-25T00:00:00Z", account="other"), at=LATER)

    days = store.daily_sums(
        organization.pk, account.pk, meter.pk, ["gb", "nothing"], zone=BERLIN, **WEEK
    )

    assert days == [
        Day(date(2026, 10, 23), 1, (Decimal("0.1"), None)),
        Day(date(2026, 10, 25), 2, (Decimal(3), None)),
        Day(date(2026, 10, 26), 1, (Decimal(4), None)),
    ]


def test_measurements_are_counted_by_day_over_all_accounts(organization):
    gigabytes(organization)
    for ts, account in (
        ("2026-10-23T10:00:00Z", "a"),
        ("2026-10-23T11:00:00Z", "b"),
        ("2026-10-24T22:00:00Z", "a"),
    ):
        accept(organization, item(ts=ts, account=account), at=LATER)

    days = store.counts_by_day(organization.pk, zone=BERLIN, **WEEK)

    assert days == [Day(date(2026, 10, 23), 2), Day(date(2026, 10, 25), 1)]
    assert store.counts_by_day(make_organization().pk, zone=BERLIN, **WEEK) == []
