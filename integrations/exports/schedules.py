"""Schedules of exports: their rules, their slots, a job for each slot exactly once (D2)."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from integrations.exports import asking, jobs, slots
from integrations.models import ExportJob, ExportSchedule, ExportSource
from organizations.kernel import changes, clock
from organizations.kernel.errors import FieldRefused, check_each
from organizations.kernel.instants import iso_instant
from organizations.kernel.principals import Principal, system

AT_ONCE = 200
SLOTS_AT_ONCE = 100


def check(row: ExportSchedule) -> None:
    """Refuse times that cannot be followed and settings that do not fit."""
    asked = {**row.settings, "destinationIds": row.destination_ids}
    check_each(
        partial(_check_source, row),
        partial(_check_times, row),
        partial(_check_period_of_usage, row),
        partial(asking.check, row.organization_id, row.source_type, asked),
    )


def _check_source(row: ExportSchedule) -> None:
    before = ExportSchedule.objects.filter(pk=row.pk).values_list("source_type", flat=True).first()
    if before is not None and before != row.source_type:
        raise FieldRefused("sourceType", "cannot be changed; make another schedule")


def _check_period_of_usage(row: ExportSchedule) -> None:
    has_period = bool(row.settings.get("timePeriod"))
    if row.source_type == ExportSource.USAGE and not has_period:
        raise FieldRefused("timePeriod", "is needed for an export of usage")
    if row.source_type == ExportSource.OPERATIONAL and has_period:
        raise FieldRefused("timePeriod", "is only for exports of usage")


def _check_times(row: ExportSchedule) -> None:
    if row.cron_expression:
        for name, value in (
            ("scheduleType", row.schedule_type), ("period", row.period), ("offset", row.offset)
        ):  # fmt: skip
            if value:
                raise FieldRefused(name, "does not go together with cronExpression")
        try:
            shortest = slots.cron(row.cron_expression).shortest()
        except slots.NotCron as error:
            raise FieldRefused("cronExpression", str(error)) from error
        if shortest < slots.LEAST:
            raise FieldRefused("cronExpression", "must not run more often than every 15 minutes")
        return
    if not row.schedule_type:
        raise FieldRefused("scheduleType", "is needed, or cronExpression")
    if not row.period:
        raise FieldRefused("period", "is needed with scheduleType")
    every = slots.UNITS[row.schedule_type] * min(row.period, 10**5)
    if not slots.LEAST <= every <= slots.MOST:
        raise FieldRefused("period", "must be at least 15 minutes and at most 3 days")
    _check_offset(row)


def _check_offset(row: ExportSchedule) -> None:
    most = {"HOUR": 59, "DAY": 23}.get(row.schedule_type or "")
    if row.offset and most is None:
        raise FieldRefused("offset", "is not for a schedule in minutes")
    if row.offset and row.offset > (most or 0):
        raise FieldRefused("offset", f"must be at most {most}")


def following(row: ExportSchedule, after: datetime) -> datetime:
    """Return the first slot after a moment."""
    if row.cron_expression:
        return slots.cron(row.cron_expression).following(after)
    return slots.following(
        row.created_at, after, row.schedule_type or "", row.period or 0, row.offset
    )


def take_over(row: ExportSchedule, by: Principal) -> None:
    """Let the rights of whoever writes it count from now on."""
    row.run_as_id = by.id
    row.run_as_kind = jobs.OPERATOR if by.is_superuser else by.kind


def create(row: ExportSchedule, *, by: Principal) -> ExportSchedule:
    """Save a new schedule; its first job runs at once."""
    take_over(row, by)
    row.created_at = row.next_run_at = clock.now()
    with transaction.atomic():
        check(row)
        row.next_run_at = following(row, row.created_at)
        changes.create(row, by=by)
        _make(row, row.created_at)
    return row


def moved(row: ExportSchedule) -> None:
    """Find the next slot of a schedule whose times may have changed."""
    _check_times(row)
    row.next_run_at = following(row, clock.now())


def run_due(at: datetime) -> int:
    """Make the jobs of all slots that have come, each once; return how many."""
    made = 0
    rows = ExportSchedule.objects.filter(next_run_at__lte=at).order_by("next_run_at", "pk")
    for schedule_id in rows.values_list("pk", flat=True)[:AT_ONCE]:
        made += _run(schedule_id, at)
    return made


def _run(schedule_id: UUID, at: datetime) -> int:
    """Make the jobs of one schedule.

    Of operational data the last of several missed slots is enough: earlier ones would show the
    same. Each slot of usage is about days of its own.
    """
    with transaction.atomic():
        rows = ExportSchedule.objects.select_for_update(of=("self",), skip_locked=True)
        row = rows.filter(pk=schedule_id, next_run_at__lte=at).first()
        if row is None:
            return 0
        missed, slot = [], row.next_run_at
        while slot <= at and len(missed) < SLOTS_AT_ONCE:
            missed.append(slot)
            slot = following(row, slot)
        if row.source_type == ExportSource.OPERATIONAL:
            missed, slot = _latest(row, missed[-1], at)
        for one in missed:
            _make(row, one)
        ExportSchedule.objects.filter(pk=row.pk).update(next_run_at=slot)
    return len(missed)


def _latest(row: ExportSchedule, slot: datetime, at: datetime) -> tuple[list[datetime], datetime]:
    """Return the last slot up to a moment, and the one after it."""
    if at - slot > timedelta(days=7) and not row.cron_expression:
        slot = max(slot, following(row, at - timedelta(days=4)))
    after = following(row, slot)
    while after <= at:
        slot, after = after, following(row, after)
    return [slot], after


def _make(row: ExportSchedule, slot: datetime) -> None:
    job = ExportJob(
        organization_id=row.organization_id,
        schedule_id=row.pk,
        slot_at=slot,
        source_type=row.source_type,
        settings=settings_at(row, slot),
        destination_ids=row.destination_ids,
        run_as_id=row.run_as_id,
        run_as_kind=row.run_as_kind,
    )
    changes.create(job, by=system(row.organization_id))
    transaction.on_commit(partial(jobs.enqueue, job.pk))


def settings_at(row: ExportSchedule, slot: datetime) -> dict[str, Any]:
    """Return the settings of the job of a slot: a period is turned into days."""
    kept = {key: value for key, value in row.settings.items() if key != "timePeriod"}
    if row.source_type == ExportSource.USAGE:
        start, end = slots.window(row.settings["timePeriod"], slot)
        kept |= {"startDate": iso_instant(start), "endDate": iso_instant(end)}
    return kept


def naming(destination: Any) -> Any:
    """Return the schedules that copy to a destination."""
    return ExportSchedule.objects.filter(
        organization_id=destination.organization_id,
        destination_ids__contains=[str(destination.pk)],
    )
