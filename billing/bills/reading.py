"""The queries of the snapshot: each reads one kind of row for all accounts at once.

Called by ``snapshot.take`` only. Every function is exactly one statement, so the number of
queries does not depend on the number of accounts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Coalesce
from psycopg import sql

from billing.models import Account, AccountPlan, Bill, LineItem, LineItemType
from billing.rating.book import BilledCharge
from billing.rating.cycles import identity
from billing.rating.inputs import ChildBilling
from billing.rating.lines import MEASURED, stored_subject
from billing.rating.subjects import Attribution
from catalog.models import Product
from organizations.kernel import ids
from organizations.kernel.among import Among
from organizations.kernel.money import Currency, RoundingMode
from organizations.kernel.periods import Period
from organizations.models import Currency as CurrencyRow
from organizations.models import OrganizationConfig

# Lines that people write on a bill; a calculation neither makes nor touches them.
MEMO_TYPES = (
    LineItemType.CREDIT_MEMO,
    LineItemType.DEBIT_MEMO,
    LineItemType.CREDIT_DEDUCTION,
    LineItemType.MANUAL_ADJUSTMENT,
)


class AccountFacts(NamedTuple):
    """What a bill needs to know of its account."""

    id: UUID
    code: str
    name: str
    email_address: str
    address: dict[str, str]
    currency: str | None
    bill_epoch: date | None
    days_before_bill_due: int | None
    purchase_order_number: str | None
    credit_application_order: list[str]


class ContractFacts(NamedTuple):
    """The contract of an account plan, as far as bills follow it."""

    id: UUID
    key_id: UUID | None
    has_limits: bool
    start_date: date
    end_date: date
    usage_filters: list[dict[str, str]]
    purchase_order_number: str | None


class Member(NamedTuple):
    """An account of a family."""

    id: UUID
    code: str
    bill_epoch: date | None


class Pooled(NamedTuple):
    """Whose usage a parent's plan rates. ``apart`` is time in which a member's own plan does."""

    members: tuple[Member, ...]
    apart: tuple[tuple[UUID, Period], ...] = ()


class Role(NamedTuple):
    """How an account plan of a family bears on a bill: see ``rating.inputs.FamilyRole``.

    ``code`` is that of the account whose plan it is; ``pool`` is given of a parent's plan.
    """

    mode: ChildBilling
    code: str
    pool: Pooled | None = None
    is_of_child: bool = False
    share_of: UUID | None = None


class AttachedPlan(NamedTuple):
    """One account plan, or one plan of a plan group that is attached (``plan_groups``).

    ``plan_id`` is that of the group on the row of the group itself. ``begins_with_units``: of a
    counter that is billed in advance. ``family`` is given where the account is in one.
    """

    id: UUID
    account_id: UUID
    plan_id: UUID
    start_at: datetime
    end_at: datetime | None
    bill_epoch: date | None
    plan_group_id: UUID | None = None
    contract: ContractFacts | None = None
    child_billing_mode: str = ChildBilling.BREAKDOWN.value
    begins_with_units: bool = False
    family: Role | None = None

    @property
    def contract_id(self) -> UUID | None:
        return self.contract.id if self.contract else None

    @property
    def key(self) -> UUID:
        """What tells it apart from all others of its account."""
        if self.plan_group_id in (None, self.plan_id):
            return self.id
        return uuid5(self.id, self.plan_id.hex)


class ExistingBill(NamedTuple):
    """A bill that exists: its identity, the dates printed on it, what its job overrode."""

    id: UUID
    account_id: UUID
    billing_frequency: str
    bill_frequency_interval: int
    boundary_date: date
    grouping: str
    is_locked: bool
    start_at: datetime
    end_at: datetime
    start_date: date
    timezone: str
    bill_date: date
    due_date: date | None
    external_invoice_date: date | None
    overrides: dict[str, Any]

    @property
    def identity(self) -> tuple[UUID, str, int, date, str]:
        """What makes it this bill (JOB-6)."""
        return (
            self.account_id,
            *identity(
                self.billing_frequency,
                self.bill_frequency_interval,
                self.boundary_date,
                self.grouping,
            ),
        )


class RatedUsage(NamedTuple):
    """A usage line of a locked bill."""

    account_plan_id: UUID
    plan_id: UUID
    aggregation_id: UUID
    segment: dict[str, str]
    starts_at: datetime
    units: Decimal


@dataclass(frozen=True, slots=True)
class Names:
    """Names and codes printed on lines, stored with them (LIN-4)."""

    products: dict[UUID, tuple[str, str]]
    plans: dict[UUID, str]


def config(organization_id: UUID) -> OrganizationConfig:
    """Return the organization's billing settings."""
    return OrganizationConfig.objects.for_organization(organization_id).get()


