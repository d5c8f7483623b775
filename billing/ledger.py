"""The ledger of balances: the one place that writes transactions.

A balance's amount is the sum of its transactions. The database keeps it so: a trigger moves the
amount with each transaction and refuses any other change of it, so transactions that are posted
at the same time wait for one another at the balance's row. No transaction changes or goes; what
a bill has drawn is the exception, and is replaced or given back with the bill (BAL-3, BAL-6).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from billing.models import Balance, BalanceTransaction, Bill, Charge, TransactionSource
from billing.rating.ledger_sums import BalanceTerms, LedgerEntry, LedgerSummary, summary
from billing.representations_agreements import balance as represent
from organizations.kernel import changes, clock, events, exact_json
from organizations.kernel.among import Among
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.kernel.principals import Principal
from organizations.models import OrganizationConfig

ENTITY = "billing.balanceamount"
EVENT = f"{ENTITY}.updated"


class OverdrawnMeanwhile(DomainError):
    """A balance holds less than when the bill was calculated."""

    code = "OVERDRAWN"

    def __init__(self, balance: Balance) -> None:
        super().__init__(
            f"The balance {balance.name} would go below zero: it holds less than when the bill "
            "was calculated. Calculate the bill again."
        )


def post(row: BalanceTransaction, *, by: Principal) -> BalanceTransaction:
    """Post one transaction on its balance, with the event of the new amount.

    Without a source the row is the caller's own. A debit that would take the balance below zero
    is refused, unless organization and balance allow an overdraft (BAL-10).
    """
    if not row.entity_type:
        is_person = by.kind != "SERVICE_USER"
        row.entity_type = TransactionSource.USER if is_person else TransactionSource.SERVICE_USER
        row.entity_id = by.id
    with changes.refusing():
        balance = changes.locked(row.balance)
        if row.amount < 0 and balance.amount + row.amount < 0 and not may_overdraw(balance):
            raise FieldRefused(
                "amount",
                f"would take the balance below zero: it holds {balance.amount.normalize():f} "
                f"{balance.currency}, and an overdraft is not allowed",
            )
        before = exact_json.simple(represent(balance))
        changes.create(row, by=by)
        _tell(balance, before)
    return row


def may_overdraw(balance: Balance) -> bool:
    """Return whether organization and balance both allow amounts below zero (BAL-10)."""
    return (
        balance.allow_overdraft
        and OrganizationConfig.objects.filter(
            organization_id=balance.organization_id, allow_negative_balances=True
        ).exists()
    )


def draw(
    bill: Bill, rows: Sequence[BalanceTransaction], *, by: Principal
) -> list[BalanceTransaction]:
    """Post what a bill draws from balances, in place of what it drew before (BAL-6).

    The caller has locked the bill's account and worked out the amounts.
    """
    with changes.refusing():
        former = set(_drawn([bill.pk]).values_list("balance_id", flat=True))
        held = _held(former | {row.balance_id for row in rows})
        before = {pk: exact_json.simple(represent(balance)) for pk, balance in held.items()}
        _drawn([bill.pk]).delete()
        for row in rows:
            row.entity_type, row.entity_id = TransactionSource.BILL, bill.pk
            changes.create(row, by=by)
        _tell_all(held, before)
    return list(rows)


def redraw(
    bill_ids: Collection[UUID], rows: Sequence[BalanceTransaction], *, by: Principal
) -> set[UUID]:
    """Let what bills draw be exactly these rows; returns the balances that changed (BAL-6).

    Rows that stay as they are are not written again. Raises ``OverdrawnMeanwhile`` where a balance
    would go below zero that may not: somebody took credit since it was read.
    """
    stored = list(_drawn(list(bill_ids)))
    kept = {_draw_of(row) for row in rows} & {_draw_of(row) for row in stored}
    gone = [row for row in stored if _draw_of(row) not in kept]
    new = [row for row in rows if _draw_of(row) not in kept]
    held = _held({row.balance_id for row in [*gone, *new]})
    if not held:
        return set()
    before = {pk: exact_json.simple(represent(balance)) for pk, balance in held.items()}
    amounts = {pk: balance.amount for pk, balance in held.items()}
    BalanceTransaction.objects.filter(pk__in=[row.pk for row in gone]).delete()
    for row in new:
        row.entity_type = TransactionSource.BILL
    changes.created_many(new, by=by, save=True)
    _tell_all(held, before)
    for pk, balance in held.items():
        if balance.amount < min(amounts[pk], 0) and not may_overdraw(balance):
            raise OverdrawnMeanwhile(balance)
    return set(held)


def _draw_of(row: BalanceTransaction) -> tuple[object, ...]:
    """What makes a draw the same one."""
    return (row.entity_id, row.balance_id, row.applied_date, row.amount)


def release(bill_ids: Iterable[UUID]) -> None:
    """Give back what bills that are deleted have drawn, and free the charges they carried."""
    bill_ids = list(bill_ids)
    Charge.objects.filter(bill_id__in=bill_ids).update(bill=None)
    balance_ids = set(_drawn(bill_ids).values_list("balance_id", flat=True))
    if not balance_ids:
        return
    held = _held(balance_ids)
    before = {pk: exact_json.simple(represent(balance)) for pk, balance in held.items()}
    _drawn(bill_ids).delete()
    _tell_all(held, before)


def sums(balance: Balance) -> LedgerSummary:
    """Return the figures of a balance's ledger (BAL-13)."""
    return summary(terms(balance), entries(balance), now=clock.now())


