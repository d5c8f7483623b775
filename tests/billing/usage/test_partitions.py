"""Months get their partitions ahead of time, and take their rows from the default one."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from billing.usage import partitions, store
from tests.billing.usage.stored import NOON, accept, gigabytes, item, stored, total
from tests.factories import make_account

JULY = datetime(2026, 7, 15, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def partition_of(uid):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM billing_measurement WHERE uid = %s", [uid]
        )
        return cursor.fetchone()[0]


def month(year, number):
    return datetime(year, number, 1, tzinfo=UTC)


def test_the_months_around_now_are_made_once(organization):
    at = datetime(2031, 11, 22, tzinfo=UTC)

    made = partitions.ensure(at=at)

    assert made == [month(2031, n) for n in (9, 10, 11, 12)] + [month(2032, n) for n in (1, 2)]
    assert partitions.ensure(at=at) == []


def test_a_month_with_little_usage_stays_in_the_default_partition(organization):
    gigabytes(organization)
    accept(organization, *(item(ts="2011-02-03T00:00:00Z") for _ in range(999)))

    partitions.ensure(at=NOON)

    assert partition_of(stored(organization)[0]) == "billing_measurement_default"


def test_a_month_with_much_usage_gets_a_partition_and_its_rows(organization):
    meter = gigabytes(organization)
    account = make_account(organization, code="acme")
    for ts in ("2026-06-01T00:00:00Z", "2026-06-30T23:59:59.999999Z"):
        accept(organization, *(item(ts=ts) for _ in range(500)), at=JULY)
    accept(organization, item(uid="before", ts="2026-05-31T23:59:59.999999Z"), at=JULY)
    accept(organization, item(uid="after", ts="2026-07-01T00:00:00Z"), at=JULY)
    before = stored(organization, "uid, ts, fields::text, received_at")

    made = partitions.ensure(at=datetime(2032, 1, 1, tzinfo=UTC))

    assert [at for at in made if at.year == 2026] == [month(2026, n) for n in (5, 6, 7)]
    assert stored(organization, "uid, ts, fields::text, received_at") == before
    assert partition_of("before") == "billing_measurement_202605"
    assert partition_of(before[1][0]) == "billing_measurement_202606"
    assert partition_of(before[1000][0]) == "billing_measurement_202606"
    assert partition_of("after") == "billing_measurement_202607"
    assert total(account.pk, meter) == 1000

    accept(organization, item(uid="late", ts="2026-06-10T00:00:00Z"))
    assert partition_of("late") == "billing_measurement_202606"
    assert total(account.pk, meter) == 1001


def test_claims_are_forgotten_when_their_window_is_over(organization):
    store.claim(organization.pk, ["old"], at=NOON - timedelta(days=35))
    store.claim(organization.pk, ["young"], at=NOON - timedelta(days=35) + timedelta(seconds=1))

    assert store.forget_old(at=NOON) == 1
    assert store.claim(organization.pk, ["old", "young"], at=NOON) == {"old"}
