"""What customers agreed on beside their plans: a prepayment, a balance, a contract."""

from datetime import date
from decimal import Decimal

from billing import ledger
from billing.models import (
    Account,
    AccountPlan,
    Balance,
    BalanceTransaction,
    Commitment,
    Contract,
)
from config.demonstration.months import Months, first_of_month, midnight
from organizations.kernel import changes
from organizations.kernel.principals import Principal
from organizations.models import Organization, TransactionType

PREPAID = "halden-robotics"
CREDITED = "kestrel-therapeutics"
CONTRACTED = "larkfield-insurance"


def make(organization: Organization, months: Months, *, by: Principal) -> None:
    """Make them all; accounts and account plans are there already."""
    accounts = {row.code: row for row in Account.objects.for_organization(organization)}
    _prepay(accounts[PREPAID], months, by)
    _credit(accounts[CREDITED], months, by)
    _contract(accounts[CONTRACTED], months, by)


def _prepay(account: Account, months: Months, by: Principal) -> None:
    """40,000 paid ahead for half a year; usage beyond it costs a tenth more."""
    changes.create(
        Commitment(
            organization_id=account.organization_id,
            account=account,
            currency=account.currency,
            amount=Decimal(40_000),
            amount_pre_paid=Decimal(40_000),
            start_date=months.older,
            end_date=first_of_month(months.older, 6),
            commitment_usage_description="Paid from your prepayment",
            overage_surcharge_percent=Decimal(10),
            overage_description="Usage beyond the prepayment",
        ),
        by=by,
    )


def _credit(account: Account, months: Months, by: Principal) -> None:
    """A welcome credit of 6,000 for the older month; 1,500 of what is left stay for two more."""
    kind = changes.create(
        TransactionType(
            organization_id=account.organization_id, name="Welcome credit", code="welcome"
        ),
        by=by,
    )
    balance = changes.create(
        Balance(
            organization_id=account.organization_id,
            account=account,
            name="Welcome credit",
            code="welcome-credit",
            currency=account.currency,
            start_date=midnight(months.older),
            end_date=midnight(months.latest),
            rollover_amount=Decimal(1_500),
            rollover_end_date=midnight(first_of_month(months.latest, 2)),
            balance_draw_down_description="Paid from your welcome credit",
        ),
        by=by,
    )
    ledger.post(
        BalanceTransaction(
            organization_id=account.organization_id,
            balance=balance,
            amount=Decimal(6_000),
            applied_date=midnight(months.older),
            transaction_type=kind,
            description="With our thanks for three years together",
        ),
        by=by,
    )


def _contract(account: Account, months: Months, by: Principal) -> None:
    """A framework contract with an order number of its own, over all plans of the customer."""
    rows = AccountPlan.objects.filter(account=account).order_by("start_date", "pk")
    first: date = min(row.start_date for row in rows).date()
    contract = changes.create(
        Contract(
            organization_id=account.organization_id,
            account=account,
            name="Framework contract",
            code="larkfield-framework",
            start_date=first,
            end_date=first_of_month(months.latest, 24),
            purchase_order_number="LARK-2291",
        ),
        by=by,
    )
    for row in rows:
        with changes.editing(row, by=by) as edited:
            edited.contract = contract
