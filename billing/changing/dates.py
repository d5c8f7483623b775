"""A change of timezone, billing day or rhythm, tried and taken back (JOB-18).

The change is written in a transaction that is always rolled back, and the bills to come are
calculated in it as a run would calculate them. So whatever a run makes of the change is told:
a partial bill, usage that the next bill takes over, or accounts that could not be billed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q

from billing.bills import job_rows
from billing.changing import coming
from billing.changing.coming import Coming, Start
from billing.models import Account, AccountPlan, BillJob
from catalog.models import PlanTemplate
from organizations.models import OrganizationConfig

# What of each kind of row moves the dates of bills.
COLUMNS: Mapping[type[models.Model], tuple[str, ...]] = {
    OrganizationConfig: ("timezone", "year_epoch", "month_epoch", "week_epoch", "day_epoch"),
    Account: ("bill_epoch",),
    AccountPlan: ("bill_epoch",),
    PlanTemplate: ("bill_frequency", "bill_frequency_interval"),
}
MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class DateChange:
    """New values of a stored row, by column; only those of ``COLUMNS`` that differ."""

    row: Any
    values: Mapping[str, Any]

    @property
    def accounts(self) -> list[UUID]:
        """The accounts whose bills may move, with their families."""
        row = self.row
        if isinstance(row, OrganizationConfig):
            named: list[UUID] | None = None
        elif isinstance(row, Account):
            named = [row.pk]
        elif isinstance(row, AccountPlan):
            named = [row.account_id]
        else:
            plans = AccountPlan.objects.for_organization(row.organization_id).filter(
                Q(plan__plan_template=row.pk) | Q(plan_group__links__plan__plan_template=row.pk)
            )
            named = list(plans.order_by().values_list("account_id", flat=True).distinct())
        if named == []:
            return []
        job = BillJob(organization_id=row.organization_id, account_ids=named or [])
        return job_rows.account_ids(job)


@dataclass(frozen=True, slots=True)
class Alike:
    """Accounts whose last bills and plans have the same dates, by the example of one of them.

    ``before`` and ``after`` are the bills to come without and with the change.
    """

    accounts: int
    start: Start
    before: tuple[Coming, ...]
    after: tuple[Coming, ...]

    @property
    def is_moved(self) -> bool:
        """Whether the bills to come cover other days, or some cannot be made."""
        return [one.dates for one in self.before] != [one.dates for one in self.after]

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why bills could not be made after the change that could be made before it."""
        known = {one.refusal for one in self.before}
        told = (one.refusal for one in self.after if one.refusal not in known)
        return tuple(dict.fromkeys(told))


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows from a change; ``unbilled`` accounts have no bill yet, so nothing moves."""

    accounts: int
    unbilled: int
    alike: tuple[Alike, ...]
    not_shown: int

    @property
    def moved(self) -> tuple[Alike, ...]:
        """Those whose bills move, the ones that could not be billed first."""
        return tuple(sorted((one for one in self.alike if one.is_moved),
                            key=lambda one: (not one.refusals, -one.accounts)))  # fmt: skip


NOTHING = Consequences(0, 0, (), 0)


def changed(row: Any, asked: Mapping[str, Any]) -> DateChange | None:
    """Return the change of dates among new values of a row; ``None`` for none."""
    columns = COLUMNS.get(type(row), ())
    stored = type(row)._base_manager.get(pk=row.pk)
    values = {
        name: asked[name]
        for name in columns
        if name in asked and asked[name] != getattr(stored, name)
    }
    return DateChange(stored, values) if values else None


def consequences(change: DateChange) -> Consequences:
    """Return what bills follow from the change; nothing is stored."""
    organization_id = change.row.organization_id
    accounts = change.accounts
    groups = coming.starts(organization_id, accounts)
    shown = dict(sorted(groups.items(), key=lambda one: (-one[1], one[0].code))[:MOST_EXAMPLES])
    days = {start.account_id: start.day for start in shown}
    before = coming.next_bills(organization_id, days)
    with tried(change):
        after = coming.next_bills(organization_id, days)
    counted = sum(groups.values())
    return Consequences(
        accounts=len(accounts),
        unbilled=len(accounts) - counted,
        alike=tuple(
            Alike(count, start, before[start.account_id], after[start.account_id])
            for start, count in shown.items()
        ),
        not_shown=counted - sum(shown.values()),
    )


@contextmanager
def tried(change: DateChange) -> Iterator[None]:
    """Have the change in force inside of the block, and take it back."""
    with transaction.atomic():
        rows = type(change.row)._base_manager.filter(pk=change.row.pk)
        rows.update(**change.values)
        yield
        transaction.set_rollback(True)
