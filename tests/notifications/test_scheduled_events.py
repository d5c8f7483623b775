"""Events some days before or after a date of a row."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from integrations import dispatch
from notifications import planning, schedules, sweeping
from notifications.models import Moment, ScheduledEventConfiguration
from organizations.kernel import changes, event_types, isolation, principals
from organizations.models import Event, OrganizationConfig
from tests.factories import make_account, make_organization
from tests.notifications.made import bill_ending, make_scheduled

pytestmark = pytest.mark.django_db
DUE = datetime(2026, 3, 5, 23, tzinfo=UTC)  # 6 March, midnight in Berlin
NOW = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def berlin():
    return make_organization(timezone="Europe/Berlin")


def fired(row):
    return list(
        Event.objects.filter(name=row.name).order_by("created_at").values_list(
            "resource_id", "created_at"
        )
    )  # fmt: skip


def by(row):
    return principals.system(row.organization_id)


@pytest.mark.parametrize("is_there_before", [True, False])
def test_five_days_after_a_bill_ended_it_happens_at_midnight_once(berlin, is_there_before):
    # Given a bill that ends on 1 March, made before or after the configuration
    account = make_account(berlin)
    if is_there_before:
        bill = bill_ending(account, date(2026, 3, 1))
        dispatch.dispatch(NOW)
        scheduled = make_scheduled(berlin)
        planning.plan_new()
    else:
        scheduled = make_scheduled(berlin)
        planning.plan_new()
        bill = bill_ending(account, date(2026, 3, 1))
        dispatch.dispatch(NOW)

    assert sweeping.fire_due(DUE - timedelta(seconds=1)) == 0
    assert sweeping.fire_due(DUE) == 1
    assert sweeping.fire_due(DUE + timedelta(days=30)) == 0

    assert fired(scheduled) == [(bill.pk, DUE)]
    event = Event.objects.get(name=scheduled.name)
    assert event.account_id == account.pk
    assert event.payload["eventData"].keys() == {"newDto"}
    assert event.payload["eventData"]["newDto"]["endDate"] == "2026-03-01"
    assert event.payload["eventData"]["newDto"]["orgId"] == str(berlin.pk)


def test_a_recalculation_that_keeps_the_date_does_not_let_it_happen_again(berlin):
    scheduled = make_scheduled(berlin)
    planning.plan_new()
    bill = bill_ending(make_account(berlin), date(2026, 3, 1))
    dispatch.dispatch(NOW)
    sweeping.fire_due(DUE)

    with changes.editing(bill, by=by(bill)) as row:
        row.total = 5
    dispatch.dispatch(DUE)

    assert sweeping.fire_due(DUE + timedelta(days=1)) == 0
    assert len(fired(scheduled)) == 1


def test_another_date_arms_it_anew_and_the_one_it_had_does_not_happen(berlin):
    scheduled = make_scheduled(berlin)
    planning.plan_new()
    bill = bill_ending(make_account(berlin), date(2026, 3, 1))
    dispatch.dispatch(NOW)

    with changes.editing(bill, by=by(bill)) as row:
        row.end_date = date(2026, 4, 1)

    # The sweep comes before anybody has looked at the change.
    assert sweeping.fire_due(DUE) == 0
    dispatch.dispatch(DUE)
    assert sweeping.fire_due(datetime(2026, 4, 5, 22, tzinfo=UTC)) == 1  # summer time by then

    # Back to a date that has not happened: it is late, and happens.
    with changes.editing(bill, by=by(bill)) as row:
        row.end_date = date(2026, 3, 1)
    dispatch.dispatch(DUE)
    assert sweeping.fire_due(datetime(2026, 4, 6, tzinfo=UTC)) == 1
    # And to the one that has: never again.
    with changes.editing(bill, by=by(bill)) as row:
        row.end_date = date(2026, 4, 1)
    dispatch.dispatch(DUE)
    assert sweeping.fire_due(datetime(2026, 4, 7, tzinfo=UTC)) == 0
    assert len(fired(scheduled)) == 2


def test_after_a_day_without_sweeps_each_happens_once_although_two_sweep(transactional_db):
    organization = make_organization(timezone="UTC")
    scheduled = make_scheduled(organization)
    planning.plan_new()
    bills = [bill_ending(make_account(organization), date(2026, 3, 1)) for _ in range(30)]
    dispatch.dispatch(NOW)
    together = threading.Barrier(2)

    @isolation.everywhere()
    def run():
        together.wait()
        try:
            sweeping.fire_due(DUE + timedelta(days=1))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one for one, _ in fired(scheduled)) == sorted(bill.pk for bill in bills)


def test_moments_before_the_configuration_never_happen(berlin):
    account = make_account(berlin)
    old = bill_ending(account, date(2026, 1, 9))  # due on the 14th, a day before
    make_scheduled(berlin)
    planning.plan_new()
    late = bill_ending(account, date(2026, 1, 10))  # due on the 15th at midnight, before noon
    dispatch.dispatch(NOW)

    assert sweeping.fire_due(NOW) == 0
    assert not Moment.objects.filter(resource_id__in=[old.pk, late.pk]).exists()


def test_a_bill_made_late_is_told_of_late(berlin):
    scheduled = make_scheduled(berlin)
    planning.plan_new()
    bill = bill_ending(make_account(berlin), date(2026, 1, 20))
    dispatch.dispatch(DUE)

    assert sweeping.fire_due(DUE) == 1
    assert fired(scheduled) == [(bill.pk, DUE)]


def test_a_negative_offset_is_before_the_date_and_no_date_never_happens(berlin):
    scheduled = make_scheduled(berlin, field="dueDate", offset=-3)
    planning.plan_new()
    account = make_account(berlin)
    due = bill_ending(account, date(2026, 3, 1), due_date=date(2026, 3, 31))
    bill_ending(account, date(2026, 4, 1), due_date=None)
    dispatch.dispatch(NOW)

    assert sweeping.fire_due(datetime(2026, 12, 31, tzinfo=UTC)) == 1
    assert fired(scheduled)[0][0] == due.pk
    moment = Moment.objects.get(configuration=scheduled)
    # Midnight of 28 March in Berlin is 23:00 of the 27th: summer time begins on the 29th.
    assert moment.due_at == datetime(2026, 3, 27, 23, tzinfo=UTC)


def test_a_time_is_moved_by_whole_days_of_24_hours(berlin):
    scheduled = make_scheduled(berlin, field="endDateTimeUTC", offset=2)
    planning.plan_new()
    end = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    bill_ending(make_account(berlin), date(2026, 3, 29), start_at=NOW, end_at=end)
    dispatch.dispatch(NOW)

    assert Moment.objects.get(configuration=scheduled).due_at == end + timedelta(hours=48)
    assert sweeping.fire_due(end + timedelta(hours=48)) == 1


def test_of_a_row_that_is_gone_nothing_happens(berlin):
    make_scheduled(berlin)
    planning.plan_new()
    bill = bill_ending(make_account(berlin), date(2026, 3, 1))
    dispatch.dispatch(NOW)
    changes.delete(bill, by=by(bill))

    assert sweeping.fire_due(DUE) == 0
    dispatch.dispatch(DUE)
    assert not Moment.objects.exists()


def test_another_timezone_moves_what_is_still_to_come(berlin):
    scheduled = make_scheduled(berlin)
    planning.plan_new()
    bill_ending(make_account(berlin), date(2026, 3, 1))
    dispatch.dispatch(NOW)

    config = OrganizationConfig.objects.get(organization=berlin)
    with changes.editing(config, by=by(config)) as row:
        row.timezone = "America/New_York"
    dispatch.dispatch(NOW)
    planning.plan_new()

    moment = Moment.objects.get(configuration=scheduled)
    assert moment.due_at == datetime(2026, 3, 6, 5, tzinfo=UTC)


def test_another_offset_moves_what_is_still_to_come(berlin):
    scheduled = make_scheduled(berlin)
    planning.plan_new()
    bill_ending(make_account(berlin), date(2099, 3, 1))
    dispatch.dispatch(NOW)

    with changes.editing(scheduled, by=by(scheduled)) as row:
        row.offset = 6
    planning.plan_new()

    moment = Moment.objects.get(configuration=scheduled)
    assert moment.due_at == datetime(2099, 3, 6, 23, tzinfo=UTC)


def test_other_organizations_have_no_part_in_it(berlin):
    make_scheduled(berlin)
    planning.plan_new()
    bill_ending(make_account(make_organization()), date(2026, 3, 1))
    dispatch.dispatch(NOW)

    assert not Moment.objects.exists()


def test_what_is_due_is_found_by_an_index(berlin):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Moment.objects.filter(fired_at__isnull=True, due_at__lte=DUE)
        assert "moment_due" in plan.order_by("due_at", "id")[:500].explain()


def test_every_date_that_events_list_may_be_scheduled():
    bill = schedules.dated_fields(schedules.entities()["bill"].model)

    assert bill.keys() == {
        "startDate", "endDate", "startDateTimeUTC", "endDateTimeUTC", "billDate", "dueDate",
        "createdDate", "lastCalculatedDate", "externalInvoiceDate", "dtApproved", "dtLocked",
    }  # fmt: skip
    assert {"account", "accountplan", "bill"} <= schedules.entities().keys()
    for resource in schedules.entities().values():
        listed = event_types.fields()[f"{resource.event}.created"]
        names = schedules.dated_fields(resource.model)
        assert {listed[f"new.{name}"] for name in names} == {"string"}


def test_wishes_that_cannot_be_fulfilled_are_refused_by_name(api):
    good = {"name": "scheduled.bill.e", "entity": "Bill", "field": "endDate", "offset": 5}
    refused = {
        "entity": {**good, "entity": "Nosuch", "name": "scheduled.nosuch.e"},
        "field": {**good, "field": "status"},
        "name": {**good, "name": "scheduled.account.e"},
        "offset": {**good, "offset": 2**31},
    }
    for field, body in refused.items():
        answer = api.post("scheduledevents/configurations", body)
        assert answer.status == 400
        assert field in answer.json["message"]
    for name in ("scheduled.bill.", "scheduled.bill.a-b", "scheduled.Bill.a", "bill.a"):
        answer = api.post("scheduledevents/configurations", {**good, "name": name})
        assert answer.status == 400
    both = api.post("scheduledevents/configurations", {**good, "field": "x", "name": "y"})
    assert "field" in both.json["message"] and "name" in both.json["message"]
    assert not ScheduledEventConfiguration.objects.exists()

    assert api.post("scheduledevents/configurations", good).status == 200
    again = api.post("scheduledevents/configurations", good)
    assert again.status == 400 and "name" in again.json["message"]


def test_it_is_a_type_of_event_of_its_organization_only(api, founded):
    make_scheduled(founded.organization, name="scheduled.bill.mine")
    make_scheduled(make_organization(), name="scheduled.bill.other")

    types = api.get("events/types").json["events"]
    fields = api.get("events/fields", eventName="scheduled.bill.mine").json["events"]

    assert types == sorted({*event_types.fields(), "scheduled.bill.mine"})
    assert fields["scheduled.bill.mine"] == event_types.fields()["billing.bill.created"]
    assert api.get("events/fields", eventName="scheduled.bill.other").status == 400
