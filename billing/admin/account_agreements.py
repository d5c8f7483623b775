"""What an account's page shows of its contracts, prepayments, balances and charges (C7)."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import HttpRequest

from billing.admin import balances, charges, contracts
from billing.models import Account, Balance, Charge, Commitment, Contract
from organizations.kernel.console import choices, linking, show

MOST_ROWS = 10
Shown = Callable[[Any], dict[str, Any]]


def of(request: HttpRequest, account: Account) -> list[dict[str, Any]]:
    """Return a panel for each kind one may read; a fixed number of queries."""
    today, zone = choices.today(request), choices.zone(request)
    kinds: tuple[tuple[type[Any], str, str, Shown], ...] = (
        (Contract, "Contracts", "Add contract", lambda row: _contract(row, today)),
        (Commitment, "Prepayments", "Add prepayment", lambda row: _commitment(row, today)),
        (Balance, "Balances", "Add balance", lambda row: _balance(row, zone)),
        (Charge, "Charges", "Add charge", _charge),
    )
    found = []
    for model, title, add, shown in kinds:
        every = linking.to_list(request, model, account__id__exact=account.pk)
        if not every:
            continue
        rows = linking.seen(request, model.objects.filter(account=account))
        latest = list(rows.order_by("-created_at", "-pk")[:MOST_ROWS])
        found.append(
            {
                "title": title,
                "add": add,
                "add_url": linking.to_form(request, model, account=account.pk),
                "all_url": every,
                "rows": [{**shown(row), "url": show.address(row)} for row in latest],
            }
        )
    return found


def _days(row: Any) -> str:
    return f"{show.day(row.start_date)} until {show.day(row.end_date)}"


def _contract(row: Contract, today: date) -> dict[str, Any]:
    return {
        "name": row.name, "more": _days(row), "amount": "",
        "state": contracts.state_of(row, today),
    }  # fmt: skip


def _commitment(row: Commitment, today: date) -> dict[str, Any]:
    spent = f"{show.money(row.amount_spent)} of {show.money(row.amount, row.currency)} spent"
    return {
        "name": _days(row), "more": "", "amount": spent,
        "state": contracts.state_of(row, today),
    }  # fmt: skip


def _balance(row: Balance, zone: Any) -> dict[str, Any]:
    return {
        "name": row.name,
        "more": f"until {show.day(row.effective_end_date, zone)}",
        "amount": show.money(row.amount, row.currency),
        "state": balances.state_of(row),
    }


def _charge(row: Charge) -> dict[str, Any]:
    return {
        "name": row.name,
        "more": f"bill of {show.day(row.bill_date)}" if row.bill_date else "",
        "amount": charges.amount_of(row),
        "state": charges.state_of(row),
    }
