"""Send failed usage again after its cause is mended, and mark failures nobody has to look at.

A measurement is sent again as it was received, with its uid: if it came another way meanwhile, it
is not counted twice. What fails again is a new failure with its own event; the old one is done with
either way. Each failure is sent again at most once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from billing.models import IngestFailure, ResubmissionOutcome
from billing.models.usage import STORED_TYPES
from billing.usage import ingest, upload_rows
from organizations import audit
from organizations.kernel import clock, exact_json
from organizations.kernel.principals import Principal
from organizations.models import Event

RESOURCE = "data:measurement"
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Report:
    """How many failures were stored now, refused again, and left as they are."""

    stored: int = 0
    refused: int = 0
    left: int = 0

    def __add__(self, other: "Report") -> "Report":
        return Report(
            self.stored + other.stored, self.refused + other.refused, self.left + other.left
        )


def request(organization_id: UUID, failure_ids: Sequence[UUID], *, by: Principal) -> Report | None:
    """Send failures again: some now, with a report; very many in the background, without one."""
    audit.record(by, "measurements:upload", RESOURCE, difference={"resubmitted": len(failure_ids)})
    if len(failure_ids) <= AT_ONCE:
        return resubmit(organization_id, failure_ids)
    for some in _slices(failure_ids):
        transaction.on_commit(partial(_enqueue, organization_id, some))
    return None


def _enqueue(organization_id: UUID, failure_ids: Sequence[UUID]) -> None:
    from billing.tasks import resubmit_failures

    resubmit_failures.delay(
        organization_id=str(organization_id), failure_ids=[str(one) for one in failure_ids]
    )


def resubmit(organization_id: UUID, failure_ids: Sequence[UUID]) -> Report:
    """Send failures again in transactions of some hundred. Safe to run twice."""
    report = Report()
    for some in _slices(failure_ids):
        step = partial(_resubmit, organization_id, some, clock.now())
        report += ingest.again_after_deadlock(step)
    return report


def _slices(failure_ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(failure_ids), AT_ONCE):
        yield failure_ids[start : start + AT_ONCE]


def _resubmit(organization_id: UUID, failure_ids: Sequence[UUID], at: datetime) -> Report:
    """Do it inside of a transaction, the rows locked so that nobody else sends them too."""
    rows = IngestFailure.objects.for_organization(organization_id).select_for_update()
    rows = rows.filter(pk__in=failure_ids, resubmitted_at=None).exclude(type__in=STORED_TYPES)
    failures = list(rows.order_by("pk"))
    sent = [exact_json.dumps(one) for row in failures for one in row.measurements]
    numbered = [row for row in failures for _ in row.measurements]
    faults = upload_rows.store(organization_id, sent, first=0, at=at) if sent else []
    refused = {numbered[fault.row].pk for fault in faults}
    for outcome, chosen in (
        (ResubmissionOutcome.REFUSED, refused),
        (ResubmissionOutcome.STORED, {row.pk for row in failures} - refused),
    ):
        IngestFailure.objects.filter(pk__in=chosen).update(resubmitted_at=at, outcome=outcome)
    _close(failures, at)
    return Report(len(failures) - len(refused), len(refused), len(failure_ids) - len(failures))


def mark_actioned(organization_id: UUID, failure_ids: Sequence[UUID], *, by: Principal) -> int:
    """Take failures and their events out of the lists of what is to be done; returns how many."""
    marked = 0
    for some in _slices(failure_ids):
        with transaction.atomic():
            rows = IngestFailure.objects.for_organization(organization_id).select_for_update()
            found = list(rows.filter(pk__in=some, actioned_at=None).order_by("pk"))
            _close(found, clock.now())
        marked += len(found)
    if marked:
        audit.record(by, "config:update", RESOURCE, difference={"actioned": marked})
    return marked


def _close(failures: Iterable[IngestFailure], at: datetime) -> None:
    rows = {row.pk: row.event_id for row in failures}
    IngestFailure.objects.filter(pk__in=rows, actioned_at=None).update(actioned_at=at)
    Event.objects.filter(pk__in=rows.values(), actioned_at=None).update(actioned_at=at)
