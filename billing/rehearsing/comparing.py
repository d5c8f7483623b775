"""One account of a rehearsal: what a run would make of it, against the bills that are stored."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.bills import what_changed
from billing.bills.calculation import Calculated
from billing.bills.taken import AccountSnapshot, Snapshot
from billing.models import Bill, LineItem, RehearsedAccount, RehearsedKind
from billing.rating import since_last
from billing.rating.since_last import BilledLine
from organizations.kernel.among import Among
from organizations.kernel.money import ZERO

AT_MOST = 3
_MONTHS = {"MONTHLY": 1, "ANNUALLY": 12}
# The columns of a line that are compared; bands and groups are most of a row, and not needed.
_COMPARED = (
    "bill_id", "line_item_type", "child_account_id", "compound_aggregation_id", "aggregation_id",
    "counter_id", "plan_group_id", "plan_id", "segment", "calculation", "description",
    "account_plan_id", "plan_name", "units", "unit", "converted_subtotal", "service_period_start",
)  # fmt: skip
Identity = tuple[UUID, str, int, str]


@dataclass(slots=True)
class Stored:
    """The bills of some accounts around a day, with their lines."""

    bills: dict[UUID, list[Bill]]
    lines: dict[UUID, list[BilledLine]]


@dataclass(slots=True)
class _Sum:
    """What is added up of one currency."""

    before: Decimal = ZERO
    after: Decimal = ZERO
    had: bool = False
    has: bool = False
    locked: bool = False
    compared: set[str] = field(default_factory=set)
    effects: list[since_last.Effect] = field(default_factory=list)


def read_stored(
    organization_id: UUID, account_ids: Collection[UUID], on: date, frequency: str | None
) -> Stored:
    """Read the bills whose period contains the day, else the last ones before, with lines."""
    rows = Bill.objects.for_organization(organization_id).filter(
        Among("account_id", account_ids), start_date__lte=on
    )
    if frequency:
        rows = rows.filter(billing_frequency=frequency)
    same = ("account_id", "billing_frequency", "bill_frequency_interval", "grouping")
    rows = rows.exclude(billing_frequency="AD_HOC")
    newest: dict[Identity, Bill] = {}
    for around in (rows.filter(boundary_date__lte=on), rows.filter(boundary_date__gt=on)):
        for bill in around.order_by(*same, "-boundary_date").distinct(*same):
            newest[_identity(bill)] = bill
    bills: dict[UUID, list[Bill]] = defaultdict(list)
    for bill in newest.values():
        bills[bill.account_id].append(bill)
    lines: dict[UUID, list[BilledLine]] = defaultdict(list)
    kept = [bill.pk for bill in newest.values()]
    rows_of_lines = LineItem.objects.for_organization(organization_id)
    for line in rows_of_lines.filter(Among("bill_id", kept)).values_list(*_COMPARED, named=True):
        lines[line.bill_id].append(what_changed.stored(line))
    return Stored(bills, lines)


def rehearse(
    taken: Snapshot,
    account: AccountSnapshot,
    bills: Iterable[Calculated],
    stored: Stored,
    on: date,
) -> list[RehearsedAccount]:
    """Return a row for each currency in which the account has, or would have, bills."""
    account_id = account.facts.id
    calculated = [
        bill
        for bill in bills
        if bill.source.existing or bill.source.input.account_plans or bill.rated.lines
    ]
    known = stored.bills.get(account_id, [])
    sums: dict[str, _Sum] = defaultdict(_Sum)
    done: set[Identity] = set()
    for one in calculated:
        if not one.rated.lines and taken.suppresses_empty_bills:
            continue
        other = _counterpart(one, known)
        done.add(_calculated_identity(one, account_id))
        _add(sums, other, one, stored, account, taken)
    for bill in known:
        if _identity(bill) not in done and not _is_over(bill, on):
            done.add(_identity(bill))
            if bill.is_locked and bill.boundary_date > on:
                _leave_alone(sums[bill.currency], bill)
            else:
                _add(sums, bill, None, stored, account, taken)
    rows = [_row(account_id, currency, one) for currency, one in sums.items()]
    return rows or [RehearsedAccount(account_id=account_id, kind=RehearsedKind.NOTHING)]


def _add(
    sums: dict[str, _Sum],
    bill: Bill | None,
    one: Calculated | None,
    stored: Stored,
    account: AccountSnapshot,
    taken: Snapshot,
) -> None:
    old = stored.lines.get(bill.pk, []) if bill else []
    new = _lines(one, account, taken) if one else []
    if bill is not None:
        sums[bill.currency].before += bill.total
        sums[bill.currency].had = True
        sums[bill.currency].compared.add(_compared(bill, one))
    if one is not None:
        sums[one.rated.currency].after += one.rated.total
        sums[one.rated.currency].has = True
    if bill is None or one is None or bill.currency != one.rated.currency:
        return
    began = {str(key) for key, period in account.attached.items() if period.start >= bill.start_at}
    end = one.rated.period.end
    ended = {
        str(key)
        for key, period in account.attached.items()
        if period.end is not None and end is not None and period.end <= end
    }
    why = since_last.compare(old, new, began=began, ended=ended)
    sums[bill.currency].effects += why.effects


def _lines(one: Calculated, account: AccountSnapshot, taken: Snapshot) -> list[BilledLine]:
    return [
        what_changed.rated(line, account_id=account.facts.id, plan_names=taken.names.plans)
        for line in one.rated.lines
    ]


def _row(account_id: UUID, currency: str, one: _Sum) -> RehearsedAccount:
    difference = one.after - one.before
    effects = sorted(one.effects, key=lambda effect: -abs(effect.amount))
    why = since_last.Account(sum((each.amount for each in effects), ZERO), tuple(effects))
    if not one.had:
        kind = RehearsedKind.NEW
    elif not one.has:
        kind = RehearsedKind.GONE
    else:
        kind = RehearsedKind.CHANGED if difference or effects else RehearsedKind.SAME
    if one.locked and kind == RehearsedKind.SAME:
        kind = RehearsedKind.LOCKED
    return RehearsedAccount(
        account_id=account_id,
        kind=kind,
        compared_with="STORED" if "STORED" in one.compared else "".join(one.compared),
        currency=currency,
        before=one.before,
        after=one.after,
        difference=difference,
        moved=abs(difference),
        why=_why(kind, why),
        sentences=_sentences(why.told(AT_MOST)),
    )


def _why(kind: str, why: since_last.Account) -> str:
    if kind in (RehearsedKind.NEW, RehearsedKind.GONE):
        return since_last.Cause.PLAN
    return why.main() or ""


def _sentences(effects: Iterable[since_last.Effect]) -> list[dict[str, Any]]:
    return [{"sentence": one.text, "amount": one.amount} for one in effects]


def _leave_alone(one: _Sum, bill: Bill) -> None:
    """A run does not touch a locked bill."""
    one.before += bill.total
    one.after += bill.total
    one.had = one.has = one.locked = True
    one.compared.add("STORED")


def _counterpart(one: Calculated, known: Sequence[Bill]) -> Bill | None:
    """Return the stored bill of the same period, else the one before it."""
    key, account_id = one.rated.key, one.rated.account_id
    same = [bill for bill in known if _identity(bill) == _calculated_identity(one, account_id)]
    now = next((bill for bill in same if bill.boundary_date == key.boundary), None)
    earlier = [bill for bill in same if bill.boundary_date < key.boundary]
    return now or max(earlier, key=lambda bill: bill.boundary_date, default=None)


def _compared(bill: Bill, one: Calculated | None) -> str:
    if one is not None and bill.boundary_date != one.rated.key.boundary:
        return "PREVIOUS"
    return "STORED" if one is not None else "PREVIOUS"


def _is_over(bill: Bill, on: date) -> bool:
    """Whether the period after a bill ended before the day: nothing was to follow it now."""
    months = _MONTHS.get(bill.billing_frequency, 0) * bill.bill_frequency_interval
    if not months:
        return bill.end_date + (bill.end_date - bill.start_date) <= on
    return _add_months(bill.end_date, months) <= on


def _add_months(day: date, months: int) -> date:
    """Return the same day some months later, or the last one of that month."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _identity(bill: Bill) -> Identity:
    return (
        bill.account_id,
        str(bill.billing_frequency),
        bill.bill_frequency_interval,
        bill.grouping,
    )


def _calculated_identity(one: Calculated, account_id: UUID) -> Identity:
    key = one.rated.key
    return account_id, str(key.frequency.value), key.interval, key.grouping
