"""Organizations as ``founding.found`` makes them, copied from one that was founded before.

Most tests begin with an organization of their own. Founding one takes a hundred statements, and
what they do is for the tests of founding; copying the rows they wrote takes a few. A copy has
ids, names, password, key and secret of its own, and its times are now. Its grants are derived
from its policies as always.

Only for tests that roll back: a copy tells nobody that events were recorded.
"""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from organizations import founding, grants, tokens
from organizations.holders import Holder
from organizations.kernel import clock, ids, isolation, principals
from organizations.models import Organization, PrincipalType, ServiceUser, User

NAME, EMAIL, PASSWORD = "Name to be replaced", "to-be-replaced@example.com", "to-be-replaced"
# Grants and keys are made for each copy, because they depend on its ids.
NOT_COPIED = ("auth_", "guardian_", "organizations_accesskey")
IDENTITY = r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"
TIME = r"\b\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"


@dataclass(frozen=True)
class Template:
    """The rows of one organization, as text between what differs from copy to copy.

    ``parts`` has, for each table of ``statement``, fixed text and what is replaced in turn.
    """

    statement: str
    parts: list[list[str]]
    identities: list[str]
    days_ahead: dict[str, int]
    organization_id: str
    admin_id: str
    service_user_id: str
    password_hash: str

    def filled(self, new: dict[str, str]) -> list[str]:
        """Return the rows of each table as JSON, with the new words, and now as their time."""
        return ["".join(new.get(part, part) for part in table) for table in self.parts]

    def replacements(self, name: str, email: str, password: str) -> dict[str, str]:
        """Return what stands in a copy for each word of the template."""
        now = clock.now().astimezone(UTC)
        times = {
            time: _like(time, now + timedelta(days=days)) for time, days in self.days_ahead.items()
        }
        identities = {old: str(ids.new_id()) for old in self.identities}
        words = {NAME: name, EMAIL: email, self.password_hash: make_password(password)}
        return {**times, **identities, **words}


def copy(*, name: str, email: str, password: str | None) -> founding.Founded:
    """Return a new organization with its first people; a password is made where none is given."""
    template = _template(password is None)
    password = password or secrets.token_urlsafe(12)
    new = template.replacements(name, email, password)
    organization_id = UUID(new[template.organization_id])
    with isolation.within(organization_id), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(template.statement, template.filled(new))
        organization = Organization.objects.get(pk=organization_id)
        admin = User.objects.get(pk=new[template.admin_id])
        service_user = ServiceUser.objects.get(pk=new[template.service_user_id])
        people = [
            Holder(str(PrincipalType.USER), admin.pk),
            Holder(str(PrincipalType.SERVICEUSER), service_user.pk),
        ]
        grants.derive(organization_id, people)
        key, secret = tokens.make_key(service_user, created_by=principals.SYSTEM_ID)
    return founding.Founded(organization, service_user, str(key.pk), secret, admin, password)


@cache
def _template(password_is_temporary: bool) -> Template:
    """Found an organization, keep its rows and take it back."""
    begun = clock.now()
    with isolation.everywhere(), transaction.atomic():
        before = _all_rows()
        founded = founding.found(
            name=NAME,
            admin_email=EMAIL,
            admin_password=None if password_is_temporary else PASSWORD,
        )
        made = {table: sorted(rows - before[table]) for table, rows in _all_rows().items()}
        transaction.set_rollback(True)
    kept = {
        table: sorted(map(json.loads, rows), key=lambda row: row["id"])
        for table, rows in made.items()
        if rows and not table.startswith(NOT_COPIED)
    }
    words = map(re.escape, (NAME, EMAIL, founded.admin.password))
    moving = re.compile(f"({'|'.join([IDENTITY, TIME, *words])})")
    parts = [moving.split(json.dumps(rows)) for rows in kept.values()]
    replaced = {word for table in parts for word in table[1::2]}
    return Template(
        statement=_insertion(kept),
        parts=parts,
        # In order, so that what was made later has the greater id in a copy too.
        identities=sorted(
            word
            for word in replaced
            if re.fullmatch(IDENTITY, word) and word != str(principals.SYSTEM_ID)
        ),
        days_ahead={
            word: round((datetime.fromisoformat(word) - begun) / timedelta(days=1))
            for word in replaced
            if re.fullmatch(TIME, word)
        },
        organization_id=str(founded.organization.pk),
        admin_id=str(founded.admin.pk),
        service_user_id=str(founded.service_user.pk),
        password_hash=founded.admin.password,
    )


def _all_rows() -> dict[str, set[str]]:
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT to_jsonb(it)::text FROM {table} it")  # noqa: S608
            found[table] = {row for (row,) in cursor.fetchall()}
    return found


def _insertion(kept: dict[str, list[dict[str, Any]]]) -> str:
    """Return one statement that takes the rows of each table as JSON; numbers are given anew."""
    steps = []
    for table, rows in kept.items():
        numbered = {"id"} if isinstance(rows[0]["id"], int) else set()
        columns = ", ".join(f'"{column}"' for column in rows[0] if column not in numbered)
        source = f"jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
        steps.append(
            f"{table}_ AS (INSERT INTO {table} ({columns}) SELECT {columns} FROM {source})"  # noqa: S608
        )
    return f"WITH {', '.join(steps)} SELECT"


def _like(sample: str, at: datetime) -> str:
    """Return the moment written like the sample: as the database does, or as the API does."""
    if sample.endswith("Z"):
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return at.isoformat()
