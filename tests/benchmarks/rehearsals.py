"""A rehearsal against the run that it rehearses, in one process: 5,000 accounts of eight lines."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from billing.bills.job_requests import JobRequest
from billing.models import Bill, LineItem, Rehearsal
from billing.rehearsing import rehearsals
from organizations.kernel import isolation, principals
from organizations.models import Organization
from tests.benchmarks import Ratio, in_turn, scaled
from tests.benchmarks.second_run import _bill as billed
from tests.benchmarks.second_run import _company as company

ACCOUNTS = 5000


def run() -> Iterator[Ratio]:
    """Yield a row for the first bills of accounts, and one against bills there are."""
    size = scaled(ACCOUNTS, least=200)
    organization = company(size)

    def first_run() -> float:
        seconds = billed(organization)
        _forget(organization)
        return seconds

    ratio, ours, run_alone = in_turn(lambda: _rehearsed(organization), first_run)
    yield Ratio(f"rehearsal of {size:,} accounts without bills / their run", ratio, at_most=1.2,
                detail=f"{ours:.2f} s against {run_alone:.2f} s")  # fmt: skip
    billed(organization)
    ratio, ours, again = in_turn(lambda: _rehearsed(organization), lambda: billed(organization))
    yield Ratio(f"rehearsal of {size:,} accounts with bills / their run again", ratio, at_most=1.2,
                detail=f"{ours:.2f} s against {again:.2f} s")  # fmt: skip


def _rehearsed(organization: Organization) -> float:
    """Return the seconds of a whole rehearsal, and leave nothing behind."""
    with isolation.within(organization.pk):
        begun = time.perf_counter()
        made = rehearsals.start(
            organization,
            JobRequest(latest_date_in_billing_period=datetime.now(UTC).date()),
            by=principals.system(organization.pk),
        )
        rehearsals.work_off(made.pk)
        seconds = time.perf_counter() - begun
    done = Rehearsal.objects.get(pk=made.pk)
    if done.status != "COMPLETE" or done.accounts.filter(kind__in=("PENDING", "PARKED")).exists():
        raise RuntimeError("The rehearsal left accounts out.")
    done.delete()
    return seconds


def _forget(organization: Organization) -> None:
    LineItem.objects.filter(organization=organization)._raw_delete("default")
    Bill.objects.filter(organization=organization)._raw_delete("default")
