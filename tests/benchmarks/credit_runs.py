"""A bill run where half of the accounts have a prepayment and a balance, against one without."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing import ledger
from billing.models import Account, Balance, BalanceTransaction, Bill, Commitment
from organizations.kernel import principals
from organizations.models import Organization
from tests.benchmarks import ROUNDS, Ratio, scaled
from tests.benchmarks.second_run import _bill as billed
from tests.benchmarks.second_run import _company as company

ACCOUNTS = 5000


def run() -> Iterator[Ratio]:
    """Yield a row for first runs and one for runs of bills that are there."""
    size = scaled(ACCOUNTS, least=200)
    first, again = [], []
    for _ in range(ROUNDS):
        plain, credited = company(size), company(size)
        _give_credit(credited)
        without = billed(plain)
        first.append((billed(credited) / without, without))
        without = billed(plain)
        again.append((billed(credited) / without, without))
        if not Bill.objects.filter(organization=credited, total__lt=21).exists():
            raise RuntimeError("No credit was drawn.")
    for what, pairs in (("first", first), ("second", again)):
        ratio, seconds = sorted(pairs)[len(pairs) // 2]
        yield Ratio(
            f"{what} run of {size:,} accounts, half with prepayment and balance / without",
            ratio,
            at_most=1.4,
            detail=f"{ratio * seconds:.2f} s against {seconds:.2f} s",
        )


def _give_credit(organization: Organization) -> None:
    """Every second account gets a prepayment of 10 and a balance of 5."""
    starts = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts -= timedelta(days=60)
    accounts = list(Account.objects.for_organization(organization).order_by("code"))[::2]
    Commitment.objects.bulk_create(
        [
            Commitment(
                organization=organization,
                account=account,
                amount=Decimal(10),
                currency="USD",
                start_date=starts.date(),
                end_date=starts.date() + timedelta(days=365),
            )
            for account in accounts
        ],
        batch_size=1000,
    )
    balances = [
        Balance(
            organization=organization,
            account=account,
            name="Balance",
            code=f"balance-{account.code}",
            currency="USD",
            start_date=starts,
            end_date=starts + timedelta(days=365),
            effective_end_date=starts + timedelta(days=365),
        )
        for account in accounts
    ]
    Balance.objects.bulk_create(balances, batch_size=1000)
    by = principals.system(organization.pk)
    for balance in balances:
        row = BalanceTransaction(
            organization=organization,
            balance=balance,
            amount=Decimal(5),
            applied_date=starts,
            transaction_date=starts,
        )
        ledger.post(row, by=by)
