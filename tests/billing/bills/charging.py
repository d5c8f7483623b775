"""Charges, commitments and balances of tests, with what most of them do not care about."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing import ledger
from billing.models import Account, Balance, BalanceTransaction, Charge, Commitment
from organizations.kernel import principals
from tests import factories


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def charge(account: Account, amount: Any = None, on: str | None = None, **fields: Any) -> Charge:
    """A one-off charge of May 2024 in dollars."""
    values = {
        "name": f"Charge {factories.number()}",
        "code": f"charge{factories.number()}",
        "currency": "USD",
        "entity_type": "AD_HOC",
        "line_item_type": "AD_HOC",
        "amount": None if amount is None else Decimal(str(amount)),
        "bill_date": date.fromisoformat(on) if on else None,
        "service_period_start_date": instant("2024-05-01"),
        "service_period_end_date": instant("2024-06-01"),
    }
    return Charge.objects.create(
        organization=account.organization, account=account, **values | fields
    )


def commitment(account: Account, amount: Any, **fields: Any) -> Commitment:
    """A commitment of the year 2024 in dollars."""
    values = {
        "currency": "USD",
        "start_date": date(2024, 1, 1),
        "end_date": date(2025, 1, 1),
    }
    return Commitment.objects.create(
        organization=account.organization,
        account=account,
        amount=Decimal(str(amount)),
        **values | fields,
    )


def balance(account: Account, amount: Any = None, **fields: Any) -> Balance:
    """A balance of the year 2024 in dollars, filled at its start."""
    values = {
        "name": f"Balance {factories.number()}",
        "code": f"balance{factories.number()}",
        "currency": "USD",
        "start_date": instant("2024-01-01"),
        "end_date": instant("2025-01-01"),
    }
    row = Balance.objects.create(
        organization=account.organization, account=account, **values | fields
    )
    if amount is not None:
        fill(row, amount)
    return row


def fill(balance: Balance, amount: Any, at: str | None = None) -> BalanceTransaction:
    """Post a credit, or a debit, at the balance's start or another instant."""
    when = instant(at) if at else balance.start_date
    return ledger.post(
        BalanceTransaction(
            organization=balance.organization,
            balance=balance,
            amount=Decimal(str(amount)),
            applied_date=when,
            transaction_date=when,
        ),
        by=principals.system(balance.organization_id),
    )
