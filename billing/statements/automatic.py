"""Statements by themselves: made when a bill is approved or locked, never while pending (STM-3)."""

from collections.abc import Sequence
from uuid import UUID

from billing.models import Account, Bill, BillStatus, StatementJob
from billing.statements import jobs
from organizations.kernel import principals
from organizations.kernel.among import Among
from organizations.models import OrganizationConfig, StatementMode


def follow(rows: Sequence[Bill], verb: str) -> None:
    """Start the statements of bills that are approved; in the transaction that approves them.

    One that has a statement of what it says now, or a job at work, gets none. Without a
    definition there is nothing to make (STM-2).
    """
    approved = [row for row in rows if verb == "updated" and row.status == BillStatus.APPROVED]
    if not approved:
        return
    for organization_id in {row.organization_id for row in approved}:
        _start(organization_id, [one for one in approved if one.organization_id == organization_id])


def _start(organization_id: UUID, bills: Sequence[Bill]) -> None:
    config = OrganizationConfig.objects.get(organization_id=organization_id)
    accounts = {
        account_id: (mode or config.auto_generate_statement_mode, definition_id)
        for account_id, mode, definition_id in Account.objects.filter(
            Among("pk", {bill.account_id for bill in bills})
        ).values_list("pk", "auto_generate_statement_mode", "statement_definition_id")
    }
    by_mode: dict[str, list[Bill]] = {}
    for bill in bills:
        mode, definition_id = accounts[bill.account_id]
        has_definition = definition_id or config.default_statement_definition_id
        if mode != StatementMode.NONE and has_definition and not _is_current(bill, mode):
            by_mode.setdefault(mode, []).append(bill)
    if not by_mode:
        return
    at_work = set(
        StatementJob.objects.filter(
            Among("bill_id", [bill.pk for some in by_mode.values() for bill in some]),
            status__in=jobs.ACTIVE,
        ).values_list("bill_id", flat=True)
    )
    for mode, some in by_mode.items():
        jobs.start(
            [bill for bill in some if bill.pk not in at_work],
            by=principals.system(organization_id),
            include_csv=mode == StatementMode.JSON_AND_CSV,
        )


def _is_current(bill: Bill, mode: str) -> bool:
    made = [bill.json_statement_of]
    if mode == StatementMode.JSON_AND_CSV:
        made.append(bill.csv_statement_of)
    return all(of == bill.latest_calculated_at for of in made)