def terms(balance: Balance) -> BalanceTerms:
    """Return when the balance may be used."""
    return BalanceTerms(
        balance.start_date, balance.end_date, balance.rollover_end_date, balance.rollover_amount
    )


def entries(balance: Balance) -> list[LedgerEntry]:
    """Return the balance's transactions, oldest first."""
    rows = BalanceTransaction.objects.filter(balance_id=balance.pk).order_by("applied_date", "id")
    return [
        LedgerEntry(amount, applied_date, kind == TransactionSource.BILL)
        for amount, applied_date, kind in rows.values_list("amount", "applied_date", "entity_type")
    ]


def wrong_amounts() -> Mapping[UUID, tuple[Decimal, Decimal]]:
    """Return each balance whose amount is not the sum of its transactions: always none."""
    found: dict[UUID, tuple[Decimal, Decimal]] = {}
    for balance in Balance.objects.prefetch_related("transactions"):
        total = sum((row.amount for row in balance.transactions.all()), Decimal(0))
        if total != balance.amount:
            found[balance.pk] = (balance.amount, total)
    return found


def _drawn(bill_ids: Sequence[UUID]):  # type: ignore[no-untyped-def]
    return BalanceTransaction.objects.filter(
        entity_type=TransactionSource.BILL, entity_id__in=bill_ids
    )


def _held(balance_ids: Iterable[UUID]) -> dict[UUID, Balance]:
    rows = Balance.objects.filter(Among("pk", list(balance_ids))).select_for_update().order_by("id")
    return {row.pk: row for row in rows}


def _tell(balance: Balance, before: dict[str, object]) -> None:
    """Record the event of a new amount; the balance's version is for what people change."""
    _tell_all({balance.pk: balance}, {balance.pk: before})


def _tell_all(held: Mapping[UUID, Balance], before: Mapping[UUID, dict[str, object]]) -> None:
    """Read the new amounts of balances, and record the events."""
    amounts = dict(Balance.objects.filter(Among("pk", held)).values_list("pk", "amount"))
    found = []
    for pk, balance in held.items():
        balance.amount = amounts[pk]
        after = exact_json.simple(represent(balance))
        found.append(
            events.Change(
                balance.organization_id, balance.pk, balance.account_id, before[pk], after
            )
        )
    events.record_changes(EVENT, found, at=clock.now())


def follow(rows: Sequence[Balance], verb: str) -> None:
    """Record that an amount began with its balance, or is gone with it."""
    if verb == "updated":
        return
    is_new = verb == "created"
    found = []
    for row in rows:
        seen = exact_json.simple(represent(row))
        old, new = (None, seen) if is_new else (seen, None)
        found.append(events.Change(row.organization_id, row.pk, row.account_id, old, new))
    events.record_changes(f"{ENTITY}.{verb}", found, at=clock.now())
