"""Print the bills as a table, and where to log in."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby

from billing.models import Bill, BillJob
from config import programs
from config.demonstration import bill_runs, company
from config.demonstration.months import Months, last_day
from config.models import Demonstration

LARGEST, SMALLEST = 6, 3  # printed of each currency
WIDTH = 78
Write = Callable[[str], object]


def print_bills(demonstration: Demonstration, write: Write) -> None:
    """Print both months: of each currency the largest bills, the smallest and the total."""
    months = Months(demonstration.as_of)
    for month, state in (
        (months.older, "approved and locked"),
        (months.latest, "waiting for approval"),
    ):
        bills = bill_runs.bills_of(demonstration.organization, month)
        _print_month(month, state, bills, write)
        _print_parked(demonstration, month, write)


def print_outside(said: Sequence[str], write: Write) -> None:
    """Print what left the house while the demonstration was made."""
    if said:
        write("")
    for sentence in said:
        write(sentence)


def print_login(write: Write) -> None:
    """Print the address of the console and who to log in as."""
    host, port = programs.address()
    given = company.password()
    is_given = company.administrator().check_password(given)
    write("")
    write(f"Console   http://{host}:{port}/")
    write(f"Login     {company.EMAIL}")
    write(f"Password  {given if is_given else '(the one you have chosen)'}")
    write("")


def _print_month(month: date, state: str, bills: Sequence[Bill], write: Write) -> None:
    write("")
    write(f"{month:%B %Y}: {len(bills)} bills, {state}")
    write("=" * WIDTH)
    write(f"{'Number':<10} {'Account':<32} {'Due':<10} {'Cur':<3} {'Total':>19}")
    write("-" * WIDTH)
    totals = []
    for currency, grouped in groupby(bills, key=lambda bill: bill.currency):
        rows = list(grouped)
        _print_rows(rows, write)
        totals.append(f"{len(rows):>3} bills {currency} {sum(row.total for row in rows):>19,.2f}")
    write("-" * WIDTH)
    for total in totals:
        write(f"{total:>{WIDTH}}")


def _print_rows(rows: Sequence[Bill], write: Write) -> None:
    left_out = len(rows) - LARGEST - SMALLEST
    for number, row in enumerate(rows):
        if left_out <= 1 or number < LARGEST or number >= len(rows) - SMALLEST:
            write(
                f"{row.invoice_reference or '':<10} {row.account_name[:32]:<32} "
                f"{row.due_date or '':%Y-%m-%d} {row.currency:<3} {row.total:>19,.2f}"
            )
        elif number == LARGEST:
            write(f"{'':<10} ... {left_out} more in {row.currency} ...")


def _print_parked(demonstration: Demonstration, month: date, write: Write) -> None:
    """Say which accounts could not be billed; a person has to look at them."""
    jobs = BillJob.objects.for_organization(demonstration.organization).filter(
        latest_date_in_billing_period=last_day(month), parked__gt=0
    )
    for job in jobs:
        for parked in job.accounts.filter(status="PARKED").select_related("account"):
            write(f"Not billed: {parked.account.name}: {parked.reason}")
