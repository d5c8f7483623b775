"""Commitments and balances of accounts as rating needs them: fees, credit left, what to pay for.

Read once, before bills are planned: fees may ask for bills of their own.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet

from billing.bills import reading
from billing.bills.families import Families
from billing.bills.groups import grouping_of
from billing.bills.off_cycle import Dated
from billing.bills.planning import PlannedBill, epoch_of
from billing.bills.reading import AccountFacts
from billing.models import (
    Balance,
    BalanceLineItemType,
    BalanceTransaction,
    ChildBillingMode,
    Commitment,
    CommitmentLineItemType,
    TransactionSource,
)
from billing.rating.account_terms import Credit, CreditWindow, FeeTerm, PlanFees
from billing.rating.book import BilledCharge
from billing.rating.cycles import CYCLIC, Cycle
from billing.rating.kinds.draw_downs import ROLLOVER
from billing.rating.lines import LineType
from billing.rating.subjects import Subject, SubjectKind
from organizations.kernel.among import Among
from organizations.kernel.money import ZERO
from organizations.kernel.periods import Period, local_midnight
from organizations.models import OrganizationConfig

if TYPE_CHECKING:
    from billing.bills.taken import AccountSnapshot

PREPAYMENT, BALANCE = "PREPAYMENT", "BALANCE"
_CYCLES = {frequency.value: frequency for frequency in CYCLIC}


@dataclass(slots=True)
class Prepaid:
    """All commitments and balances of some accounts, what bills charge for them, and ledgers."""

    zone: tzinfo
    config: OrganizationConfig
    commitments: dict[UUID, list[Commitment]] = field(default_factory=dict)
    balances: dict[UUID, list[Balance]] = field(default_factory=dict)
    charges: Mapping[UUID, Sequence[BilledCharge]] = field(default_factory=dict)
    families: Families = field(default_factory=lambda: Families({}))
    # Of parents, what pays for the bills of their children as well (PAR-9), by parent.
    shared: dict[UUID, list[Commitment]] = field(default_factory=dict)
    entries: Mapping[UUID, Sequence[tuple[Any, ...]]] = field(default_factory=dict)

    def plan_fees(self, account: AccountFacts) -> list[PlanFees]:
        """Return the fees that follow the rhythm of a plan (FEE-2)."""
        return [
            fees
            for row in self.commitments.get(account.id, ())
            if (fees := _plan_fees(row, account, self.config, self.zone)) is not None
        ]

    def dated(self) -> Iterator[Dated]:
        """Yield the fees of schedules, each with the bill that carries it (FEE-6)."""
        for account_id, rows in self.commitments.items():
            billed = {
                charge.subject: charge.bill_id
                for charge in self.charges.get(account_id, ())
                if charge.line_type == LineType.COMMITMENT_FEE
            }
            for row in rows:
                for day, term in _fees(row):
                    subject = Subject(SubjectKind.COMMITMENT, row.pk, term.detail)
                    bill_id = billed.get(subject)
                    yield Dated(account_id, day, grouping_of(row.contract), bill_id, "fees", term)


def read(
    organization_id: UUID,
    account_ids: Collection[UUID],
    families: Families,
    config: OrganizationConfig,
    zone: tzinfo,
) -> Prepaid:
    """Read them: two queries, two more where there are any."""
    found = Prepaid(zone, config, families=families)
    every = _by_account(
        Commitment.objects.for_organization(organization_id)
        .filter(Among("account_id", families.with_members(account_ids)))
        .select_related("contract", "billing_plan__plan_template")
        .order_by("end_date", "start_date", "created_at", "id")
    )
    asked = set(account_ids)
    found.commitments = {key: rows for key, rows in every.items() if key in asked}
    for key, rows in every.items():
        shared = [row for row in rows if row.child_billing_mode == ChildBillingMode.CHILD]
        if shared and families.of(key):
            found.shared[key] = shared
    found.balances = _by_account(
        Balance.objects.for_organization(organization_id)
        .filter(Among("account_id", account_ids))
        .order_by("effective_end_date", "start_date", "created_at", "id")
    )
    if found.commitments or found.shared:
        commitment_ids = [row.pk for rows in every.values() for row in rows]
        found.charges = reading.charges_about(
            organization_id, "commitment_id", commitment_ids, except_bills=()
        )
    if found.balances:
        balance_ids = [row.pk for rows in found.balances.values() for row in rows]
        found.entries = _entries(organization_id, balance_ids)
    return found


def give(
    prepaid: Prepaid,
    accounts: Mapping[UUID, "AccountSnapshot"],
    planned: Sequence[PlannedBill],
) -> None:
    """Put fees, credits and what is left in them with each account that has a bill planned.

    What the planned bills themselves drew counts as not drawn.
    """
    again = {bill.existing.id for bill in planned if bill.existing}
    for account_id in {bill.account.id for bill in planned}:
        account = accounts[account_id]
        account.charges += [
            charge for charge in prepaid.charges.get(account_id, ()) if charge.bill_id not in again
        ]
        fees = prepaid.plan_fees(account.facts)
        if fees:
            account.terms["plan_fees"] = tuple(fees)
        order = account.facts.credit_application_order or (
            prepaid.config.credit_application_order or [PREPAYMENT, BALANCE]
        )
        if prepaid.families.of(account_id):
            order = [PREPAYMENT, BALANCE]  # ORD-2
        credits: list[Credit] = []
        for kind in order:
            if kind == PREPAYMENT:
                credits += _commitments(prepaid, account, again)
            elif kind == BALANCE:
                credits += _balances(prepaid, account, again)
        if credits:
            account.terms["credits"] = tuple(credits)
            account.cuts = tuple(
                sorted(
                    instant
                    for credit in credits
                    for window in credit.windows
                    for instant in (window.period.start, window.period.end)
                    if instant is not None
                )
            )


def _by_account(rows: QuerySet[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.account_id].append(row)
    return found


def _entries(
    organization_id: UUID, balance_ids: Collection[UUID]
) -> dict[UUID, list[tuple[Any, ...]]]:
    rows = (
        BalanceTransaction.objects.for_organization(organization_id)
        .filter(Among("balance_id", balance_ids))
        .order_by("applied_date", "id")
        .values_list("balance_id", "amount", "applied_date", "entity_type", "entity_id")
    )
    found: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for balance_id, *entry in rows:
        found[balance_id].append(tuple(entry))
    return found


# Commitments -----------------------------------------------------------------------------------


def _plan_fees(
    row: Commitment, account: AccountFacts, config: OrganizationConfig, zone: tzinfo
) -> PlanFees | None:
    plan = row.billing_plan
    frequency = _CYCLES.get(plan.plan_template.bill_frequency) if plan else None
    if plan is None or frequency is None:
        return None
    epoch = row.bill_epoch or account.bill_epoch or epoch_of(frequency, config)
    in_advance = row.commitment_fee_bill_in_advance
    return PlanFees(
        commitment_id=row.pk,
        cycle=Cycle(frequency, plan.plan_template.bill_frequency_interval, epoch),
        period=_period(row, zone),
        unpaid=row.amount - row.amount_pre_paid,
        currency=row.currency,
        description=row.commitment_fee_description or "Prepayment Fee",
        first=row.amount_first_bill,
        in_advance=config.commitment_fee_bill_in_advance if in_advance is None else in_advance,
        interval=row.billing_interval,
        offset=row.billing_offset,
        grouping=grouping_of(row.contract),
        contract_id=row.contract_id,
        accounting_product_ids=(row.fees_accounting_product_id, row.accounting_product_id),
    )


def _period(row: Commitment, zone: tzinfo) -> Period:
    return Period(local_midnight(row.start_date, zone), local_midnight(row.end_date, zone))


def _fees(row: Commitment) -> Iterator[tuple[date, FeeTerm]]:
    """Yield the fees of the schedule; several of one date are told apart by their place.

    Those from the end of the commitment on are no longer billed (COS-4).
    """
    seen: dict[str, int] = defaultdict(int)
    for fee in row.fee_dates:
        day = _day(fee["date"])
        seen[day.isoformat()] += 1
        place = seen[day.isoformat()]
        starts, ends = (
            _instant(fee["servicePeriodStartDate"]),
            _instant(fee["servicePeriodEndDate"]),
        )
        yield (
            day,
            FeeTerm(
                commitment_id=row.pk,
                detail=day.isoformat() + (f"/{place}" if place > 1 else ""),
                amount=Decimal(str(fee["amount"])),
                currency=row.currency,
                description=row.commitment_fee_description or "Prepayment Fee",
                service_period=Period(starts, ends),
                contract_id=row.contract_id,
                accounting_product_ids=(
                    row.fees_accounting_product_id, row.accounting_product_id
                ),
            ),
        )  # fmt: skip


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def _commitments(
    prepaid: Prepaid, account: "AccountSnapshot", again: Collection[UUID]
) -> Iterator[Credit]:
    drawn = _drawn(prepaid, account.facts.id, again)
    family = prepaid.families.of(account.facts.id)
    rows = list(prepaid.commitments.get(account.facts.id, ()))
    if family is not None and family.parent.id != account.facts.id:
        rows += prepaid.shared.get(family.parent.id, ())
    for row in rows:
        subject = Subject(SubjectKind.COMMITMENT, row.pk)
        account.credits[subject] = row.amount - drawn[row.pk]
        yield Credit(
            subject=subject,
            currency=row.currency,
            windows=(CreditWindow(_period(row, prepaid.zone)),),
            line_types=frozenset(row.line_item_types or CommitmentLineItemType.values),
            description=row.commitment_usage_description or "Prepayment Consumed",
            product_ids=frozenset(row.product_ids),
            contract_id=row.contract_id,
            accounting_product_ids=(
                row.drawdowns_accounting_product_id,
                row.accounting_product_id,
            ),
            surcharge_percent=row.overage_surcharge_percent or ZERO,
            surcharge_description=row.overage_description or "Overage Surcharge",
            separates_overage=row.separate_overage_usage,
        )


def _drawn(
    prepaid: Prepaid, account_id: UUID, again: Collection[UUID]
) -> dict[UUID | None, Decimal]:
    """Return what bills draw from commitments, those of the whole family where it has one."""
    family = prepaid.families.of(account_id)
    accounts = [one.id for one in family.members] if family else [account_id]
    drawn: dict[UUID | None, Decimal] = defaultdict(Decimal)
    for one in accounts:
        for charge in prepaid.charges.get(one, ()):
            if charge.line_type == LineType.COMMITMENT_CONSUMED and charge.bill_id not in again:
                drawn[charge.subject.id] -= charge.subtotal
    return drawn


# Balances --------------------------------------------------------------------------------------


def _balances(
    prepaid: Prepaid, account: "AccountSnapshot", again: Collection[UUID]
) -> Iterator[Credit]:
    for row in prepaid.balances.get(account.facts.id, ()):
        entries = [
            entry
            for entry in prepaid.entries.get(row.pk, ())
            if entry[2] != TransactionSource.BILL or entry[3] not in again
        ]
        subject = Subject(SubjectKind.BALANCE, row.pk)
        account.credits[subject] = sum((amount for amount, *_ in entries), ZERO)
        _roll_over(account, row, entries)
        yield Credit(
            subject=subject,
            currency=row.currency,
            windows=tuple(_windows(row)),
            line_types=frozenset(row.line_item_types or BalanceLineItemType.values),
            description=row.balance_draw_down_description or "Balance Consumed",
            product_ids=frozenset(row.product_ids),
            contract_id=row.contract_id,
            accounting_product_ids=(row.consumptions_accounting_product_id,),
            surcharge_percent=row.overage_surcharge_percent or ZERO,
            surcharge_description=row.overage_description or "Overage Surcharge",
            is_unlimited=row.allow_overdraft and prepaid.config.allow_negative_balances,
            later=tuple((at, amount) for amount, at, *_ in entries if amount > 0),
        )


def _windows(row: Balance) -> Iterable[CreditWindow]:
    yield CreditWindow(Period(row.start_date, row.end_date))
    if row.rollover_end_date is not None:
        yield CreditWindow(Period(row.end_date, row.rollover_end_date), ROLLOVER)


def _roll_over(
    account: "AccountSnapshot", row: Balance, entries: Iterable[tuple[Any, ...]]
) -> None:
    """Set what the rollover still holds where it is limited (BAL-8)."""
    if row.rollover_amount is None:
        return
    drawn = sum(
        (
            amount
            for amount, at, source, _ in entries
            if source == TransactionSource.BILL and at >= row.end_date
        ),
        ZERO,
    )
    part = Subject(SubjectKind.BALANCE, row.pk, ROLLOVER)
    account.credits[part] = row.rollover_amount + drawn