def currencies(organization_id: UUID) -> dict[str, Currency]:
    """Return the organization's currencies by code, archived ones included."""
    return {
        row.code: Currency(row.code, row.max_decimal_places, RoundingMode(row.rounding_mode))
        for row in CurrencyRow.objects.for_organization(organization_id)
    }


def accounts(organization_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, AccountFacts]:
    """Return the accounts by id."""
    rows = (
        Account.objects.for_organization(organization_id)
        .filter(Among("pk", account_ids))
        .values_list(*AccountFacts._fields)
    )
    return {row[0]: AccountFacts(*row) for row in rows}


def account_plans(
    organization_id: UUID, account_ids: Collection[UUID]
) -> dict[UUID, list[AttachedPlan]]:
    """Return every account plan and plan group by account, in order of start."""
    rows = (
        AccountPlan.objects.for_organization(organization_id)
        .filter(Among("account_id", account_ids))
        .order_by("start_date", "id")
        .values_list(
            "id",
            "account_id",
            Coalesce("plan_id", "plan_group_id"),
            "start_date",
            "end_date",
            "bill_epoch",
            "plan_group_id",
            "child_billing_mode",
            "contract_id",
            "contract__bill_grouping_key_id",
            "contract__apply_contract_period_limits",
            "contract__start_date",
            "contract__end_date",
            "contract__usage_filters",
            "contract__purchase_order_number",
        )
    )
    found: dict[UUID, list[AttachedPlan]] = defaultdict(list)
    for row in rows:
        contract = ContractFacts(*row[8:]) if row[8] else None
        found[row[1]].append(AttachedPlan(*row[:7], contract, row[7]))
    return found


def product_names(organization_id: UUID) -> dict[UUID, tuple[str, str]]:
    """Return (code, name) of every product."""
    rows = Product.objects.for_organization(organization_id).values_list("id", "code", "name")
    return {product_id: (code, name) for product_id, code, name in rows}


def bills_between(
    organization_id: UUID, account_ids: Collection[UUID], first: date, last: date
) -> list[ExistingBill]:
    """Return the bills of the accounts whose periods touch the days from first to last."""
    return _bills(
        organization_id,
        Among("account_id", account_ids),
        Q(boundary_date__gte=first, start_date__lte=last),
    )


def bills_by_id(organization_id: UUID, bill_ids: Collection[UUID]) -> list[ExistingBill]:
    """Return the bills."""
    return _bills(organization_id, Among("pk", bill_ids))


