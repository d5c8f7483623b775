"""Which accounts of a bill job are parked, as far as a reader may know of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from billing.models import Account, BillJob, BillJobAccount, JobAccountStatus
from organizations.access import Rights
from organizations.kernel.instants import iso_instant

RETRIEVE = ("config:retrieve", "config:account")


def of(job: BillJob) -> QuerySet[BillJobAccount]:
    """Return the rows of accounts that wait for a retry."""
    return job.accounts.filter(status=JobAccountStatus.PARKED).select_related("account")


def represent(rights: Rights, rows: Iterable[BillJobAccount]) -> list[dict[str, Any]]:
    """Return how they look outside.

    The reason tells of an account's plans and prices: it is left out for whom may not read the
    account, as events leave out all but id, code and name (A5.13.11).
    """
    found = list(rows)
    readable = _readable(rights, found)
    return [
        {
            "accountId": str(row.account_id),
            "accountCode": row.account.code,
            "accountName": row.account.name,
            "reason": row.reason if row.account_id in readable else None,
            "dtParked": iso_instant(row.finished_at),
        }
        for row in found
    ]


def _readable(rights: Rights, rows: list[BillJobAccount]) -> set[Any]:
    wanted = {row.account_id for row in rows}
    if rights.allows_all(*RETRIEVE):
        return wanted
    accounts = Account.objects.for_organization(rights.principal.organization_id)
    seen = rights.visible(accounts.filter(pk__in=wanted), *RETRIEVE)
    return set(seen.values_list("pk", flat=True))
