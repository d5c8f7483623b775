"""Keep what could not be stored: one failure and one event each, and the log behind them.

The log is made from the failure row when somebody downloads it (usage.md 5.4.1).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core import signing

from billing.models import IngestFailure
from billing.usage.enrichment import Failure
from organizations.kernel import bulk, events, ids, isolation
from organizations.kernel.errors import Forbidden, NotFound

EVENT = "ingest.validation.failure"
DOWNLOAD_SECONDS = 300
SALT = "billing.usage.failures"


class DownloadExpired(Forbidden):
    """The signed address is older than five minutes, or not ours."""

    def __init__(self) -> None:
        super().__init__("This download address is not valid or has expired.")


def record(organization_id: UUID, found: Sequence[Failure], *, at: datetime) -> None:
    """Save the failures and their events; called inside the transaction of the ingest."""
    if not found:
        return
    rows = [_row(organization_id, failure, at) for failure in found]
    happened = [
        events.build(
            organization_id,
            EVENT,
            events.data(organization_id, new=payload(row, is_single=len(failure.items) == 1)),
            resource_id=row.pk,
            at=at,
        )
        for row, failure in zip(rows, found, strict=True)
    ]
    for row, event in zip(rows, happened, strict=True):
        row.event_id = event.pk
    bulk.insert(rows)
    events.record_many(happened)


def _row(organization_id: UUID, failure: Failure, at: datetime) -> IngestFailure:
    first = failure.items[0]
    return IngestFailure(
        id=ids.new_id(),
        organization_id=organization_id,
        created_at=at,
        type=failure.type,
        message=failure.message,
        meter_code=first.meter if len(failure.items) == 1 else "",
        account_code=first.account if len(failure.items) == 1 else "",
        measurements=failure.items,
        uids=[item.uid for item in failure.items if item.uid],
    )


def payload(row: IngestFailure, *, is_single: bool) -> dict[str, Any]:
    """Return what the event tells (usage.md 5.5.1); codes only where it is about one item."""
    return {
        "id": str(row.pk),
        "errorType": str(row.type),
        "message": row.message,
        "meterCode": row.meter_code if is_single else None,
        "accountCode": row.account_code if is_single else None,
        "uids": row.uids,
        "receivedAt": row.created_at,
        "getDownloadUrl": download_call(row.organization_id, row.pk),
    }


def download_call(organization_id: UUID, failure_id: UUID) -> str:
    """Return the address of the call that answers a download address for the failure's log."""
    path = f"/organizations/{organization_id}/measurements/failedIngest/getDownloadUrl"
    return f"{settings.PUBLIC_URL}{path}?{urlencode({'file': file_name(failure_id)})}"


def file_name(failure_id: UUID) -> str:
    """Return the name of the failure's log, as ``file`` of the call wants it."""
    return f"{failure_id}.json"


def find(organization_id: UUID, file: str) -> IngestFailure:
    """Return the failure a file name stands for; raises ``NotFound``."""
    failure_id = ids.parse(file.removesuffix(".json"))
    row = IngestFailure.objects.for_organization(organization_id).filter(pk=failure_id).first()
    if failure_id is None or row is None:
        raise NotFound("There is no such file.")
    return row


def sign(failure: IngestFailure) -> str:
    """Return a token that opens the failure's log for five minutes, for whoever holds it."""
    return signing.dumps([str(failure.organization_id), str(failure.pk)], salt=SALT)


def opened(token: str) -> IngestFailure:
    """Return the failure a token opens; raises ``DownloadExpired`` or ``NotFound``."""
    try:
        organization_id, failure_id = signing.loads(token, salt=SALT, max_age=DOWNLOAD_SECONDS)
    except signing.BadSignature as error:
        raise DownloadExpired from error
    with isolation.within(organization_id):
        return find(UUID(organization_id), failure_id)


def log(failure: IngestFailure) -> dict[str, Any]:
    """Return the log: what was wrong, and the measurements as they were received (5.6)."""
    return {
        "errorType": failure.type,
        "message": failure.message,
        "receivedAt": failure.created_at,
        "uids": failure.uids,
        "measurements": failure.measurements,
    }
