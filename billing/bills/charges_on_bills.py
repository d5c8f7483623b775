"""Which charges other bills of an account carry already, and for when.

Two uses: no charge is billed twice when epochs, timezone or flags changed or an account plan
replaced another of the same plan (JOB-6, INV-L), and a minimum spend billed in advance is known
when its period ends, as is one that was settled before it (MIN-3). Pure values.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from billing.rating.inputs import AdvanceMinimum, ArrearsCharge
from billing.rating.lines import LineType, RatedBill, RatedLine
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import Period

# What a line charges for: type, plan, and the aggregation (usage) or pricing (minimum).
Subject = tuple[str, UUID | None, UUID | None, tuple[tuple[str, str], ...]]


class AlreadyBilled(DomainError):
    """Another bill of the account carries the charge for an overlapping service period (JOB-6)."""

    code = "ALREADY_BILLED"

    def __init__(self, line: RatedLine, charge: "BilledCharge") -> None:
        start, end = line.service_period.start, line.service_period.end
        super().__init__(
            f"{line.description} for {start:%Y-%m-%d} to {end:%Y-%m-%d} is already billed on "
            f"bill {charge.bill_name} dated {charge.bill_date}. Calculate that bill again if an "
            "account plan has ended since, delete one of the two bills, put back the billing "
            "epoch, timezone or in-advance setting that changed since, or let the account plan "
            "begin where that charge ends."
        )


class BilledCharge(msgspec.Struct, frozen=True, gc=False):
    """A line on a bill: what it charges for, and when. ``in_advance``: after its bill's period.

    ``is_locked``: its bill never changes again.
    """

    bill_id: UUID | None
    bill_name: str
    bill_date: date
    subject: Subject
    account_plan_id: UUID | None
    pricing_id: UUID | None
    service_period: Period
    subtotal: Decimal
    in_advance: bool
    is_locked: bool = False


def subject(
    line_type: str,
    plan_id: UUID | None,
    pricing_id: UUID | None,
    aggregation_id: UUID | None,
    segment: Iterable[tuple[str, str]],
) -> Subject:
    """Return what a line charges for; a new pricing of the same usage does not make it another,
    nor does a new account plan of the same plan (INV-L)."""
    measured = aggregation_id if line_type == LineType.USAGE.value else pricing_id
    return (line_type, plan_id, measured, tuple(sorted(segment)))


def advance_minimums(charges: Iterable[BilledCharge]) -> tuple[AdvanceMinimum, ...]:
    """Return the minimum spends that really were billed in advance (MIN-3)."""
    return tuple(
        AdvanceMinimum(
            charge.account_plan_id,
            charge.pricing_id,
            charge.service_period,
            charge.subtotal,
            charge.is_locked,
        )
        for charge in charges
        if charge.in_advance
        and charge.subject[0] == LineType.MINIMUM_SPEND.value
        and charge.account_plan_id is not None
    )


def arrears_charges(charges: Iterable[BilledCharge]) -> tuple[ArrearsCharge, ...]:
    """Return what was charged when its service was over: it may have settled a minimum (MIN-3)."""
    return tuple(
        ArrearsCharge(
            charge.account_plan_id,
            charge.pricing_id,
            LineType(charge.subject[0]),
            charge.service_period,
            charge.subtotal,
            charge.is_locked,
        )
        for charge in charges
        if not charge.in_advance and charge.account_plan_id is not None
    )


def refuse_doubles(
    bill: RatedBill, others: Iterable[BilledCharge], attached: Mapping[UUID, Period]
) -> None:
    """Raise ``AlreadyBilled`` when another bill carries one of the bill's charges.

    ``attached`` tells when each account plan of the account is in force. Two of one plan that are
    in force at the same time are meant to be, and billed independently (ACP-11).
    """
    billed: dict[Subject, list[BilledCharge]] = {}
    for charge in others:
        billed.setdefault(charge.subject, []).append(charge)
    if not billed:
        return
    for line in bill.lines:
        for charge in billed.get(_subject_of(line), ()):
            twice = charge.service_period.intersect(line.service_period)
            if twice is not None and not _are_both_meant(line, charge, twice, attached):
                raise AlreadyBilled(line, charge)


def _are_both_meant(
    line: RatedLine, charge: BilledCharge, twice: Period, attached: Mapping[UUID, Period]
) -> bool:
    if line.account_plan_id == charge.account_plan_id:
        return False
    periods = [attached.get(one) for one in (line.account_plan_id, charge.account_plan_id) if one]
    return all(period is not None and period.overlaps(twice) for period in periods)


def charges_of(bill: RatedBill, *, bill_id: UUID | None, name: str) -> list[BilledCharge]:
    """Return the charges of a bill that was just calculated, for the bills after it."""
    return [
        BilledCharge(
            bill_id=bill_id,
            bill_name=name,
            bill_date=bill.key.boundary,
            subject=_subject_of(line),
            account_plan_id=line.account_plan_id,
            pricing_id=line.pricing_id,
            service_period=line.service_period,
            subtotal=line.subtotal,
            in_advance=bill.period.end is not None and line.service_period.start >= bill.period.end,
        )
        for line in bill.lines
    ]


def _subject_of(line: RatedLine) -> Subject:
    return subject(
        line.line_type.value,
        line.plan_id,
        line.pricing_id,
        line.aggregation_id,
        line.segment,
    )
