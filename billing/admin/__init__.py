"""Console pages of billing: accounts and their plans, failed usage, bills and bill jobs."""

from billing.admin import (
    account_plans,
    accounts,
    arrived,
    balances,
    bills,
    charges,
    commitments,
    contracts,
    counters,
    date_changes,
    failures,
    jobs,
    late_usage,
    lock_date,
    rehearsals,
    saved_queries,
    statements,
    uploads,
)

__all__ = [
    "account_plans",
    "accounts",
    "arrived",
    "balances",
    "bills",
    "charges",
    "commitments",
    "contracts",
    "counters",
    "date_changes",
    "failures",
    "jobs",
    "late_usage",
    "lock_date",
    "rehearsals",
    "saved_queries",
    "statements",
    "uploads",
]

date_changes.register()
arrived.register()
