"""Who owes what: accounts and their plans, usage, bills and bill jobs."""

from billing.models.accounts import Account, AccountPlan, ByEmail, ChildBillingMode, fold_code
from billing.models.balances import (
    Balance,
    BalanceChargeSchedule,
    BalanceLineItemType,
    BalanceTransaction,
    BalanceTransactionSchedule,
    ScheduleFrequency,
    TransactionSource,
)
from billing.models.bill_config import BillConfig
from billing.models.bill_emails import BillEmail, BillEmailState
from billing.models.bills import (
    Bill,
    BillFrequency,
    BillStatus,
    InvoiceSeries,
    LineItem,
    LineItemType,
)
from billing.models.charges import Charge, ChargeEntityType, ChargeLineItemType
from billing.models.commitments import Commitment, CommitmentLineItemType
from billing.models.contracts import Contract
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
from billing.models.late_usage import (
    LateUsage,
    LateUsageAction,
    LateUsageBill,
    LateUsageCheck,
    LateUsageRule,
    LateUsageStatus,
)
from billing.models.queries import SavedQuery
from billing.models.rehearsals import (
    Rehearsal,
    RehearsalStatus,
    RehearsedAccount,
    RehearsedKind,
    RehearsedWhy,
)
from billing.models.statements import (
    AggregationFrequency,
    StatementDefinition,
    StatementJob,
    StatementJobStatus,
)
from billing.models.uploads import MeasurementUpload, UploadFault, UploadStatus
from billing.models.usage import IngestFailure, IngestFailureType, ResubmissionOutcome

__all__ = [
    "Account",
    "AccountPlan",
    "AggregationFrequency",
    "Balance",
    "BalanceChargeSchedule",
    "BalanceLineItemType",
    "BalanceTransaction",
    "BalanceTransactionSchedule",
    "Bill",
    "BillConfig",
    "BillEmail",
    "BillEmailState",
    "BillFrequency",
    "BillJob",
    "BillJobAccount",
    "BillJobChunk",
    "BillJobStatus",
    "BillJobType",
    "BillStatus",
    "ByEmail",
    "Charge",
    "ChargeEntityType",
    "ChargeLineItemType",
    "ChildBillingMode",
    "ChunkStatus",
    "Commitment",
    "CommitmentLineItemType",
    "Contract",
    "CounterAdjustment",
    "IngestFailure",
    "IngestFailureType",
    "InvoiceSeries",
    "JobAccountStatus",
    "LateUsage",
    "LateUsageAction",
    "LateUsageBill",
    "LateUsageCheck",
    "LateUsageRule",
    "LateUsageStatus",
    "LineItem",
    "LineItemType",
    "MeasurementUpload",
    "Rehearsal",
    "RehearsalStatus",
    "RehearsedAccount",
    "RehearsedKind",
    "RehearsedWhy",
    "ResubmissionOutcome",
    "SavedQuery",
    "ScheduleFrequency",
    "StatementDefinition",
    "StatementJob",
    "StatementJobStatus",
    "TransactionSource",
    "UploadFault",
    "UploadStatus",
    "fold_code",
]
