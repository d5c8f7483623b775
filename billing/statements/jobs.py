"""Statement jobs: rows that say what is to be written, and the worker that writes it (STM-4).

A worker works as long as it holds the lease; when it is killed, the sweep gives the job to
another, who writes the files anew. Files are written outside of any transaction.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet

from billing.models import Bill, LineItem, StatementDefinition, StatementJob, StatementJobStatus
from billing.statements import document
from billing.statements.content import OF_USAGE
from organizations import alerts
from organizations.kernel import changes, clock, files, principals, registry
from organizations.kernel.among import Among
from organizations.kernel.errors import DomainError, NotFound
from organizations.kernel.principals import Principal
from organizations.models import Alert, AlertSeverity, OrganizationConfig, StoredFile

ACTIVE = (StatementJobStatus.PENDING, StatementJobStatus.RUNNING)
LEASE = timedelta(minutes=10)
HANDED_OUT = 100
FAILED_ALERT = "STATEMENT_JOB_FAILED"
LATEST, STALE, INVALIDATED = "LATEST", "STALE", "INVALIDATED"
NO_DEFINITION = (
    "There is no statement definition: choose one for the account, or a default one in the "
    "organization's configuration."
)


class NotCancellable(DomainError):
    """Only a job that is not over can be cancelled."""

    code = "STATEMENT_JOB_FINISHED"

    def __init__(self, job: StatementJob) -> None:
        super().__init__(f"The job is over ({job.get_status_display().lower()}).")


class Cancelled(Exception):
    """The job is cancelled, finished, or another's."""


def start(
    bills: Sequence[Bill],
    *,
    by: Principal,
    include_csv: bool = False,
    meter_ids: Collection[UUID] = (),
) -> list[StatementJob]:
    """Make a job for each bill and hand them out when the transaction is committed."""
    with transaction.atomic():
        made = [
            StatementJob(
                organization_id=bill.organization_id,
                bill=bill,
                include_csv_format=include_csv,
                meter_ids=list(dict.fromkeys(meter_ids)),
            )
            for bill in bills
        ]
        changes.created_many(made, by=by, save=True)
        for job in made:
            transaction.on_commit(partial(_enqueue, job.pk))
    return made


def cancel(job: StatementJob, *, by: Principal) -> StatementJob:
    """Stop a job that is not over. Raises ``NotCancellable``."""
    with changes.editing(job, by=by) as row:
        if row.status not in ACTIVE:
            raise NotCancellable(row)
        row.status, row.finished_at = StatementJobStatus.CANCELLED, clock.now()
        row.lease = row.leased_until = None
    return row


def sweep() -> None:
    """Hand out jobs nobody works on."""
    free = Q(leased_until=None) | Q(leased_until__lt=clock.now())
    rows = StatementJob.objects.filter(free, status__in=ACTIVE).order_by("created_at")
    for job_id in rows.values_list("pk", flat=True)[:HANDED_OUT]:
        _enqueue(job_id)


def _enqueue(job_id: UUID) -> None:
    from billing.tasks import write_statement

    write_statement.delay(job_id=str(job_id))


def work_off(job_id: UUID) -> None:
    """Write the files of a job. Safe to run twice."""
    lease = uuid4()
    written: list[StoredFile] = []
    try:
        job = _claim(job_id, lease)
        definition = definition_of(job.bill)
        if definition is None:
            _finish(job, lease, reason=NO_DEFINITION)
            return
        job.definition, job.definition_version = definition, definition.version
        job.bill_calculated_at = job.bill.latest_calculated_at
        written.append(_write(job, definition, "json"))
        if job.include_csv_format:
            written.append(_write(job, definition, "csv"))
        _finish(job, lease, written=written)
    except (Cancelled, NotFound):
        for file in written:
            files.delete(file)


def definition_of(bill: Bill) -> StatementDefinition | None:
    """Return the account's definition, else the organization's (STM-2)."""
    own = bill.account.statement_definition_id
    wanted = (
        own
        or OrganizationConfig.objects.filter(organization_id=bill.organization_id)
        .values_list("default_statement_definition_id", flat=True)
        .first()
    )
    known = StatementDefinition.objects.for_organization(bill.organization_id)
    return known.filter(pk=wanted).first() if wanted else None


def lines_of(bill: Bill, meter_ids: Collection[UUID]) -> QuerySet[LineItem]:
    """Return the lines of a statement; with meters, only those of their usage."""
    lines = LineItem.objects.for_organization(bill.organization_id).filter(bill=bill)
    if not meter_ids:
        return lines
    return lines.filter(line_item_type__in=OF_USAGE, meter_id__in=meter_ids)


