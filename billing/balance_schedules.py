"""Schedules of balances: post transactions and make charges when they are due, each once.

A schedule is a row with the instant of its next run. Beat's sweep runs what is due; after a time
without it, it catches up run by run. The row is locked while it runs, and constraints hold that a
transaction or charge of one run stands once.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction

from billing import ledger, tasks
from billing.models import (
    BalanceChargeSchedule,
    BalanceTransaction,
    BalanceTransactionSchedule,
    Charge,
    ChargeEntityType,
    ChargeLineItemType,
    TransactionSource,
)
from billing.rating.cycles import BillFrequency, Cycle
from billing.rating.occurrences import Slice, bill_date, instants, slices
from organizations.kernel import changes, clock, isolation, principals
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import local_date, parse_timezone
from organizations.models import OrganizationConfig

# Runs of one schedule in one transaction; the next sweep goes on.
AT_ONCE = 500
KINDS = (BalanceTransactionSchedule, BalanceChargeSchedule)
_EPOCHS = {
    "DAILY": "day_epoch",
    "WEEKLY": "week_epoch",
    "MONTHLY": "month_epoch",
    "ANNUALLY": "year_epoch",
}

logger = logging.getLogger(__name__)


def run_due(until: datetime, *, organization_id: UUID | None = None) -> int:
    """Run what is due at ``until``, of one organization or of all; returns how many items came.

    A schedule that is refused is logged and tried again by the next sweep; no other suffers.
    """
    made = 0
    for kind in KINDS:
        due = kind.objects.filter(next_run__lte=until).order_by("next_run", "pk")
        if organization_id is not None:
            due = due.filter(organization_id=organization_id)
        for pk, owner in list(due.values_list("pk", "organization_id")):
            with isolation.within(owner):
                made += _run_patiently(kind, pk, until)
    return made


def _run_patiently(kind: Any, pk: UUID, until: datetime) -> int:
    made = 0
    try:
        while count := run(kind, pk, until):
            made += count
    except DomainError as refusal:
        logger.warning("Schedule %s could not run: %s", pk, refusal.message)
    return made


def run(kind: Any, pk: UUID, until: datetime) -> int:
    """Run one schedule up to ``until``, some hundred runs at most; returns how many."""
    with transaction.atomic():
        schedule = kind.objects.filter(pk=pk).select_for_update().first()
        if schedule is None or schedule.next_run is None or schedule.next_run > until:
            return 0
        plan = plan_of(schedule)
        by = principals.system(schedule.organization_id)
        done = []
        for step in islice(plan, AT_ONCE):
            at = _begins(step)
            if at > until:
                schedule.next_run = at
                break
            if isinstance(schedule, BalanceTransactionSchedule):
                ledger.post(transaction_of(schedule, at), by=by)
            else:
                changes.create(charge_of(schedule, step), by=by)
            schedule.previous_run = at
            done.append(step)
        else:
            following = next(plan, None)
            schedule.next_run = None if following is None else _begins(following)
        # A run is no change that somebody made: the version stays.
        kind.objects.filter(pk=pk).update(
            previous_run=schedule.previous_run, next_run=schedule.next_run
        )
    return len(done)


def plan_of(schedule: Any, *, is_changed: bool = False) -> Iterator[Any]:
    """Yield the runs to come: instants of transactions, or slices of charges.

    ``is_changed`` says that charges which no bill carries yet are to be replaced.
    """
    zone = _zone(schedule.organization_id)
    if isinstance(schedule, BalanceTransactionSchedule):
        return instants(
            schedule.start_date,
            schedule.end_date,
            frequency=schedule.frequency,
            interval=schedule.frequency_interval,
            zone=zone,
            after=schedule.previous_run,
        )
    start = schedule.service_period_start_date
    kept = _last_service_end(schedule, zone, is_changed=is_changed)
    return slices(
        start if kept is None else max(start, kept),
        schedule.service_period_end_date,
        cycle=_cycle(schedule),
        zone=zone,
    )


def transaction_of(schedule: BalanceTransactionSchedule, at: datetime) -> BalanceTransaction:
    """Return the transaction of one run, not saved."""
    return BalanceTransaction(
        organization_id=schedule.organization_id,
        balance=schedule.balance,
        amount=schedule.amount,
        description=schedule.transaction_description,
        transaction_type_id=schedule.transaction_type_id,
        paid=schedule.paid,
        currency_paid=schedule.currency_paid,
        applied_date=at,
        transaction_date=at,
        entity_type=TransactionSource.SCHEDULER,
        entity_id=schedule.pk,
        scheduled_for=at,
    )


def charge_of(schedule: BalanceChargeSchedule, part: Slice) -> Charge:
    """Return the charge of one slice, not saved: full amount, also where it is cut (SCH-3)."""
    balance = schedule.balance
    day = bill_date(part, in_advance=schedule.bill_in_advance, zone=_zone(schedule.organization_id))
    return Charge(
        organization_id=schedule.organization_id,
        account_id=balance.account_id,
        contract_id=balance.contract_id,
        name=schedule.name,
        code=f"{schedule.code[:69].strip()} {day}",
        description=schedule.charge_description,
        entity_type=ChargeEntityType.BALANCE,
        line_item_type=ChargeLineItemType.BALANCE_FEE,
        balance=balance,
        currency=schedule.currency,
        amount=schedule.amount,
        units=schedule.units,
        unit_price=schedule.unit_price,
        bill_date=day,
        service_period_start_date=part.start,
        service_period_end_date=part.end,
        accounting_product_id=balance.fees_accounting_product_id,
        schedule_id=schedule.pk,
    )


def set_next_run(schedule: Any) -> None:
    """Work out when a schedule that was made or changed runs next."""
    following = next(iter(plan_of(schedule, is_changed=True)), None)
    schedule.next_run = None if following is None else _begins(following)


def follow(schedules: list[Any], verb: str) -> None:
    """After a change: replace charges that no bill carries yet (SCH-5), and run what is due."""
    if verb == "updated":
        for schedule in schedules:
            if isinstance(schedule, BalanceChargeSchedule):
                by = principals.system(schedule.organization_id)
                for charge in _replaceable(schedule, _zone(schedule.organization_id)):
                    changes.delete(charge, by=by)
    if verb != "deleted":
        for organization_id in {schedule.organization_id for schedule in schedules}:
            transaction.on_commit(lambda one=organization_id: _enqueue(one), robust=True)


def _enqueue(organization_id: UUID) -> None:
    tasks.run_balance_schedules.delay(organization_id=str(organization_id))


def _replaceable(schedule: BalanceChargeSchedule, zone: tzinfo) -> Iterable[Charge]:
    """Return the schedule's charges that no bill carries and whose bill is of today or later."""
    today = local_date(clock.now(), zone)
    return list(
        Charge.objects.filter(schedule_id=schedule.pk, bill__isnull=True, bill_date__gte=today)
    )


