"""The dates printed on a bill: a job's, else the natural ones (4.2)."""

from datetime import timedelta

from billing.bills.planning import PlannedBill
from billing.bills.selection import PrintedDates
from organizations.models import ExternalInvoiceDateRule, OrganizationConfig


def of(bill: PlannedBill, config: OrganizationConfig) -> PrintedDates:
    """Return the dates printed on the bill: a job's, else the natural ones (4.2)."""
    boundary = bill.key.boundary
    bill_date = bill.dates.bill_date or boundary
    days = bill.account.days_before_bill_due
    due_date = bill_date + timedelta(days=config.days_before_bill_due if days is None else days)
    rule = config.external_invoice_date
    is_last_day = rule == ExternalInvoiceDateRule.LAST_DAY_OF_ARREARS
    return PrintedDates(
        bill_date=bill_date,
        due_date=bill.dates.due_date or due_date,
        external_invoice_date=bill.dates.external_invoice_date
        or (boundary - timedelta(days=1) if is_last_day else boundary),
    )
