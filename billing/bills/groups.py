"""Which bill of an account a contract's charges go on (CON-2, CON-3)."""

from uuid import UUID

from billing.models import Contract


def grouping_of(contract: Contract | None) -> str:
    """Return the grouping of what belongs to the contract; empty: the account's ordinary bill."""
    return "" if contract is None else grouping(contract.bill_grouping_key_id)


def grouping(key_id: UUID | None) -> str:
    """Return the grouping of a bill grouping key."""
    return "" if key_id is None else f"key:{key_id}"
