"""Runs, recalculations, approvals, locks, deletes, credit and ledgers at once, some of them killed.

Whatever came first and whoever was killed: what is stored afterwards adds up (INV-A, C, D, E, F,
L, M), and no deadlock reaches anybody.
"""

import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection, connections
from django.db.models import Sum

from billing import ledger
from billing.bills import chunks, lifecycle, runs
from billing.models import (
    Balance,
    BalanceTransaction,
    Bill,
    BillJob,
    Charge,
    Commitment,
    LineItem,
)
from organizations.kernel import changes, outages, principals
from organizations.kernel.errors import DomainError
from tests import factories
from tests.billing.bills import charging, making, runners
from tests.billing.bills.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MONTHS = ("2024-05-15", "2024-06-15", "2024-07-15")
LOST = ("57P01", None)


class Company:
    """Accounts with credit, one-time charges and a family, used in three months."""

    def __init__(self) -> None:
        self.shop = making.Shop()
        self.organization = self.shop.organization
        self.by = principals.system(self.organization.pk)
        self.at = runners.instant("2024-08-01")
        self.accounts = self.shop.accounts(4)
        parent = self.accounts[0]
        child = factories.make_account(self.organization, parent_account=parent)
        for number, account in enumerate((*self.accounts, child), start=1):
            for month in ("05", "06", "07"):
                runners.use(account, self.shop.meter, f"2024-{month}-10", 100 * number)
        self.commitments = [charging.commitment(one, 60) for one in self.accounts[:2]]
        self.balances = [charging.balance(one, 40) for one in self.accounts[1:3]]
        charging.charge(self.accounts[3], 7, "2024-06-10")
        for day in MONTHS[:2]:
            runners.run(self.organization, day)

    def run(self, day: str) -> None:
        self._work_off(runners.start(self.organization, day))

    def recalculate(self) -> None:
        found = list(Bill.objects.filter(is_locked=False).values_list("pk", flat=True)[:20])
        if found:
            self._work_off(runs.recalculate(self.organization, found, by=self.by, at=self.at))

    @staticmethod
    def _work_off(job: BillJob) -> None:
        runs.prepare(job.pk)
        for chunk in job.chunks.order_by("number"):
            chunks.bill_chunk(chunk.pk)

    def approve(self) -> None:
        lifecycle.approve_pending(
            Bill.objects.filter(boundary_date__lte="2024-07-01"), by=self.by, at=self.at
        )

    def lock_one(self, dice: random.Random) -> None:
        found = list(Bill.objects.filter(boundary_date="2024-06-01", status="APPROVED"))
        if found:
            lifecycle.lock(dice.choice(found), by=self.by, at=self.at)

    def delete_some(self, dice: random.Random) -> None:
        found = list(Bill.objects.filter(is_locked=False).values_list("pk", flat=True))
        some = dice.sample(found, min(2, len(found)))
        lifecycle.delete_many(Bill.objects.filter(pk__in=some), by=self.by)

    def post(self, dice: random.Random) -> None:
        charging.fill(dice.choice(self.balances), dice.choice((5, -3)), "2024-06-02")

    def edit(self, dice: random.Random) -> None:
        row = Commitment.objects.get(pk=dice.choice(self.commitments).pk)
        with changes.editing(row, by=self.by) as stored:
            stored.amount = Decimal(dice.choice((60, 90, 120)))


def kill_some(dice: random.Random, own: int) -> None:
    """End connections of others in the middle of what they do."""
    settings = connections["default"].get_connection_params()
    known = {name: settings[name] for name in ("host", "port", "dbname", "user", "password")
             if settings.get(name)}  # fmt: skip
    with psycopg.connect(**known, autocommit=True) as killer:
        for _ in range(6):
            time.sleep(dice.uniform(0.02, 0.15))
            busy = killer.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND state <> 'idle' AND pid <> pg_backend_pid() AND pid <> %s",
                [own],
            ).fetchall()
            if busy:
                killer.execute("SELECT pg_terminate_backend(%s)", dice.choice(busy))


