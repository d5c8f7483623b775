"""Fees of commitments: on the bills of a plan's rhythm, or on dates of a schedule (9.2).

By plan, what is unpaid is spread over the fee bills by days; what locked bills have charged stays,
and the others share the rest (FEE-4, FEE-8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from billing.rating import telling
from billing.rating.account_terms import FeeTerm, PlanFees
from billing.rating.accounts import Work
from billing.rating.drafts import Draft, rounded
from billing.rating.kinds.kind import LineKind, RecordKind, Twice
from billing.rating.lines import LineType
from billing.rating.schedule import BillingPeriod, PlanSchedule, due_boundary
from billing.rating.subjects import Attribution, Subject, SubjectKind
from billing.rating.telling import Facts, Step, Telling
from organizations.kernel.money import ZERO, Currency, plain, round_money
from organizations.kernel.periods import Period


def step(work: Work) -> Work:
    """Add the COMMITMENT_FEE lines of the bill."""
    lines = [_scheduled(work, fee) for fee in work.account.fees if fee.on == work.bill.key]
    for fees in work.account.plan_fees:
        lines += _by_plan(work, fees)
    return work.plus(lines)


def _scheduled(work: Work, fee: FeeTerm) -> Draft:
    facts = {"kind": RECORD.name, "amount": plain(fee.amount), "how": "as the schedule says"}
    return _draft(work, fee, fee.detail, fee.amount, fee.service_period, facts)


def _by_plan(work: Work, fees: PlanFees) -> Iterator[Draft]:
    if not stands_on(work, fees):
        return
    schedule = PlanSchedule(fees.cycle, fees.period, work.bill.timezone)
    boundary = work.bill.key.boundary
    currency = work.currency(fees.currency)
    shares: dict[date, Decimal] | None = None
    for period in _due(schedule, boundary, fees.in_advance):
        if not _is_charged(fees, period.number):
            continue
        if shares is None:
            shares = instalments(schedule, fees, _kept(work, fees), currency)
        amount = shares.get(period.opens, ZERO)
        if amount:
            facts = {
                "kind": RECORD.name,
                "amount": plain(amount),
                "how": f"a share of {plain(fees.unpaid)} by days",
            }
            detail = period.opens.isoformat()
            service = period.active.to_period(work.bill.timezone)
            yield _draft(work, fees, detail, amount, service, facts)


def stands_on(work: Work, fees: PlanFees) -> bool:
    """Whether the bill is one of the rhythm of the fees."""
    key, cycle = work.bill.key, fees.cycle
    same = (cycle.frequency, cycle.interval) == (key.frequency, key.interval)
    if not same and not key.is_consolidated:
        return False
    return fees.grouping == key.group and cycle.is_bill_date(key.boundary)


def _due(schedule: PlanSchedule, boundary: date, in_advance: bool) -> list[BillingPeriod]:
    """Return the periods whose fee stands on the bill, as with standing charges (DAT-1, DAT-4)."""
    ending, starting = schedule.ending(boundary), schedule.starting(boundary)
    if not in_advance:
        return [ending] if ending else []
    late = [ending] if ending and not ending.opens_with_a_bill else []
    return late + ([starting] if starting else [])


def _is_charged(fees: PlanFees, number: int) -> bool:
    return number >= fees.offset and (number - fees.offset) % fees.interval == 0


def _kept(work: Work, fees: PlanFees) -> dict[date, Decimal]:
    """Return by start of their period the fees on locked bills (FEE-8)."""
    kept = {}
    for charge in work.book.charges:
        subject = charge.subject
        if (
            charge.is_locked
            and charge.line_type == LineType.COMMITMENT_FEE
            and (subject.kind, subject.id) == (SubjectKind.COMMITMENT, fees.commitment_id)
        ):
            kept[date.fromisoformat(subject.detail[:10])] = charge.subtotal
    return kept


def instalments(
    schedule: PlanSchedule, fees: PlanFees, kept: Mapping[date, Decimal], currency: Currency
) -> dict[date, Decimal]:
    """Return all fees by start of their period: they add up to what is unpaid (FEE-4)."""
    weights = dict(_weights(schedule, fees.interval, fees.offset))
    found = dict(kept)
    starts = list(weights)
    if fees.first is not None and starts and starts[0] not in kept:
        found[starts[0]] = round_money(fees.first, currency)
    spread = [opens for opens in starts if opens not in found]
    rest = fees.unpaid - sum(found.values(), ZERO)
    total = sum((weights[opens] for opens in spread), ZERO)
    given = ZERO
    for opens in spread[:-1]:
        found[opens] = round_money(rest * weights[opens] / total, currency)
        given += found[opens]
    if spread:
        found[spread[-1]] = round_money(rest - given, currency)
    return found


@lru_cache(maxsize=1024)
def _weights(
    schedule: PlanSchedule, interval: int, offset: int
) -> tuple[tuple[date, Decimal], ...]:
    """Return of each period with a fee its covered part of a nominal period."""
    found = []
    boundary = due_boundary(schedule.cycle, schedule.start_day)
    while period := schedule.ending(boundary):
        if period.number >= offset and (period.number - offset) % interval == 0:
            shares = schedule.shares(period.active)
            weight = sum(
                (Decimal(one.active_days) / Decimal(one.nominal_days) for one in shares), ZERO
            )
            found.append((period.opens, weight))
        boundary = schedule.cycle.boundary(schedule.cycle.number_after(boundary))
    return tuple(found)


def _draft(
    work: Work,
    fee: FeeTerm | PlanFees,
    detail: str,
    amount: Decimal,
    service: Period,
    facts: Mapping[str, object],
) -> Draft:
    attribution = Attribution(work.bill.account_id, contract_id=fee.contract_id).accounted(
        *fee.accounting_product_ids
    )
    currency = work.currency(fee.currency)
    return Draft(
        line_type=LineType.COMMITMENT_FEE,
        subject=Subject(SubjectKind.COMMITMENT, fee.commitment_id, detail),
        attribution=attribution,
        currency=currency,
        description=fee.description,
        subtotal=rounded(amount, currency, fee.description, attribution),
        service_period=service,
        facts=dict(facts),
    )


def _amount(facts: Facts) -> Decimal:
    return Decimal(facts["amount"])


def _story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = f"A fee of the prepayment: {telling.money(facts)}, {facts['how']}."
    return sentence, [Step("Fee", facts["how"], facts["amount"])]


def _arithmetic(told: Telling) -> str:
    return f"A fee of the prepayment, {told.facts['how']} = {told.subtotal()}"


RECORD: Final = RecordKind("fee", _amount, _story, _arithmetic)
KIND: Final = LineKind(
    "commitment fees", step, (LineType.COMMITMENT_FEE,), (RECORD,), twice=Twice.EVER
)
