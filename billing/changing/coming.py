"""The bills to come of some accounts after the last ones they have, as a run would make them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.bills import calculation, families, snapshot
from billing.bills.calculation import Calculated
from billing.bills.selection import DueBills
from billing.models import AccountPlan, Bill
from organizations.kernel.among import Among
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import local_date

HOW_MANY = 2
LAST_YEAR = 9000


@dataclass(frozen=True, slots=True)
class Last:
    """The latest bill of an account in one rhythm."""

    frequency: str
    interval: int
    first_day: date
    end_day: date
    is_locked: bool


@dataclass(frozen=True, slots=True)
class Start:
    """Where an account stands: its last bills, and the day the next one is looked for."""

    account_id: UUID
    code: str
    name: str
    lasts: tuple[Last, ...]
    day: date


@dataclass(frozen=True, slots=True)
class Coming:
    """A bill to come; ``end_day`` is exclusive.

    ``usage_from`` is given where its usage begins at another moment than its first day.
    ``refusal`` says why there would be no bill; then there are no dates.
    """

    frequency: str = ""
    interval: int = 1
    first_day: date | None = None
    end_day: date | None = None
    usage_from: datetime | None = None
    total: Decimal | None = None
    currency: str = ""
    refusal: str = ""

    @property
    def dates(self) -> tuple[Any, ...]:
        """What is compared: which time it covers, or why there is none."""
        return (
            self.frequency, self.interval, self.first_day, self.end_day, self.usage_from,
            self.refusal,
        )  # fmt: skip

    @property
    def days(self) -> int:
        """How many days it covers."""
        return (self.end_day - self.first_day).days if self.first_day and self.end_day else 0


def starts(organization_id: UUID, account_ids: Collection[UUID]) -> dict[Start, int]:
    """Return an example of each kind of account that has bills, with how many are alike.

    Alike are accounts with plans of the same rhythms and last bills of the same days; three
    queries.
    """
    bills = _last_bills(organization_id, account_ids)
    rhythms = _rhythms(organization_id, list(bills))
    counts: Counter[Any] = Counter()
    examples: dict[Any, Start] = {}
    for account_id, rows in sorted(bills.items(), key=lambda one: one[1][0]["account_code"]):
        lasts = tuple(
            sorted(
                (
                    Last(
                        row["billing_frequency"], row["bill_frequency_interval"],
                        row["start_date"], row["boundary_date"], row["is_locked"],
                    )
                    for row in rows
                ),
                key=lambda one: (one.end_day, one.frequency, one.interval),
            )
        )  # fmt: skip
        own = rhythms.get(account_id, frozenset())
        alike = (lasts, own)
        counts[alike] += 1
        if alike not in examples:
            first = rows[0]
            day = _day(lasts, own)
            examples[alike] = Start(
                account_id, first["account_code"], first["account_name"], lasts, day
            )
    return {example: counts[alike] for alike, example in examples.items()}


def _last_bills(
    organization_id: UUID, account_ids: Collection[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    same = ("account_id", "billing_frequency", "bill_frequency_interval", "grouping")
    rows = (
        Bill.objects.for_organization(organization_id)
        .filter(Among("account_id", account_ids))
        .exclude(billing_frequency="AD_HOC")
        .order_by(*same, "-boundary_date")
        .distinct(*same)
        .values(*same, "account_code", "account_name", "start_date", "boundary_date", "is_locked")
    )
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["account_id"]].append(row)
    return found


def _rhythms(
    organization_id: UUID, account_ids: Collection[UUID]
) -> dict[UUID, frozenset[tuple[Any, ...]]]:
    """Return frequency, interval, epoch and end of each account's plans."""
    rows = (
        AccountPlan.objects.for_organization(organization_id)
        .filter(Among("account_id", account_ids))
        .values_list(
            "account_id",
            "plan__plan_template__bill_frequency",
            "plan__plan_template__bill_frequency_interval",
            "bill_epoch",
            "account__bill_epoch",
            "end_date",
        )
    )
    found: dict[UUID, set[tuple[Any, ...]]] = defaultdict(set)
    for account_id, *rhythm in rows:
        found[account_id].add(tuple(rhythm))
    return {account_id: frozenset(rhythms) for account_id, rhythms in found.items()}


def _day(lasts: tuple[Last, ...], rhythms: frozenset[tuple[Any, ...]]) -> date:
    """Return the first day behind the last bill of a rhythm that goes on."""
    going_on = {
        (frequency, interval)
        for frequency, interval, _, _, end in rhythms
        if frequency and (end is None or any(end.date() > one.end_day for one in lasts))
    }
    ends = [one.end_day for one in lasts if (one.frequency, one.interval) in going_on]
    return min(ends, default=max(one.end_day for one in lasts))


def next_bills(organization_id: UUID, days: Mapping[UUID, date]) -> dict[UUID, tuple[Coming, ...]]:
    """Return the next bills of accounts from a day on each; the number of queries depends on
    how many different days there are."""
    found: dict[UUID, list[Coming]] = {account_id: [] for account_id in days}
    left = dict(days)
    for _ in range(HOW_MANY):
        by_day: dict[date, list[UUID]] = defaultdict(list)
        for account_id, day in left.items():
            if day.year < LAST_YEAR:
                by_day[day].append(account_id)
        left = {}
        for day, account_ids in sorted(by_day.items()):
            for account_id, bills in _due(organization_id, account_ids, day).items():
                new = [one for one in bills if one not in found[account_id]]
                found[account_id] += new
                ends = [one.end_day for one in new if one.end_day and one.end_day > day]
                if ends:
                    left[account_id] = min(ends)
    return {account_id: tuple(bills) for account_id, bills in found.items()}


def _due(
    organization_id: UUID, account_ids: Collection[UUID], day: date
) -> dict[UUID, list[Coming]]:
    members = families.read(organization_id, account_ids).with_members(account_ids)
    taken = snapshot.take(organization_id, members, DueBills(on=day))
    found: dict[UUID, list[Coming]] = {}
    for account_id in account_ids:
        try:
            calculated = calculation.of_account(taken, account_id)
        except DomainError as refusal:
            found[account_id] = [Coming(refusal=refusal.message)]
            continue
        found[account_id] = [
            _coming(one)
            for one in calculated
            if (one.source.input.account_plans or one.rated.lines) and one.rated.key.boundary > day
        ]
    return found


def _coming(one: Calculated) -> Coming:
    given = one.source.input
    start, zone = given.period.start, given.timezone
    windows = [
        window.period.start
        for plan in given.account_plans
        for pricing in plan.pricings
        for window in pricing.windows
    ]
    usage_from = min(windows, default=start)
    return Coming(
        frequency=given.key.frequency.value,
        interval=given.key.interval,
        first_day=local_date(start, zone),
        end_day=given.key.boundary,
        usage_from=usage_from if usage_from < start else None,
        total=one.rated.total,
        currency=one.rated.currency,
    )
