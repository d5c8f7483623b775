"""No charge is billed twice (JOB-6, INV-L, INV-M).

What changed epochs, timezones or flags, or an account plan that replaced another of the same plan,
would charge again is refused, with the bill that carries it already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from billing.rating import kinds
from billing.rating.book import BilledCharge
from billing.rating.kinds.kind import Twice
from billing.rating.lines import RatedBill, RatedLine
from billing.rating.subjects import Attribution, Subject
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import Period

# What two lines have in common that charge for the same thing.
Identity = tuple[str, UUID, UUID | None, Subject]


class AlreadyBilled(DomainError):
    """Another bill of the account carries the charge for an overlapping service period (JOB-6)."""

    code = "ALREADY_BILLED"

    def __init__(self, line: RatedLine, charge: BilledCharge) -> None:
        start, end = line.service_period.start, line.service_period.end
        super().__init__(
            f"{line.description} for {start:%Y-%m-%d} to {end:%Y-%m-%d} is already billed on "
            f"bill {charge.bill_name} dated {charge.bill_date}. Calculate that bill again if an "
            "account plan has ended since, delete one of the two bills, put back the billing "
            "epoch, timezone or in-advance setting that changed since, or let the account plan "
            "begin where that charge ends."
        )


def refuse_doubles(
    bill: RatedBill, others: Iterable[BilledCharge], attached: Mapping[UUID, Period]
) -> None:
    """Raise ``AlreadyBilled`` when another bill carries one of the bill's charges.

    ``attached`` tells when each account plan of the account is in force. Two of one plan that are
    in force at the same time are meant to be, and billed independently (ACP-11).
    """
    billed: dict[Identity, list[BilledCharge]] = {}
    for charge in others:
        key = _identity(charge.line_type, charge.subject, charge.attribution)
        billed.setdefault(key, []).append(charge)
    if not billed:
        return
    for line in bill.lines:
        key = _identity(line.line_type.value, line.subject, line.attribution)
        for charge in billed.get(key, ()):
            if _is_charged_twice(line, charge, attached):
                raise AlreadyBilled(line, charge)


def _identity(line_type: str, subject: Subject, attribution: Attribution) -> Identity:
    """A new pricing of the same usage, or a new account plan of the same plan, is no other charge.

    Neither is it when the price is another: the subject of usage is what was measured (INV-L).
    """
    return (line_type, attribution.account_id, attribution.plan_id, subject)


def _is_charged_twice(
    line: RatedLine, charge: BilledCharge, attached: Mapping[UUID, Period]
) -> bool:
    rule = kinds.twice(line.line_type.value)
    if rule is not Twice.AT_ONE_TIME:
        return rule is Twice.EVER
    common = charge.service_period.intersect(line.service_period)
    return common is not None and not _are_both_meant(line, charge, common, attached)


def _are_both_meant(
    line: RatedLine, charge: BilledCharge, common: Period, attached: Mapping[UUID, Period]
) -> bool:
    if line.account_plan_id == charge.account_plan_id:
        return False
    periods = [attached.get(one) for one in (line.account_plan_id, charge.account_plan_id) if one]
    return all(period is not None and period.overlaps(common) for period in periods)
