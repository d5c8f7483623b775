"""Who owes what: accounts and their plans, usage, bills and bill jobs."""

from billing.models.accounts import Account, AccountPlan, ChildBillingMode, fold_code
from billing.models.bills import (
    Bill,
    BillFrequency,
    BillStatus,
    InvoiceSeries,
    LineItem,
    LineItemType,
)
from billing.models.counters import CounterAdjustment
from billing.models.jobs import (
    BillJob,
    BillJobAccount,
    BillJobChunk,
    BillJobStatus,
    BillJobType,
    ChunkStatus,
    JobAccountStatus,
)
from billing.models.uploads import MeasurementUpload, UploadFault, UploadStatus
from billing.models.usage import IngestFailure, IngestFailureType, ResubmissionOutcome

__all__ = [
    "Account",
    "AccountPlan",
    "Bill",
    "BillFrequency",
    "BillJob",
    "BillJobAccount",
    "BillJobChunk",
    "BillJobStatus",
    "BillJobType",
    "BillStatus",
    "ChildBillingMode",
    "ChunkStatus",
    "CounterAdjustment",
    "IngestFailure",
    "IngestFailureType",
    "InvoiceSeries",
    "JobAccountStatus",
    "LineItem",
    "LineItemType",
    "MeasurementUpload",
    "ResubmissionOutcome",
    "UploadFault",
    "UploadStatus",
    "fold_code",
]
