"""Work to be done on bills, as rows: a job, a row per account, chunks with leases."""

from django.db import models
from django.db.models import Q

from billing.models.accounts import Account
from billing.models.bills import BillFrequency
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index


class BillJobType(models.TextChoices):
    CREATE = "CREATE", "Create"
    RECALCULATE = "RECALCULATE", "Recalculate"


class BillJobStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    INITIALIZING = "INITIALIZING", "Initializing"
    RUNNING = "RUNNING", "Running"
    COMPLETE = "COMPLETE", "Complete"
    CANCELLED = "CANCELLED", "Cancelled"


class BillJob(TenantModel):
    """One bill run: what to bill, and how far it is (JOB-1..4).

    The counters are kept by the chunks as they finish. ``total_bills`` and ``pending_bills`` count
    bills (JOB-2), all others accounts; ``parked`` ones wait for a person and a retry, they are
    neither pending nor failed.
    """

    type = models.CharField(max_length=16, choices=BillJobType, default=BillJobType.CREATE)
    status = models.CharField(max_length=16, choices=BillJobStatus, default=BillJobStatus.PENDING)
    latest_date_in_billing_period = models.DateField(null=True)
    billing_frequency = models.CharField(max_length=8, choices=BillFrequency, null=True)
    bill_frequency_interval = models.PositiveSmallIntegerField(null=True)
    bill_date = models.DateField(null=True)
    due_date = models.DateField(null=True)
    external_invoice_date = models.DateField(null=True)
    account_ids = models.JSONField(default=list)
    bill_ids = models.JSONField(default=list)
    target_currency = models.CharField(max_length=80, null=True)
    currency_conversions = ExactJSONField(default=list)
    timezone = models.CharField(max_length=64, null=True)
    year_epoch = models.DateField(null=True)
    month_epoch = models.DateField(null=True)
    week_epoch = models.DateField(null=True)
    day_epoch = models.DateField(null=True)
    is_scheduled = models.BooleanField(default=False)
    total = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    billed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    parked = models.PositiveIntegerField(default=0)
    total_bills = models.PositiveIntegerField("bills", default=0)
    pending_bills = models.PositiveIntegerField("bills to do", default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            newest_first_index("bill_job_newest"),
            models.Index(
                fields=["organization", "status", "-created_at", "-id"], name="bill_job_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.latest_date_in_billing_period} [{self.pk}]"


class ChunkStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    DONE = "DONE", "Done"


class BillJobChunk(models.Model):
    """Some hundred accounts of a job that one task bills together.

    A worker holds it until ``lease_ends_at``; beat enqueues a pending chunk again whose lease has
    ended, so neither a killed worker nor a forgetful broker stops a job.
    """

    belongs_to = "bill_job"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    bill_job = models.ForeignKey(BillJob, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=ChunkStatus, default=ChunkStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    lease_ends_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bill_job", "number"], name="chunk_number_unique")
        ]
        indexes = [
            models.Index(
                fields=["lease_ends_at"], name="chunk_pending", condition=Q(status="PENDING")
            )
        ]

    def __str__(self) -> str:
        return f"{self.bill_job_id} #{self.number}"


class JobAccountStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    BILLED = "BILLED", "Billed"
    NOTHING = "NOTHING", "Nothing to bill"
    LOCKED = "LOCKED", "Locked bill left alone"
    PARKED = "PARKED", "Parked"
    CANCELLED = "CANCELLED", "Cancelled"


class BillJobAccount(models.Model):
    """One account of a job: done, or parked with a reason a finance person understands.

    ``due_bills`` were due of it when the job was prepared.
    """

    belongs_to = "bill_job"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    bill_job = models.ForeignKey(
        BillJob, on_delete=models.CASCADE, related_name="accounts", db_index=False
    )
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    chunk = models.ForeignKey(
        BillJobChunk, on_delete=models.CASCADE, related_name="accounts", db_index=False
    )
    status = models.CharField(
        max_length=16, choices=JobAccountStatus, default=JobAccountStatus.PENDING
    )
    reason = models.TextField(default="", blank=True)
    due_bills = models.PositiveIntegerField(default=1)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bill_job", "account"], name="job_account_unique")
        ]
        indexes = [
            models.Index(fields=["chunk", "account"], name="job_account_chunk"),
            models.Index(
                fields=["bill_job"], name="job_account_parked", condition=Q(status="PARKED")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} in {self.bill_job_id}: {self.status}"
