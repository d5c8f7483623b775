"""A contract, a prepayment, a balance with its ledger and schedules, and a charge."""

from datetime import UTC, date, datetime
from decimal import Decimal

from django.db import models

from billing.models import (
    Account,
    Balance,
    BalanceChargeSchedule,
    BalanceTransaction,
    BalanceTransactionSchedule,
    Charge,
    Commitment,
    Contract,
)
from organizations.models import TransactionType

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def agreements(mark: str, account: Account) -> list[models.Model]:
    """Make one row of each kind."""
    own = {"organization_id": account.organization_id}
    named = {**own, "name": f"{mark} agreed", "code": f"{mark}-agreed"}
    days = {"start_date": date(2026, 1, 1), "end_date": date(2027, 1, 1)}
    contract = Contract.objects.create(**named, account=account, **days)
    commitment = Commitment.objects.create(
        **own, account=account, amount=Decimal(1200), currency="USD",
        commitment_fee_description=f"{mark} fee", **days,
    )  # fmt: skip
    balance = Balance.objects.create(
        **named, account=account, currency="USD", start_date=START, end_date=END
    )
    kind = TransactionType.objects.create(**own, name=f"{mark} top-up", code="topup")
    transaction = BalanceTransaction.objects.create(
        **own, balance=balance, amount=Decimal(100), description=f"{mark} credit",
        entity_type="USER", applied_date=START,
    )  # fmt: skip
    posts = BalanceTransactionSchedule.objects.create(
        **named, balance=balance, amount=Decimal(10), transaction_description=f"{mark} credit",
        transaction_type=kind, start_date=START, end_date=END, frequency="MONTHLY",
        frequency_interval=1,
    )  # fmt: skip
    fees = BalanceChargeSchedule.objects.create(
        **named, balance=balance, amount=Decimal(10), currency="USD",
        charge_description=f"{mark} fee", service_period_start_date=START,
        service_period_end_date=END, bill_frequency="MONTHLY", bill_frequency_interval=1,
        bill_in_advance=True,
    )  # fmt: skip
    charge = Charge.objects.create(
        **named, account=account, entity_type="AD_HOC", line_item_type="AD_HOC", currency="USD",
        amount=Decimal(5), service_period_start_date=START, service_period_end_date=END,
    )  # fmt: skip
    return [contract, commitment, balance, transaction, posts, fees, charge]