def repeated(call: Callable[[], Any], times: int = 3) -> Callable[[], list[BaseException]]:
    """Call a few times, as workers and people go on after a failure; returns what went wrong."""

    def work() -> list[BaseException]:
        failed: list[BaseException] = []
        for _ in range(times):
            try:
                outages.again_after_collision(call)()
            except DomainError:
                continue
            except (OperationalError, InterfaceError) as error:
                connection.close()
                if getattr(error.__cause__, "sqlstate", None) not in LOST:
                    failed.append(error)
        return failed

    return work


@pytest.mark.parametrize("seed", range(3))
def test_what_is_stored_adds_up_whatever_happens_at_once_and_whoever_is_killed(seed):
    company = Company()
    dice = random.Random(seed)
    own = connection.connection.info.backend_pid

    results = at_once(
        repeated(lambda: company.run(MONTHS[1])),
        repeated(lambda: company.run(MONTHS[2])),
        repeated(company.recalculate),
        repeated(company.approve),
        repeated(lambda: company.lock_one(dice)),
        repeated(lambda: company.delete_some(dice)),
        repeated(lambda: company.post(dice), times=6),
        repeated(lambda: company.edit(dice), times=6),
        lambda: kill_some(dice, own),
    )

    assert [one for one in results if one] == []
    assert_stored_adds_up()
    locked = {bill.pk: (bill.version, bill.total) for bill in Bill.objects.filter(is_locked=True)}
    # What was killed is begun again: jobs that stand still, then every month once more.
    for job in BillJob.objects.exclude(status__in=("COMPLETE", "CANCELLED")):
        runs.cancel(job, by=company.by)
    for day in MONTHS:
        job = runners.run(company.organization, day)
        assert (job.status, job.pending) == ("COMPLETE", 0)
    assert_stored_adds_up()
    for pk, seen in locked.items():  # INV-C
        bill = Bill.objects.get(pk=pk)
        assert (bill.version, bill.total) == seen


def assert_stored_adds_up() -> None:
    """INV-A, D, E, L and M on every row there is."""
    for bill in Bill.objects.all():
        lines = bill.line_items.aggregate(Sum("converted_subtotal"))["converted_subtotal__sum"]
        assert bill.total == (lines or 0)  # INV-A
        assert bill.total >= 0  # INV-F
    for row in Commitment.objects.all():
        drawn = LineItem.objects.filter(
            commitment_id=row.pk, line_item_type="COMMITMENT_CONSUMED"
        ).aggregate(Sum("subtotal"))["subtotal__sum"]
        assert row.amount_spent == -(drawn or 0)  # INV-D
        assert row.amount_spent >= 0
    assert ledger.wrong_amounts() == {}  # INV-E
    bills = set(Bill.objects.values_list("pk", flat=True))
    for balance in Balance.objects.all():
        posted = BalanceTransaction.objects.filter(balance=balance, entity_type="BILL")
        assert {row.entity_id for row in posted} <= bills
        lines = LineItem.objects.filter(balance_id=balance.pk, line_item_type="BALANCE_CONSUMED")
        assert (posted.aggregate(Sum("amount"))["amount__sum"] or 0) == (
            lines.aggregate(Sum("subtotal"))["subtotal__sum"] or 0
        )
    carried = LineItem.objects.filter(line_item_type="AD_HOC").values_list("charge_id", "bill_id")
    assert len({charge for charge, _ in carried}) == len(carried)  # INV-M
    assert set(Charge.objects.exclude(bill=None).values_list("pk", "bill_id")) == set(carried)
    seen: dict[Any, list[tuple[Any, Any]]] = {}
    for line in LineItem.objects.filter(line_item_type__in=("USAGE", "STANDING_CHARGE")):
        same = (line.bill.account_id, line.plan_id, line.child_account_id, line.pricing_id,
                line.line_item_type, line.account_plan_id)  # fmt: skip
        for start, end in seen.setdefault(same, []):
            assert line.service_period_end <= start or end <= line.service_period_start  # INV-L
        seen[same].append((line.service_period_start, line.service_period_end))