def _last_service_end(
    schedule: BalanceChargeSchedule, zone: tzinfo, *, is_changed: bool
) -> datetime | None:
    """Return where the service of the schedule's charges ends: of those that stay."""
    rows = Charge.objects.filter(schedule_id=schedule.pk)
    if is_changed:
        rows = rows.exclude(pk__in=[row.pk for row in _replaceable(schedule, zone)])
    last = rows.order_by("-service_period_end_date").first()
    return None if last is None else last.service_period_end_date


def _begins(step: Any) -> datetime:
    return step.start if isinstance(step, Slice) else step


def _zone(organization_id: UUID) -> tzinfo:
    names = OrganizationConfig.objects.filter(organization_id=organization_id)
    return parse_timezone(names.values_list("timezone", flat=True).get())


def _cycle(schedule: BalanceChargeSchedule) -> Cycle:
    """Return the rhythm of a charge schedule: its own epoch, else the organization's (SCH-2)."""
    epoch = schedule.bill_epoch
    if epoch is None:
        config = OrganizationConfig.objects.get(organization_id=schedule.organization_id)
        epoch = getattr(config, _EPOCHS[schedule.bill_frequency])
    return Cycle(BillFrequency(schedule.bill_frequency), schedule.bill_frequency_interval, epoch)
