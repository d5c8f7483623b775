"""Rules of balances and of the schedules that write to them (BAL, SCH)."""

from billing import balance_schedules
from billing.contract_rules import (
    check_account_kept,
    check_belongs,
    check_order,
    check_products,
)
from billing.models import (
    Balance,
    BalanceChargeSchedule,
    BalanceTransaction,
    BalanceTransactionSchedule,
    TransactionSource,
)
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each
from organizations.models import TransactionType
from organizations.settings_rules import check_currency


def check_balance(balance: Balance) -> None:
    """Refuse what breaks a rule of balances: BAL-1, BAL-8, BAL-11, COS-3."""
    stored = Balance.objects.filter(pk=balance.pk).first()
    before = stored.currency if stored else ""
    check_each(
        lambda: check_order(balance),
        lambda: check_belongs(balance.account_id, balance.contract),
        lambda: check_currency(
            balance.organization_id, "currency", balance.currency, stored=before
        ),
        lambda: check_products(balance.organization_id, balance.product_ids),
        lambda: check_account_kept(stored, balance, is_used=is_used(stored)),
        lambda: _check_rollover(balance),
        lambda: _check_currency_of_ledger(stored, balance),
    )


def is_used(balance: Balance | None) -> bool:
    """Return whether bills have drawn from the balance."""
    return balance is not None and drawn(balance).exists()


def drawn(balance: Balance):  # type: ignore[no-untyped-def]
    """Return the transactions that bills have posted on the balance."""
    return BalanceTransaction.objects.filter(
        balance_id=balance.pk, entity_type=TransactionSource.BILL
    )


def _check_rollover(balance: Balance) -> None:
    if balance.rollover_amount is not None and balance.rollover_end_date is None:
        raise FieldRefused("rolloverAmount", "works only together with rolloverEndDate")
    if balance.rollover_amount is not None and balance.rollover_amount < 0:
        raise FieldRefused("rolloverAmount", "must be at least 0")
    if balance.rollover_end_date is not None and balance.rollover_end_date <= balance.end_date:
        raise FieldRefused("rolloverEndDate", "must be after endDate")


def _check_currency_of_ledger(stored: Balance | None, balance: Balance) -> None:
    """Refuse another currency once there are transactions: each is an amount of that currency."""
    if stored is None or stored.currency == balance.currency:
        return
    if BalanceTransaction.objects.filter(balance_id=balance.pk).exists():
        raise FieldRefused("currency", "cannot change: the balance has transactions")


def check_transaction_type(
    field: str, found: TransactionType | None, *, stored: object = None
) -> None:
    """Refuse an archived transaction type that was not there before (MEM-7)."""
    if found is None:
        return
    current = locking.current(found)
    if current.is_archived and current.pk != stored:
        raise FieldRefused(field, f"{current.name} is archived")


def check_transaction(row: BalanceTransaction) -> None:
    """Refuse an archived type; where a transaction is posted is up to the ledger."""
    if row.entity_type != TransactionSource.SCHEDULER:
        check_transaction_type("transactionTypeId", row.transaction_type)


def check_transaction_schedule(schedule: BalanceTransactionSchedule) -> None:
    """Refuse what breaks a rule of transaction schedules (SCH-1)."""
    stored = BalanceTransactionSchedule.objects.filter(pk=schedule.pk).first()
    check_each(
        lambda: check_order(schedule),
        lambda: _check_amount(schedule.amount),
        lambda: _check_interval("frequencyInterval", schedule.frequency_interval),
        lambda: check_transaction_type(
            "transactionTypeId",
            schedule.transaction_type,
            stored=stored.transaction_type_id if stored else None,
        ),
    )
    balance_schedules.set_next_run(schedule)


def check_charge_schedule(schedule: BalanceChargeSchedule) -> None:
    """Refuse what breaks a rule of charge schedules (SCH-2)."""
    stored = BalanceChargeSchedule.objects.filter(pk=schedule.pk).first()
    before = stored.currency if stored else ""
    check_each(
        lambda: _check_service_period(schedule),
        lambda: check_amount_or_units(schedule),
        lambda: _check_amount(schedule.amount),
        lambda: _check_interval("billFrequencyInterval", schedule.bill_frequency_interval),
        lambda: check_currency(
            schedule.organization_id, "currency", schedule.currency, stored=before
        ),
    )
    balance_schedules.set_next_run(schedule)


def _check_service_period(schedule: BalanceChargeSchedule) -> None:
    if schedule.service_period_end_date <= schedule.service_period_start_date:
        raise FieldRefused("servicePeriodEndDate", "must be after servicePeriodStartDate")


def check_amount_or_units(row: object) -> None:
    """Refuse anything but an amount alone, or units with their price (CHG-2)."""
    amount, units, price = (getattr(row, name) for name in ("amount", "units", "unit_price"))
    if amount is not None:
        if units is not None or price is not None:
            raise FieldRefused("amount", "give either an amount, or units and unitPrice")
    elif units is None and price is None:
        raise FieldRefused("amount", "give either an amount, or units and unitPrice")
    elif units is None:
        raise FieldRefused("units", "is needed together with unitPrice")
    elif price is None:
        raise FieldRefused("unitPrice", "is needed together with units")


def _check_amount(amount: object) -> None:
    if amount is not None and amount < 0:  # type: ignore[operator]
        raise FieldRefused("amount", "must be at least 0")


def _check_interval(field: str, value: int) -> None:
    if not 1 <= value <= 365:
        raise FieldRefused(field, "must be from 1 to 365")
