"""Approve, put back, lock, delete, and approval after the grace period."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine

from billing.bills import lifecycle
from billing.models import Bill, BillStatus, LineItem
from organizations.kernel import ids, principals
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry, Event, Organization
from organizations.models.organizations import OrganizationStatus
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db

AT = runners.instant("2024-07-02T10:00:00")


@pytest.fixture
def shop() -> making.Shop:
    return making.Shop()


@pytest.fixture
def by(shop: making.Shop) -> Principal:
    return Principal(ids.new_id(), "USER", shop.organization.pk)


@pytest.fixture
def bill(shop: making.Shop) -> Bill:
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-05", 100)
    runners.run(shop.organization, "2024-06-15")
    return Bill.objects.get()


def test_an_approved_bill_says_who_approved_it_and_when(bill, by):
    approved = lifecycle.approve(bill, by=by, at=AT)

    assert (approved.status, approved.version) == (BillStatus.APPROVED, 2)
    assert (approved.approved_at, approved.approved_by) == (AT, by.id)
    event = Event.objects.get(name="billing.bill.updated")
    assert event.payload["eventData"]["oldDto"]["status"] == "PENDING"
    assert event.payload["eventData"]["newDto"]["status"] == "APPROVED"
    audit = AuditEntry.objects.filter(entity_id=bill.pk, action="updated").get()
    assert audit.principal_id == by.id
    assert audit.difference["status"] == ["PENDING", "APPROVED"]


def test_approving_twice_changes_nothing(bill, by):
    lifecycle.approve(bill, by=by, at=AT)

    again = lifecycle.approve(bill, by=by, at=AT + timedelta(hours=1))

    assert (again.version, again.approved_at) == (2, AT)


def test_an_approved_bill_may_be_put_back_while_it_is_not_locked(bill, by):
    lifecycle.approve(bill, by=by, at=AT)

    back = lifecycle.set_status(bill, "PENDING", by=by, at=AT)

    assert (back.status, back.approved_at, back.approved_by) == ("PENDING", None, None)
    lifecycle.lock(lifecycle.approve(bill, by=by, at=AT), by=by, at=AT)
    with pytest.raises(lifecycle.BillLocked):
        lifecycle.put_back(bill, by=by, at=AT)
    bill.refresh_from_db()
    assert (bill.status, bill.is_locked) == ("APPROVED", True)


def test_a_pending_bill_cannot_be_locked(bill, by):
    with pytest.raises(lifecycle.BillNotApproved):
        lifecycle.lock(bill, by=by, at=AT)

    bill.refresh_from_db()
    assert (bill.is_locked, bill.version) == (False, 1)


def test_a_locked_bill_says_who_locked_it_and_cannot_be_deleted(bill, by):
    lifecycle.approve(bill, by=by, at=AT)

    locked = lifecycle.lock(bill, by=by, at=AT)

    assert (locked.locked_at, locked.locked_by, locked.version) == (AT, by.id, 3)
    assert lifecycle.lock(bill, by=by, at=AT + timedelta(hours=1)).version == 3
    with pytest.raises(lifecycle.BillLocked):
        lifecycle.delete(bill, by=by)
    assert Bill.objects.filter(pk=bill.pk).exists()


def test_a_deleted_bill_is_gone_with_its_lines_and_can_be_made_anew(shop, bill, by):
    lifecycle.delete(bill, by=by)

    assert (Bill.objects.count(), LineItem.objects.count()) == (0, 0)
    event = Event.objects.get(name="billing.bill.deleted")
    assert event.payload["eventData"]["oldDto"]["id"] == str(bill.pk)
    runners.run(shop.organization, "2024-06-15")
    assert Bill.objects.get().total == Decimal(30)


def test_many_bills_are_approved_by_id_and_unknown_ids_are_refused_whole(shop, by):
    shop.accounts(3)
    runners.run(shop.organization, "2024-06-15")
    first, second, third = Bill.objects.order_by("id")

    with pytest.raises(DomainError, match="billIds"):
        lifecycle.approve_many(
            shop.organization, by=by, at=AT, bill_ids=[first.pk, str(ids.new_id())]
        )
    assert not Bill.objects.filter(status="APPROVED").exists()
    count = lifecycle.approve_many(
        shop.organization, by=by, at=AT, bill_ids=[first.pk, str(second.pk)], account_ids=["x"]
    )

    assert count == 2
    assert list(Bill.objects.order_by("id").values_list("status", "version")) == [
        ("APPROVED", 2), ("APPROVED", 2), ("PENDING", 1),
    ]  # fmt: skip
    assert Event.objects.filter(name="billing.bill.updated").count() == 2
    assert Bill.objects.get(pk=third.pk).approved_at is None


def test_many_bills_are_approved_by_filter_and_never_without_one(shop, by):
    one, _two = shop.accounts(2)
    runners.run(shop.organization, "2024-06-15")
    runners.run(shop.organization, "2024-07-15")

    with pytest.raises(DomainError, match="billIds"):
        lifecycle.approve_many(shop.organization, by=by, at=AT)
    by_account = lifecycle.approve_many(
        shop.organization,
        by=by,
        at=AT,
        account_ids=[str(one.pk)],
        external_invoice_date_start=date(2024, 7, 1),
        external_invoice_date_end=date(2024, 8, 1),
    )

    approved = Bill.objects.get(status="APPROVED")
    assert by_account == 1
    assert (approved.account_id, approved.boundary_date) == (one.pk, date(2024, 7, 1))


def test_the_bills_of_a_period_are_approved_by_its_last_day(shop, by):
    shop.account()
    runners.run(shop.organization, "2024-06-15")
    runners.run(shop.organization, "2024-07-15")

    for frequency, expected in (("WEEKLY", 0), ("MONTHLY", 1), ("MONTHLY", 0)):
        count = lifecycle.approve_period(
            shop.organization,
            latest_date_in_billing_period=date(2024, 6, 30),
            billing_frequency=frequency,
            by=by,
            at=AT,
        )
        assert count == expected

    assert Bill.objects.get(status="APPROVED").boundary_date == date(2024, 7, 1)


def test_bills_of_another_organization_are_never_approved(shop, bill, by):
    stranger = making.Shop().organization

    with pytest.raises(DomainError):
        lifecycle.approve_many(stranger, by=by, at=AT, bill_ids=[bill.pk])

    bill.refresh_from_db()
    assert bill.status == "PENDING"


GRACE = {"auto_approve_bills_grace_period": 2, "auto_approve_bills_grace_period_unit": "HOURS"}


def auto_approved(moment: str) -> bool:
    with time_machine.travel(runners.instant(moment), tick=False):
        lifecycle.auto_approve()
    return Bill.objects.get().status == "APPROVED"


def test_a_bill_is_approved_by_itself_two_hours_into_its_date():
    # LIF-5: however early it was calculated.
    shop = making.Shop(config=GRACE)
    shop.account()
    with time_machine.travel(runners.instant("2024-06-20"), tick=False):
        runners.run(shop.organization, "2024-06-15")

    assert [auto_approved(f"2024-07-01T0{hour}") for hour in ("1:59:59", "2:00:00")] == [
        False, True,
    ]  # fmt: skip
    assert Bill.objects.get().approved_by == principals.SYSTEM_ID


def test_the_bill_date_begins_at_midnight_of_the_bill():
    shop = making.Shop(config={**GRACE, "timezone": "Asia/Tokyo"})
    shop.account()
    with time_machine.travel(runners.instant("2024-06-20"), tick=False):
        runners.run(shop.organization, "2024-06-15")

    # 1 July begins at 15:00 UTC on 30 June in Tokyo.
    assert not auto_approved("2024-06-30T16:59:59")
    assert auto_approved("2024-06-30T17:00:00")


def test_an_approved_bill_that_was_calculated_again_waits_for_a_new_grace_period():
    # LIF-6.
    shop = making.Shop(config=GRACE)
    shop.account()
    with time_machine.travel(runners.instant("2024-06-20"), tick=False):
        runners.run(shop.organization, "2024-06-15")
    assert auto_approved("2024-07-01T02:00:00")
    with time_machine.travel(runners.instant("2024-07-01T03:00:00"), tick=False):
        runners.run(shop.organization, "2024-06-15")

    assert Bill.objects.get().status == "PENDING"
    assert not auto_approved("2024-07-01T04:59:59")
    assert auto_approved("2024-07-01T05:00:00")


def test_an_approved_bill_that_a_person_put_back_waits_for_a_new_grace_period(by):
    # LIF-4: otherwise the next beat would approve it again.
    shop = making.Shop(config=GRACE)
    shop.account()
    with time_machine.travel(runners.instant("2024-06-20"), tick=False):
        runners.run(shop.organization, "2024-06-15")
    assert auto_approved("2024-07-01T02:00:00")
    with time_machine.travel(runners.instant("2024-07-01T03:00:00"), tick=False):
        lifecycle.set_status(Bill.objects.get(), "PENDING", by=by, at=AT)

    assert not auto_approved("2024-07-01T04:59:59")
    assert auto_approved("2024-07-01T05:00:00")


def test_nothing_is_approved_by_itself_in_an_archived_organization_or_without_a_grace_period():
    shop = making.Shop(config=GRACE)
    shop.account()
    with time_machine.travel(runners.instant("2024-06-20"), tick=False):
        runners.run(shop.organization, "2024-06-15")
    Organization.objects.update(status=OrganizationStatus.ARCHIVED)

    assert not auto_approved("2024-08-01")
