"""The rows behind a bill job: one per account, in chunks; made, cancelled and unparked at once.

A row knows how many bills of its account are due, so that the job counts bills (JOB-2).
"""

import logging
from math import ceil
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from billing.bills import due as due_bills
from billing.bills.job_requests import wanted
from billing.models import (
    Bill,
    BillJob,
    BillJobAccount,
    BillJobChunk,
    BillJobType,
    ChunkStatus,
    JobAccountStatus,
)
from organizations.kernel import clock

logger = logging.getLogger(__name__)
# Accounts of a chunk. Reading measurements that lie in order of arrival is four times as fast for
# 2,500 accounts at once as for 250, so a job has no more chunks than its workers need.
CHUNK_AT_LEAST = 250
CHUNK_AT_MOST = 2500
CHUNKS_PER_JOB = 2

_ALL_ACCOUNTS = """
SELECT id FROM billing_account a
 WHERE organization_id = %s
   AND (EXISTS (SELECT 1 FROM billing_accountplan p WHERE p.account_id = a.id)
        OR EXISTS (SELECT 1 FROM billing_bill b WHERE b.account_id = a.id AND NOT b.is_locked)
        OR EXISTS (SELECT 1 FROM billing_charge c
                    WHERE c.account_id = a.id AND c.bill_id IS NULL AND c.bill_date IS NOT NULL)
        OR EXISTS (SELECT 1 FROM billing_commitment c
                    WHERE c.account_id = a.id
                      AND (c.billing_plan_id IS NOT NULL OR c.fee_dates::text <> '[]'))
        OR EXISTS (SELECT 1 FROM billing_account child
                     JOIN billing_accountplan p ON p.account_id = child.id
                    WHERE child.parent_account_id = a.id)
        OR EXISTS (SELECT 1 FROM billing_accountplan p
                    WHERE p.account_id = a.parent_account_id AND p.child_billing_mode = 'CHILD'))
"""
# Whoever is in the family of a named account is billed with it (PAR-10).
_NAMED_ACCOUNTS = """
WITH named AS (
    SELECT COALESCE(parent_account_id, id) AS head, id FROM billing_account
     WHERE organization_id = %s AND id = ANY(%s)
)
SELECT id FROM named
UNION
SELECT a.id FROM billing_account a JOIN named ON named.head IN (a.id, a.parent_account_id)
"""
_INSERT = """
INSERT INTO billing_billjobaccount
       (id, bill_job_id, account_id, chunk_id, status, reason, due_bills)
SELECT gen_random_uuid(), %s, placed.id,
       (%s::uuid[])[1 + (min(placed.place) OVER (PARTITION BY placed.head) - 1) / %s],
       'PENDING', '', placed.due_bills
  FROM (
    SELECT account.id, account.due_bills, COALESCE(a.parent_account_id, a.id) AS head,
           row_number() OVER (ORDER BY COALESCE(a.parent_account_id, a.id), a.id) AS place
      FROM unnest(%s::uuid[], %s::int[]) AS account(id, due_bills)
      JOIN billing_account a ON a.id = account.id
  ) placed
"""


def make(job: BillJob) -> None:
    """Make the job's rows and chunks and set its counters.

    Without named accounts these are all that have a plan, or a bill that may have to go since
    its plan went (JOB-8), or a charge that no bill carries, or a commitment with fees, or whose
    bill carries a plan of another in the family. A family stands in one chunk.
    """
    found = account_ids(job)
    due = _count_due(job, found)
    size = min(CHUNK_AT_MOST, max(CHUNK_AT_LEAST, ceil(len(found) / CHUNKS_PER_JOB)))
    made = BillJobChunk.objects.bulk_create(
        BillJobChunk(bill_job=job, number=number)
        for number in range(1, ceil(len(found) / size) + 1)
    )
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [job.pk, [chunk.pk for chunk in made], size, found, due])
    job.total = job.pending = len(found)
    job.total_bills = job.pending_bills = sum(due)


def _count_due(job: BillJob, found: list[UUID]) -> list[int]:
    """Return how many bills of each account are due; read by chunks, as those are billed.

    A trouble nobody expected is met again, and parked, where the bills are made: here it must not
    stop the job, so of those accounts one bill each is expected.
    """
    due: list[int] = []
    for start in range(0, len(found), CHUNK_AT_MOST):
        some = found[start : start + CHUNK_AT_MOST]
        try:
            counts = due_bills.count_due(job.organization_id, some, wanted(job))
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("The bills of job %s could not be counted.", job.pk)
            counts = dict.fromkeys(some, 1)
        due += (counts.get(account_id, 0) for account_id in some)
    return due


def cancel(job: BillJob) -> None:
    """Take the accounts that are not done off the job, and count again."""
    BillJobAccount.objects.filter(bill_job=job, status=JobAccountStatus.PENDING).update(
        status=JobAccountStatus.CANCELLED, finished_at=clock.now()
    )
    BillJobChunk.objects.filter(bill_job=job, status=ChunkStatus.PENDING).update(
        status=ChunkStatus.DONE, finished_at=clock.now(), lease_ends_at=None
    )
    locked = BillJob.objects.select_for_update(no_key=True).get(pk=job.pk)
    count(locked)
    locked.save(update_fields=["pending", "billed", "parked", "skipped", "pending_bills"])


def unpark(job: BillJob) -> int:
    """Make the parked accounts pending again; returns how many."""
    parked = BillJobAccount.objects.filter(bill_job=job, status=JobAccountStatus.PARKED)
    chunk_ids = set(parked.values_list("chunk_id", flat=True))
    job.pending_bills += parked.aggregate(bills=Coalesce(Sum("due_bills"), 0))["bills"]
    unparked = parked.update(status=JobAccountStatus.PENDING, reason="", finished_at=None)
    BillJobChunk.objects.filter(pk__in=chunk_ids).update(
        status=ChunkStatus.PENDING, finished_at=None, lease_ends_at=None
    )
    job.parked -= unparked
    job.pending += unparked
    return unparked


def account_ids(job: BillJob) -> list[UUID]:
    """Return the accounts the job is about."""
    if job.type == BillJobType.RECALCULATE:
        bills = Bill.objects.for_organization(job.organization_id).filter(pk__in=job.bill_ids)
        return sorted(set(bills.values_list("account_id", flat=True)))
    with connection.cursor() as cursor:
        if job.account_ids:
            cursor.execute(_NAMED_ACCOUNTS, [job.organization_id, job.account_ids])
        else:
            cursor.execute(_ALL_ACCOUNTS, [job.organization_id])
        return [row[0] for row in cursor.fetchall()]


def count(job: BillJob) -> None:
    """Set the counters to what the rows say; the caller has locked the job's row."""
    counted = BillJobAccount.objects.filter(bill_job=job).aggregate(
        pending=Count("pk", filter=Q(status=JobAccountStatus.PENDING)),
        billed=Count("pk", filter=Q(status=JobAccountStatus.BILLED)),
        parked=Count("pk", filter=Q(status=JobAccountStatus.PARKED)),
        skipped=Count(
            "pk", filter=Q(status__in=(JobAccountStatus.NOTHING, JobAccountStatus.LOCKED))
        ),
        pending_bills=Coalesce(Sum("due_bills", filter=Q(status=JobAccountStatus.PENDING)), 0),
    )
    for name, number in counted.items():
        setattr(job, name, number)
