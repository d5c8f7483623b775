"""Closing a month in the console: what is missing is told, then bills are approved and locked."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from billing.models import Bill, BillConfig, BillJob, IngestFailure, LateUsage
from organizations.kernel import ids
from organizations.models import OrganizationConfig
from tests import factories
from tests.console.clients import Console, make_person
from tests.console.inhabited import make_bill
from tests.console.test_bills import customer  # noqa: F401  (a fixture)

FIRST_OF_MONTH = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def november(time_machine, founded):
    """It is the first of November: October is over since midnight."""
    time_machine.move_to(FIRST_OF_MONTH)
    return Console(founded.admin)


def page(console, **query):
    return console.client.get(reverse("admin:month_end"), query)


def close(console, **fields):
    return console.client.post(reverse("admin:month_end"), {"do": "close", **fields}, follow=True)


def of_october(account, **overrides):
    return make_bill(
        account, start_date=date(2026, 10, 1), end_date=date(2026, 11, 1),
        boundary_date=date(2026, 11, 1), bill_date=date(2026, 11, 1),
        start_at=datetime(2026, 10, 1, tzinfo=UTC), end_at=datetime(2026, 11, 1, tzinfo=UTC),
        latest_calculated_at=FIRST_OF_MONTH, **overrides,
    )  # fmt: skip


def test_two_clicks_make_and_close_the_bills_of_october(
    november,
    customer,  # noqa: F811
    eager_tasks,
    django_capture_on_commit_callbacks,
):
    before = november.text(page(november))
    with django_capture_on_commit_callbacks(execute=True):
        november.client.post(reverse("admin:month_end"), {"do": "run"})
    run = november.text(page(november))
    asked = november.text(close(november))
    closed = november.text(close(november, confirmed="yes"))

    bill = Bill.objects.get()
    assert "Billing was not run since the month has ended." in before
    assert "Complete: 1 of 1 account done (1 billed)" in run
    assert "Close October 2026?" in asked and "20.00" in asked and "Still open" not in asked
    assert (bill.start_date, bill.total) == (date(2026, 10, 1), Decimal(20))
    assert (bill.status, bill.is_locked) == ("APPROVED", True)
    assert BillConfig.objects.get().bill_lock_date == date(2026, 10, 31)
    assert "October 2026 is closed: 1 bill approved, lock date moved." in closed


def test_what_is_still_open_is_told_before_the_month_is_closed(november, founded):
    of_october(factories.make_account(founded.organization), total=Decimal("7.25"))
    IngestFailure.objects.create(
        organization=founded.organization,
        type="UndefinedMeter",
        message="m",
        measurements=[],
        event_id=ids.new_id(),
    )

    shown = november.text(page(november))
    asked = november.text(close(november))

    assert "1 open failure" in shown
    assert "Billing was not run since the month has ended." in asked
    assert "1 failure of usage open: it is on no bill." in asked
    assert "7.25" in asked
    assert Bill.objects.get().status == "PENDING"


def test_bills_of_the_running_month_are_neither_approved_nor_locked(november, founded):
    account = factories.make_account(founded.organization)
    done = of_october(account)
    going_on = make_bill(
        account, start_date=date(2026, 11, 1), end_date=date(2026, 12, 1),
        boundary_date=date(2026, 12, 1), bill_date=date(2026, 12, 1),
        start_at=datetime(2026, 11, 1, tzinfo=UTC), end_at=datetime(2026, 12, 1, tzinfo=UTC),
    )  # fmt: skip

    close(november, confirmed="yes")

    assert [Bill.objects.get(pk=one.pk).status for one in (done, going_on)] == [
        "APPROVED", "PENDING",
    ]  # fmt: skip


def test_a_month_is_not_closed_while_bills_are_being_made(november, founded):
    bill = of_october(factories.make_account(founded.organization))
    BillJob.objects.create(organization=founded.organization, status="RUNNING")

    answer = close(november, confirmed="yes")

    bill.refresh_from_db()
    assert "A bill job is still at work." in november.text(answer)
    assert (bill.status, BillConfig.objects.get().bill_lock_date) == ("PENDING", None)


def test_months_are_those_of_the_organization(november, founded):
    config = OrganizationConfig.objects.get(organization=founded.organization)
    config.month_epoch, config.timezone = date(2024, 1, 15), "Pacific/Auckland"
    config.save()

    shown = november.text(page(november))

    assert "2026-09-15 – 2026-10-14" in shown


def test_who_may_only_read_bills_cannot_close(november, founded):
    of_october(factories.make_account(founded.organization))
    reader = Console(make_person(founded, "ReadOnly"))

    answer = close(reader, confirmed="yes")

    assert "Close October" not in reader.text(page(reader))
    assert answer.status_code == 403
    assert Bill.objects.get().status == "PENDING"


def test_a_closed_month_offers_nothing_more(november, founded):
    of_october(factories.make_account(founded.organization))
    close(november, confirmed="yes")

    shown = november.text(page(november))

    assert "Close October" not in shown and "Run billing</button>" not in shown


def test_the_page_asks_few_questions_however_many_accounts(
    november, founded, django_assert_max_num_queries
):
    for _ in range(12):
        of_october(factories.make_account(founded.organization))

    with django_assert_max_num_queries(45):
        page(november)


def test_late_usage_that_waits_is_told_before_the_month_is_closed(november, founded):
    bill = of_october(factories.make_account(founded.organization), status="APPROVED")
    LateUsage.objects.create(
        organization=founded.organization, account=bill.account, bill=bill, usage_key="k",
        description="Requests", service_period_start=bill.start_at,
        service_period_end=bill.end_at, quantity=1, units=1, currency="USD", amount=1,
        status="OPEN",
    )  # fmt: skip

    shown = november.text(page(november))
    asked = november.text(close(november))

    assert "1 open</a>: usage that arrived for bills that are locked" in shown
    assert "1 entry of late usage wait for a decision." in asked
