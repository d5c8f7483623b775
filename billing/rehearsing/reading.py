"""What somebody may read of a rehearsal: accounts they may see, none with a bill they may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from billing.bills import line_reading
from billing.models import Account, Bill, LineItem, Rehearsal, RehearsedAccount, RehearsedKind
from organizations.access import Rights
from organizations.kernel import csv_text
from organizations.kernel.errors import Forbidden
from organizations.kernel.money import plain

ACCOUNT = ("config:retrieve", "config:account")
BILL = ("config:retrieve", "billing:bill")
LINE = ("config:retrieve", line_reading.LINE)
# By currency, the most money first.
ORDER = ("-currency", "-moved", "-id")
HEAD = (
    "accountCode", "accountName", "kind", "comparedWith", "currency", "before", "after",
    "difference", "why", "explanation", "reason",
)  # fmt: skip


def readable(rights: Rights, rehearsal: Rehearsal) -> QuerySet[RehearsedAccount]:
    """Return the finished rows that may be read; raises ``Forbidden`` for whom reads no bills.

    Amounts and reasons come from bills and their lines, so an account leaves with all of them
    or not at all.
    """
    if not (rights.allows_some(*BILL) and rights.allows_some(*LINE)):
        raise Forbidden
    rows = rehearsal.accounts.exclude(kind=RehearsedKind.PENDING).select_related("account")
    organization_id = rehearsal.organization_id
    if not rights.allows_all(*ACCOUNT):
        accounts = Account.objects.for_organization(organization_id)
        rows = rows.filter(account__in=rights.visible(accounts, *ACCOUNT).values("pk"))
    bills = Bill.objects.for_organization(organization_id)
    if not rights.allows_all(*BILL):
        seen = rights.visible(bills, *BILL).values("pk")
        rows = rows.exclude(account__in=bills.exclude(pk__in=seen).values("account"))
    if not rights.allows_all(*LINE):
        lines = LineItem.objects.for_organization(organization_id)
        seen = line_reading.readable(rights, lines).values("pk")
        hidden = lines.exclude(pk__in=seen).values("bill")
        rows = rows.exclude(account__in=bills.filter(pk__in=hidden).values("account"))
    return rows


def represent(row: RehearsedAccount) -> dict[str, Any]:
    """Return how a row looks outside."""
    return {
        "id": str(row.pk),
        "accountId": str(row.account_id),
        "accountCode": row.account.code,
        "accountName": row.account.name,
        "kind": row.kind,
        "comparedWith": row.compared_with or None,
        "currency": row.currency or None,
        "before": row.before,
        "after": row.after,
        "difference": row.difference,
        "why": row.why or None,
        "sentences": row.sentences,
        "reason": row.reason or None,
    }


def csv(rows: QuerySet[RehearsedAccount]) -> Iterator[bytes]:
    """Yield the rows as CSV."""
    return csv_text.encoded(HEAD, map(_cells, _ordered(rows)))


def _cells(row: RehearsedAccount) -> list[Any]:
    told = "; ".join(f"{one['sentence']}: {plain(one['amount'])}" for one in row.sentences)
    return [{**represent(row), "explanation": told}[name] for name in HEAD]


def _ordered(rows: QuerySet[RehearsedAccount]) -> Iterable[RehearsedAccount]:
    return rows.order_by(*ORDER).iterator(chunk_size=1000)
