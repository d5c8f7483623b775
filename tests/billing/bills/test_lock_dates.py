"""The global lock date: which bills it closes and frees, and what it waits for (LIF-2)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.bills import lifecycle, lock_dates
from billing.models import Bill, BillConfig, BillJobAccount
from organizations.kernel import changes, ids
from organizations.kernel.errors import FieldRefused
from organizations.kernel.principals import Principal
from organizations.models import Event
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db

AT = runners.instant("2024-08-02T10:00:00")
JUNE_ENDS, JULY_ENDS = date(2024, 6, 30), date(2024, 7, 31)


@pytest.fixture
def shop() -> making.Shop:
    return making.Shop()


@pytest.fixture
def by(shop: making.Shop) -> Principal:
    return Principal(ids.new_id(), "USER", shop.organization.pk)


@pytest.fixture
def bills(shop: making.Shop, by: Principal) -> tuple[Bill, Bill]:
    """The bills of June and July of one account, both approved."""
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-05", 100)
    for day in ("2024-06-15", "2024-07-15"):
        runners.run(shop.organization, day)
    june, july = Bill.objects.order_by("boundary_date")
    return lifecycle.approve(june, by=by, at=AT), lifecycle.approve(july, by=by, at=AT)


def close(shop: making.Shop, day: date | None, by: Principal) -> BillConfig:
    row = lock_dates.of_organization(shop.organization.pk)
    with changes.editing(row, by=by) as current:
        current.bill_lock_date = day
    return current


def locked() -> list[bool]:
    return list(Bill.objects.order_by("boundary_date").values_list("is_locked", flat=True))


def test_bills_whose_last_day_is_on_or_before_the_date_count_as_locked(shop, bills, by):
    close(shop, JUNE_ENDS - timedelta(days=1), by)
    assert locked() == [False, False]

    close(shop, JUNE_ENDS, by)

    assert locked() == [True, False]
    june, july = Bill.objects.order_by("boundary_date")
    for refused in (lifecycle.put_back, lifecycle.delete):
        with pytest.raises(lifecycle.BillLocked):
            refused(june, by=by, **({"at": AT} if refused is lifecycle.put_back else {}))
    assert lifecycle.put_back(july, by=by, at=AT).status == "PENDING"
    event = Event.objects.filter(name="billing.billconfig.updated").latest("created_at")
    assert event.payload["eventData"]["newDto"]["billLockDate"] == "2024-06-30"


def test_a_run_leaves_a_closed_bill_as_it_is(shop, bills, by):
    close(shop, JUNE_ENDS, by)
    runners.use(bills[0].account, shop.meter, "2024-06-06", 500)

    job = runners.run(shop.organization, "2024-06-15")

    june = Bill.objects.get(pk=bills[0].pk)
    assert (june.total, june.version, june.status) == (Decimal(30), bills[0].version, "APPROVED")
    assert (job.status, job.skipped, job.parked) == ("COMPLETE", 1, 0)


def test_a_date_that_is_moved_back_frees_bills_but_not_those_locked_one_by_one(shop, bills, by):
    close(shop, JULY_ENDS, by)
    assert locked() == [True, True]
    own = lifecycle.lock(bills[1], by=by, at=AT)
    assert (own.locked_at, own.is_locked_by_date) == (AT, False)

    close(shop, JUNE_ENDS - timedelta(days=1), by)
    assert locked() == [False, True]
    close(shop, JULY_ENDS, by)
    assert locked() == [True, True]
    close(shop, None, by)

    assert locked() == [False, True]


def test_a_pending_bill_up_to_the_date_stands_in_its_way_and_nothing_changes(shop, bills, by):
    june = lifecycle.put_back(bills[0], by=by, at=AT)

    with pytest.raises(FieldRefused) as refusal:
        close(shop, JULY_ENDS, by)

    assert june.account_code in refusal.value.message
    assert "2024-06-30" in refusal.value.message
    assert locked() == [False, False]
    assert BillConfig.objects.get().bill_lock_date is None
    assert not Event.objects.filter(name="billing.billconfig.updated").exists()


def test_a_closed_period_gets_no_new_bill_and_the_account_is_parked_with_the_reason(
    shop, bills, by
):
    close(shop, JUNE_ENDS, by)
    late = shop.account()

    job = runners.run(shop.organization, "2024-06-15")

    assert not Bill.objects.filter(account=late).exists()
    row = BillJobAccount.objects.get(bill_job=job, account=late)
    assert row.status == "PARKED"
    assert "2024-06-30" in row.reason
    assert "lock date" in row.reason


def test_the_date_of_one_organization_closes_no_bill_of_another(shop, bills, by):
    other = making.Shop()
    account = other.account()
    runners.run(other.organization, "2024-06-15")
    theirs = Bill.objects.get(account=account)
    close(shop, JULY_ENDS, by)

    theirs.refresh_from_db()
    assert not theirs.is_locked
