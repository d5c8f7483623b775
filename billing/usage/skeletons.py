"""Make accounts for codes that usage arrives for and nobody has made (usage.md 4.6)."""

import secrets
from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from billing.models import Account, fold_code
from billing.usage import resolution
from organizations.kernel import changes, principals

ATTEMPTS = 3
LOCK = """SELECT pg_advisory_xact_lock(hashtextextended('skeleton accounts ' || %s::text, 0))"""


def ensure(organization_id: UUID, codes: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the accounts of the codes, made where missing, and the codes that came too close.

    Skeletons of an organization are made one transaction at a time, so two batches neither make
    an account twice nor make two whose codes are nearly the same; of two such codes in ``codes``
    the first wins. An account made through the API at the same moment is simply used.
    """
    codes = list(dict.fromkeys(codes))
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [organization_id])
    for attempt in range(ATTEMPTS):
        accounts = resolution.find_accounts(organization_id, codes)
        missing = [code for code in codes if code not in accounts]
        refused = resolution.near_matches(organization_id, missing)
        firsts: dict[str, str] = {}
        for code in missing:
            first = firsts.setdefault(fold_code(code), code)
            if first != code:
                refused.setdefault(code, first)
        made = [_skeleton(organization_id, code) for code in missing if code not in refused]
        try:
            made.sort(key=lambda account: account.code)
            changes.created_many(made, by=principals.system(organization_id), save=True)
        except changes.ConstraintRefused:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            break
    return accounts | {account.code: str(account.pk) for account in made}, refused


def _skeleton(organization_id: UUID, code: str) -> Account:
    return Account(
        organization_id=organization_id,
        code=code,
        code_folded=fold_code(code),
        name=f"{code}-autocreated",
        email_address=f"{secrets.token_hex(16)}-autocreated@example.com",
        is_autocreated=True,
    )
