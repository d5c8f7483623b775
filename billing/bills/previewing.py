"""What a bill run would make of one account, as rows that are never saved (JOB-12)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import JSONField

from billing.bills import calculation, families, line_rows, snapshot, writer
from billing.bills.job_requests import JobRequest, check, wanted
from billing.bills.taken import Snapshot
from billing.models import Bill, LineItem
from billing.rating.inputs import AccountPlanTerm
from organizations.kernel import exact_json, ids
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.kernel.money import ZERO
from organizations.kernel.principals import Principal
from organizations.models import Organization, OrganizationConfig


class NothingDue(DomainError):
    """No plan of the account is billed for the period asked for."""

    code = "NOTHING_DUE"

    def __init__(self) -> None:
        super().__init__("This account has nothing to bill for this period.")


@dataclass(frozen=True, slots=True)
class Preview:
    """A bill and its lines that are not in the database."""

    bill: Bill
    lines: list[LineItem]
    plans: tuple[AccountPlanTerm, ...] = ()


def preview(
    organization: Organization, request: JobRequest, *, by: Principal, at: datetime
) -> Preview:
    """Return the bill that a run with this request would make for its one account.

    Raises ``FieldRefused`` unless exactly one account is named, ``NothingDue``, and whatever
    would park the account.
    """
    if request.account_ids is None or len(request.account_ids) != 1:
        raise FieldRefused("accountIds", "a preview is of exactly one account")
    config = OrganizationConfig.objects.for_organization(organization).get()
    job = check(organization, config, request, at=at)
    account_id = UUID(job.account_ids[0])
    members = families.read(organization.pk, [account_id]).with_members([account_id])
    taken = snapshot.take(organization.pk, members, wanted(job), include_locked=True)
    account = taken.accounts[account_id]
    bills = [
        bill
        for bill in calculation.of_account(taken, account_id)
        if bill.source.input.account_plans or bill.rated.lines
    ]
    if not bills:
        raise NothingDue
    bill = Bill(
        id=ids.new_id(),
        organization=organization,
        account_id=account_id,
        created_at=at,
        created_by=by.id,
    )
    writer.fill(bill, bills[0], account.facts, ZERO, job=None, by=by, at=at)
    lines = _lines(taken, bill, bills[0], by=by, at=at)
    return Preview(bill, lines, bills[0].source.input.account_plans)


def _lines(
    taken: Snapshot,
    bill: Bill,
    calculated: calculation.Calculated,
    *,
    by: Principal,
    at: datetime,
) -> list[LineItem]:
    kinds = line_rows.Kinds(taken, at=at, by=by.id)
    values = [
        kinds.values(line, line_id=ids.new_id(), version=1, bill_id=bill.pk)
        for line in calculated.rated.lines
    ]
    rows = kinds.rows(values)
    return [
        LineItem(**dict(zip(rows.all_columns, map(_read, rows.all_columns, row), strict=True)))
        for row in rows.whole()
    ]


def _read(column: str, value: Any) -> Any:
    """Return a value that is to be written as it would be read."""
    field = LineItem._meta.get_field(column)
    if isinstance(field, JSONField) and value is not None:
        return exact_json.loads(value)
    return field.to_python(value)
