"""What a contract changes on bills: which bill, which time, which usage (CON-3, CON-4, CON-5)."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from uuid import UUID

from billing.bills.planning import PlannedBill
from billing.bills.reading import AttachedPlan
from billing.usage.store import Filters
from organizations.kernel.periods import Period, local_midnight

Attached = Mapping[UUID, Sequence[AttachedPlan]]


def limited(attached: Attached, zone: tzinfo) -> dict[UUID, list[AttachedPlan]]:
    """Return the account plans cut to their contracts where those set limits (CON-4).

    One that lies outside of its contract is billed nowhere.
    """
    return {
        account_id: [plan for row in rows if (plan := _limited(row, zone)) is not None]
        for account_id, rows in attached.items()
    }


def _limited(row: AttachedPlan, zone: tzinfo) -> AttachedPlan | None:
    contract = row.contract
    if contract is None or not contract.has_limits:
        return row
    within = Period(
        local_midnight(contract.start_date, zone), local_midnight(contract.end_date, zone)
    )
    common = within.intersect(Period(row.start_at, row.end_at))
    return None if common is None else row._replace(start_at=common.start, end_at=common.end)


def filters(row: AttachedPlan) -> tuple[Filters, Filters]:
    """Return what usage must have, and must not have, to be charged under the contract (CON-5).

    Values of one dimension are alternatives; dimensions have to hold together.
    """
    if row.contract is None or not row.contract.usage_filters:
        return (), ()
    wanted: dict[str, list[str]] = {}
    excluded: dict[str, list[str]] = {}
    for one in row.contract.usage_filters:
        found = wanted if one["mode"] == "INCLUDE" else excluded
        found.setdefault(one["dimensionCode"], []).append(one["value"])
    return _sorted(wanted), _sorted(excluded)


def purchase_order(bill: PlannedBill) -> str | None:
    """Return the number of the contract whose bill it is, else the account's (CON-1, CON-2)."""
    if bill.grouping:
        for plan in bill.plans:
            contract = plan.attached.contract
            if contract is not None and contract.purchase_order_number:
                return contract.purchase_order_number
    return bill.account.purchase_order_number


def _sorted(found: Mapping[str, Sequence[str]]) -> Filters:
    return tuple((field, tuple(sorted(set(texts)))) for field, texts in sorted(found.items()))
