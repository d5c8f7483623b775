"""Schedules of exports: their rules, and each slot exactly once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from integrations.exports import schedules
from integrations.models import ExportDestination, ExportJob, ExportSchedule

pytestmark = pytest.mark.django_db
PATH = "dataexports/schedules"
JUNE = datetime(2026, 6, 1, 10, tzinfo=UTC)


def operational(**overrides):
    return {
        "name": "Nightly",
        "code": "nightly",
        "sourceType": "OPERATIONAL",
        "operationalDataTypes": ["ACCOUNTS", "BILLS"],
        "scheduleType": "DAY",
        "period": 2,
        **overrides,
    }


def usage(**overrides):
    return {
        "name": "Usage",
        "code": "usage",
        "sourceType": "USAGE",
        "timePeriod": "LAST_30_DAYS",
        "scheduleType": "HOUR",
        "period": 6,
        **overrides,
    }


def refused(answer):
    assert answer.status == 400, answer
    return {error["field"] for error in answer.json["errors"]}


def slots_of(made):
    rows = ExportJob.objects.filter(schedule_id=made["id"]).order_by("slot_at")
    return [row.slot_at for row in rows]


def test_the_first_job_runs_at_once_and_the_next_after_the_period(api):
    with time_machine.travel(JUNE, tick=False):
        answer = api.post(PATH, operational())
    assert answer.status == 200, answer
    made = answer.json
    expected = {"scheduleType": "DAY", "period": 2, "offset": None, "exportFileFormat": "CSV",
                "destinationIds": [], "operationalDataTypes": ["ACCOUNTS", "BILLS"]}  # fmt: skip
    assert {key: made[key] for key in expected} == expected
    assert slots_of(made) == [JUNE]

    assert schedules.run_due(JUNE + timedelta(days=2, seconds=-1)) == 0
    assert schedules.run_due(JUNE + timedelta(days=2)) == 1
    assert schedules.run_due(JUNE + timedelta(days=2)) == 0
    assert slots_of(made) == [JUNE, JUNE + timedelta(days=2)]
    listed = api.get("dataexports/jobs", scheduleId=made["id"]).json["data"]
    assert [row["scheduleId"] for row in listed] == [made["id"]] * 2


def test_after_a_day_without_sweeps_each_slot_of_usage_has_its_job_and_its_days(api):
    with time_machine.travel(JUNE, tick=False):
        made = api.post(PATH, usage()).json

    assert schedules.run_due(JUNE + timedelta(days=1)) == 4

    assert slots_of(made) == [JUNE + timedelta(hours=6 * one) for one in range(5)]
    jobs = ExportJob.objects.filter(schedule_id=made["id"]).order_by("slot_at")
    assert [row.settings["startDate"] for row in jobs][:1] == ["2026-05-02T00:00:00.000Z"]
    assert [row.settings["endDate"] for row in jobs][-1] == "2026-06-02T00:00:00.000Z"


def test_of_operational_data_only_the_last_missed_slot_is_made(api):
    with time_machine.travel(JUNE, tick=False):
        made = api.post(PATH, operational(period=1)).json

    assert schedules.run_due(JUNE + timedelta(days=5, hours=1)) == 1

    assert slots_of(made) == [JUNE, JUNE + timedelta(days=5)]
    assert ExportSchedule.objects.get().next_run_at == JUNE + timedelta(days=6)


def test_times_and_settings_that_do_not_fit_are_refused_and_nothing_is_made(api):
    cases = [
        (operational(scheduleType="MINUTE", period=14), {"period"}),
        (operational(period=4), {"period"}),
        (operational(scheduleType="MINUTE", period=15, offset=1), {"offset"}),
        (operational(offset=24), {"offset"}),
        (operational(cronExpression="0 3 * * *"), {"scheduleType"}),
        (operational(scheduleType=None, period=None), {"scheduleType"}),
        (operational(scheduleType=None, period=None, cronExpression="*/5 * * * *"),
         {"cronExpression"}),
        (operational(operationalDataTypes=None, timePeriod="TODAY"),
         {"operationalDataTypes", "timePeriod"}),
        (usage(timePeriod=None, meterIds=["x"]), {"timePeriod", "meterIds"}),
    ]  # fmt: skip
    for body, fields in cases:
        assert refused(api.post(PATH, body)) == fields, body
    assert ExportSchedule.objects.count() == ExportJob.objects.count() == 0


def test_a_change_keeps_the_kind_moves_the_next_slot_and_a_delete_keeps_the_jobs(api):
    made = api.post(PATH, operational()).json
    assert refused(api.put(f"{PATH}/{made['id']}", usage(version=1))) >= {"sourceType"}

    cron = operational(scheduleType=None, period=None, cronExpression="30 3 * * *", version=1)
    changed = api.put(f"{PATH}/{made['id']}", cron)
    assert changed.status == 200, changed
    assert (changed.json["version"], changed.json["period"]) == (2, None)
    next_run = ExportSchedule.objects.get().next_run_at
    assert (next_run.hour, next_run.minute) == (3, 30)
    assert api.delete(f"{PATH}/{made['id']}").json == changed.json
    assert ExportJob.objects.filter(schedule_id=made["id"]).count() == 1


def test_a_destination_of_a_schedule_is_not_deleted(api, organization):
    lake = ExportDestination.objects.create(
        organization=organization, name="Lake", code="lake", bucket_name="our-lake",
        iam_role_arn="arn:aws:iam::123456789012:role/exports",
    )  # fmt: skip
    api.post(PATH, operational(destinationIds=[str(lake.pk)]))

    answer = api.delete(f"dataexports/destinations/{lake.pk}")

    assert answer.status == 400
    assert ExportDestination.objects.filter(pk=lake.pk).exists()
