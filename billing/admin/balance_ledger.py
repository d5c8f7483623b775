"""What a balance's page shows above its form: sums, ledger with running balance, burn-down."""

from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any

from django.http import HttpRequest

from billing import ledger
from billing.models import (
    Balance,
    BalanceChargeSchedule,
    BalanceTransaction,
    BalanceTransactionSchedule,
    Charge,
)
from billing.rating.ledger_sums import LedgerEntry
from organizations.kernel import clock
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.fields import plain_text

MOST_ROWS = 100
POINTS = 24
ZERO = Decimal(0)


def of(request: HttpRequest, balance: Balance) -> dict[str, Any] | None:
    """Return the ledger, if one may read transactions; a fixed number of queries."""
    if not linking.to_list(request, BalanceTransaction):
        return None
    sums, entries = ledger.sums(balance), ledger.entries(balance)
    figures = (
        ("Balance", balance.amount),
        ("Credited", sums.total_credit),
        ("Debited", sums.total_debit),
        ("Used by bills", sums.consumed + sums.rollover_consumed),
        ("Expired", sums.expired),
    )
    return {
        "figures": [(label, show.money(value, balance.currency)) for label, value in figures],
        "rows": _rows(request, balance),
        "most": MOST_ROWS,
        "chart": burn_down(balance, entries, now=clock.now()),
        "post_url": linking.to_form(request, BalanceTransaction, balance=balance.pk),
        "schedules": _schedules(request, balance),
        "add_schedule_url": linking.to_form(
            request, BalanceTransactionSchedule, balance=balance.pk
        ),
        "add_fee_url": linking.to_form(request, BalanceChargeSchedule, balance=balance.pk),
        "charges_url": linking.to_list(request, Charge, balance__id__exact=balance.pk),
    }


def _rows(request: HttpRequest, balance: Balance) -> list[dict[str, Any]]:
    """Return the latest transactions, newest first, each with the balance after it."""
    zone = choices.zone(request)
    rows = balance.transactions.select_related("transaction_type")
    latest = list(rows.order_by("-created_at", "-id")[:MOST_ROWS])
    # What it held after the newest, after the one before it, and so on; hidden rows count too.
    after = accumulate((-row.amount for row in latest), initial=balance.amount)
    shown = set(linking.seen(request, balance.transactions.all()).values_list("pk", flat=True))
    return [
        {
            "day": show.day(row.applied_date, zone),
            "what": row.description or (row.transaction_type.name if row.transaction_type else ""),
            "source": row.get_entity_type_display(),
            "amount": show.money(row.amount),
            "is_debit": row.amount < 0,
            "after": show.money(left),
            "url": show.address(row),
        }
        for row, left in zip(latest, after, strict=False)
        if row.pk in shown
    ]


def _schedules(request: HttpRequest, balance: Balance) -> list[dict[str, Any]]:
    zone = choices.zone(request)
    found = []
    for kind, word in (
        (BalanceTransactionSchedule, "Credit"),
        (BalanceChargeSchedule, "Fee"),
    ):
        for row in linking.seen(request, kind.objects.filter(balance=balance)).order_by("name"):
            found.append(
                {
                    "kind": word,
                    "name": row.name,
                    "next": show.day(row.next_run, zone),
                    "url": show.address(row),
                }
            )
    return found


def burn_down(
    balance: Balance, entries: list[LedgerEntry], *, now: datetime
) -> dict[str, Any] | None:
    """Return the balance over its time up to now, and the line of using it evenly to its end."""
    if not entries:
        return None
    start, end = balance.start_date, balance.effective_end_date
    step = (end - start) / POINTS
    moments = [start + step * number for number in range(POINTS + 1)]
    held = [
        sum((one.amount for one in entries if one.applied_at <= at), ZERO)
        for at in moments
        if at <= now
    ]
    highest = sum((one.amount for one in entries if one.amount > 0), ZERO)
    even = [highest * (POINTS - number) / POINTS for number in range(POINTS + 1)]
    return {
        "labels": [f"{at:%d %b %Y}" for at in moments],
        "datasets": [
            {"label": "Balance", "data": [plain_text(value) for value in held]},
            {"label": "Used evenly", "data": [f"{value:.2f}" for value in even]},
        ],
    }