def _write(job: StatementJob, definition: StatementDefinition, kind: str) -> StoredFile:
    bill = job.bill
    render = document.as_json if kind == "json" else document.as_csv
    return files.write(
        job.organization_id,
        kind=f"statement_{kind}",
        name=f"statement-{bill.account_code}-{bill.bill_date}.{kind}",
        content_type=document.JSON_TYPE if kind == "json" else document.CSV_TYPE,
        chunks=render(bill, definition, lines_of(bill, job.meter_ids)),
        by=job.created_by,
    )


def _claim(job_id: UUID, lease: UUID) -> StatementJob:
    now = clock.now()
    with transaction.atomic():
        found = StatementJob.objects.filter(pk=job_id).first()
        if found is None:
            raise Cancelled
        with changes.editing(found, by=principals.system(found.organization_id)) as job:
            is_taken = job.leased_until is not None and job.leased_until > now
            if job.status not in ACTIVE or is_taken:
                raise Cancelled
            job.status = StatementJobStatus.RUNNING
            job.lease, job.leased_until = lease, now + LEASE
    return StatementJob.objects.select_related("bill__account").get(pk=job_id)


def _finish(
    job: StatementJob, lease: UUID, *, written: Sequence[StoredFile] = (), reason: str = ""
) -> None:
    """Say what became of the job, and on the bill what it has; the bill's row comes first."""
    with transaction.atomic():
        bill = Bill.objects.select_for_update(no_key=True).filter(pk=job.bill_id).first()
        by = principals.system(job.organization_id)
        with changes.editing(job, by=by) as row:
            if bill is None or row.lease != lease or row.status not in ACTIVE:
                raise Cancelled
            row.lease = row.leased_until = None
            row.finished_at, row.failure_reason = clock.now(), reason
            row.status = StatementJobStatus.FAILED if reason else StatementJobStatus.COMPLETE
            row.definition, row.definition_version = job.definition, job.definition_version
            row.bill_calculated_at = job.bill_calculated_at
            if written:
                row.json_file = written[0]
                row.csv_file = written[1] if len(written) > 1 else None
        if reason:
            _alert(job)
        if written and not job.meter_ids:
            formats = ("json_statement_of", "csv_statement_of")[: len(written)]
            Bill.objects.filter(pk=job.bill_id).update(
                **dict.fromkeys(formats, job.bill_calculated_at)
            )


def _alert(job: StatementJob) -> None:
    at = clock.now()
    bill = job.bill
    told = Alert(
        organization_id=job.organization_id,
        created_at=at,
        modified_at=at,
        severity=AlertSeverity.ERROR,
        type=FAILED_ALERT,
        description=f"The statement of account {bill.account_code}, bill dated {bill.bill_date}, "
        f"was not written. {NO_DEFINITION}",
        account_id=bill.account_id,
        resource_id=bill.pk,
    )
    alerts.raise_many([told])


def newest(bill: Bill, kind: str) -> StatementJob | None:
    """Return the job whose file is the newest whole statement of a bill."""
    done = StatementJob.objects.filter(
        bill=bill,
        status=StatementJobStatus.COMPLETE,
        meter_ids=[],
        **{f"{kind}_file__isnull": False},
    )
    return (
        done.select_related(f"{kind}_file", "definition", "bill")
        .order_by("-created_at", "-id")
        .first()
    )


def freshness(job: StatementJob) -> str:
    """Return whether the files of a job still say what the bill says (STM-5)."""
    if job.definition is None or job.definition.version != job.definition_version:
        return INVALIDATED
    return LATEST if job.bill_calculated_at == job.bill.latest_calculated_at else STALE


def forget(bill_ids: Collection[UUID], *, by: Principal) -> None:
    """Delete the statements of bills that are deleted in this transaction."""
    jobs = list(
        StatementJob.objects.filter(Among("bill_id", bill_ids))
        .select_related("json_file", "csv_file", "definition", "bill")
        .select_for_update(of=("self",))
    )
    if not jobs:
        return
    gone = [(job, registry.of(job).represent(job)) for job in jobs]
    StatementJob.objects.filter(Among("pk", [job.pk for job in jobs])).delete()
    changes.deleted_many(gone, by=by)
    for file in _files(jobs):
        files.delete(file)


def _files(jobs: Iterable[StatementJob]) -> Iterable[StoredFile]:
    for job in jobs:
        yield from (file for file in (job.json_file, job.csv_file) if file is not None)
