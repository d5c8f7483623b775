"""The usage behind one line as a file, written when it is asked for and kept for a day."""

from datetime import timedelta
from uuid import UUID

from billing.models import LineItem
from billing.statements import document, jobs
from organizations.kernel import clock, files
from organizations.models import StoredFile

KEPT_FOR = timedelta(days=1)


def write(line: LineItem, *, by: UUID | None) -> StoredFile:
    """Write it by the definition of the account or organization, else by day."""
    bill = line.bill
    return files.write(
        line.organization_id,
        kind="line_usage",
        name=f"usage-{bill.account_code}-{line.sequence_number}.json",
        content_type=document.JSON_TYPE,
        chunks=document.as_json(
            bill, jobs.definition_of(bill), LineItem.objects.filter(pk=line.pk)
        ),
        expires_at=clock.now() + KEPT_FOR,
        by=by,
    )