def carried(organization_id: UUID, bill_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Return the account plans that have a line on each bill; bills without any are left out."""
    rows = (
        LineItem.objects.for_organization(organization_id)
        .filter(Among("bill_id", bill_ids), account_plan_id__isnull=False)
        .order_by()
        .values_list("bill_id", "account_plan_id")
        .distinct()
    )
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for bill_id, account_plan_id in rows:
        found[bill_id].add(account_plan_id)
    return found


def locked_bills(organization_id: UUID, account_ids: Collection[UUID]) -> list[ExistingBill]:
    """Return the accounts' locked bills."""
    return _bills(organization_id, Among("account_id", account_ids), Q(is_locked=True))


def rated_usage(organization_id: UUID, account_plan_ids: Collection[UUID]) -> list[RatedUsage]:
    """Return the usage lines of the account plans on locked bills."""
    rows = (
        LineItem.objects.for_organization(organization_id)
        .filter(
            Among("account_plan_id", account_plan_ids),
            line_item_type__in=MEASURED,
            bill__is_locked=True,
        )
        .values_list(
            "account_plan_id",
            "plan_id",
            Coalesce("aggregation_id", "compound_aggregation_id"),
            "segment",
            "service_period_start",
            "units",
        )
    )
    return [RatedUsage(*row) for row in rows]


def _bills(organization_id: UUID, *criteria: Among | Q) -> list[ExistingBill]:
    rows = (
        Bill.objects.for_organization(organization_id)
        .filter(*criteria)
        .order_by("boundary_date", "id")
        .values_list(*ExistingBill._fields)
    )
    return [ExistingBill(*row) for row in rows]


_CHARGES = """
WITH lines AS MATERIALIZED (
    SELECT bill_id, sequence_number, line_item_type, line_key, plan_id, account_plan_id,
           pricing_id, aggregation_id, compound_aggregation_id, child_account_id,
           service_period_start, service_period_end, subtotal
      FROM billing_lineitem
     WHERE {column} = ANY(%(about)s::uuid[])
       AND organization_id = %(organization)s
       AND {condition}
       AND line_item_type <> ALL(%(memos)s)
       AND NOT bill_id = ANY(%(except)s::uuid[])
)
SELECT bill.account_id, bill.id, bill.invoice_reference, bill.bill_date, bill.end_at,
       line.line_item_type, line.line_key, line.plan_id, line.account_plan_id,
       line.pricing_id, line.aggregation_id, line.compound_aggregation_id,
       line.child_account_id, line.service_period_start, line.service_period_end,
       line.subtotal, bill.is_locked
  FROM lines line JOIN billing_bill bill ON bill.id = line.bill_id
 ORDER BY bill.boundary_date, bill.id, line.sequence_number
"""


def charges(
    organization_id: UUID,
    account_plan_ids: Collection[UUID],
    within: Period,
    *,
    except_bills: Iterable[UUID],
) -> dict[UUID, list[BilledCharge]]:
    """Return by account the charges that other bills carry for service inside ``within``."""
    inside = sql.SQL("service_period_start < {ends} AND service_period_end > {starts}").format(
        starts=sql.Literal(within.start), ends=sql.Literal(within.end)
    )
    return _charges(organization_id, "account_plan_id", account_plan_ids, inside, except_bills)


def charges_about(
    organization_id: UUID, column: str, about: Collection[UUID], *, except_bills: Iterable[UUID]
) -> dict[UUID, list[BilledCharge]]:
    """Return by account what other bills charge, at any time, for things without an account plan.

    ``column`` is that of the subject: charge_id, commitment_id, balance_id.
    """
    apart = sql.SQL("account_plan_id IS NULL")
    return _charges(organization_id, column, about, apart, except_bills)


def _charges(
    organization_id: UUID,
    column: str,
    about: Collection[UUID],
    condition: sql.Composable,
    except_bills: Iterable[UUID],
) -> dict[UUID, list[BilledCharge]]:
    """Read the lines first, by what they charge.

    Left to itself PostgreSQL would, in an organization its statistics do not know yet, expect one
    bill and look through the lines of the whole organization for each of thousands.
    """
    statement = sql.SQL(_CHARGES).format(column=sql.Identifier(column), condition=condition)
    values = {
        "organization": organization_id,
        "about": ids.array(about),
        "except": ids.array(except_bills),
        "memos": [str(kind) for kind in MEMO_TYPES],
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    found: dict[UUID, list[BilledCharge]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(_charge(*row))
    return found


def _charge(
    account_id: UUID, bill_id: UUID, reference: str | None, bill_date: date, ends_at: datetime,
    line_type: str, line_key: str, plan_id: UUID | None, account_plan_id: UUID | None,
    pricing_id: UUID | None, aggregation_id: UUID | None, compound_id: UUID | None,
    child_id: UUID | None, starts: datetime, ends: datetime, subtotal: Any, is_locked: bool,
) -> BilledCharge:  # fmt: skip
    return BilledCharge(
        bill_id=bill_id,
        bill_name=reference or str(bill_id),
        bill_date=bill_date,
        line_type=line_type,
        subject=stored_subject(
            line_type,
            line_key,
            measured=aggregation_id or compound_id,
            pricing_id=pricing_id,
            plan_id=plan_id,
        ),
        attribution=Attribution(
            account_id=child_id or account_id,
            account_plan_id=account_plan_id,
            plan_id=plan_id,
            pricing_id=pricing_id,
        ),
        service_period=Period(starts, ends),
        subtotal=subtotal,
        in_advance=starts >= ends_at,
        is_locked=is_locked,
    )
