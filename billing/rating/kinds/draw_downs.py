"""Draw-downs: what commitments and balances pay of the bill (billing.md 9.3, 10).

Credits are asked in the order in which they come (ORD-1, DRW-5, BAL-12), each with one line for
all that it pays on the bill, never more than is left in it. What usage is left over where a credit
was meant to pay is overage: see ``overage``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from billing.rating import coverage, telling
from billing.rating.account_terms import Credit, CreditWindow
from billing.rating.accounts import Work
from billing.rating.coverage import Claim
from billing.rating.drafts import Draft
from billing.rating.kinds import grants, overage
from billing.rating.kinds.kind import LineKind, RecordKind, Twice
from billing.rating.lines import LineType
from billing.rating.movements import Movement
from billing.rating.subjects import Attribution, Subject, SubjectKind
from billing.rating.telling import Facts, Step, Telling
from organizations.kernel.money import ZERO, Currency, plain, round_money

COMMITMENT: Final = "commitment"
BALANCE: Final = "balance"
ROLLOVER: Final = "rollover"


def step(work: Work) -> Work:
    """Add the lines of what is drawn, and divide what is left into ordinary usage and overage."""
    if not work.account.credits:
        return work
    credits = [one for one in work.account.credits if not grants.is_grant(work, one)]
    found = coverage.claims(work, credits)
    for credit in credits:
        work = work.plus(_drawn(work, credit, found))
    return overage.step(work, found)


def _drawn(work: Work, credit: Credit, found: list[Claim]) -> list[Draft]:
    """Let one credit pay; returns its line, if it pays anything."""
    currency = work.currency(credit.currency)
    paid: list[tuple[Claim, Decimal]] = []
    movements: list[Movement] = []
    for window in credit.windows:
        left = coverage.left(work, credit, window, movements)
        taken = ZERO
        for claim in found if left > 0 or credit.is_unlimited else ():
            amount = _take(work, credit, window, claim, left - taken, currency)
            if amount:
                paid.append((claim, amount))
                taken += amount
        if taken:
            movements.append(_movement(work, credit, window, taken))
    return [_draft(work, credit, currency, paid, movements)] if paid else []


def _take(
    work: Work,
    credit: Credit,
    window: CreditWindow,
    claim: Claim,
    left: Decimal,
    currency: Currency,
) -> Decimal:
    """Pay for the pieces of a line that lie in the window; returns how much, in the credit's."""
    if not coverage.covers(credit, claim.draft):
        return ZERO
    total = ZERO
    for piece in claim.pieces:
        if piece.left <= 0 or not coverage.is_inside(piece, window):
            continue
        asked = work.converted(piece.left, claim.draft.currency, currency)
        if credit.is_unlimited or asked <= left - total:
            piece.left = ZERO
            total += asked
            continue
        rest = left - total
        if rest > 0:
            piece.left -= min(piece.left, work.converted(rest, currency, claim.draft.currency))
            total += rest
    return total


def _movement(work: Work, credit: Credit, window: CreditWindow, amount: Decimal) -> Movement:
    """The ledger counts it where the window and the bill's period meet."""
    kind = COMMITMENT if credit.subject.kind is SubjectKind.COMMITMENT else BALANCE
    subject = Subject(credit.subject.kind, credit.subject.id, window.part)
    return Movement(kind, subject, amount, coverage.counts_at(work, window))


def _draft(
    work: Work,
    credit: Credit,
    currency: Currency,
    paid: list[tuple[Claim, Decimal]],
    movements: list[Movement],
) -> Draft:
    is_commitment = credit.subject.kind is SubjectKind.COMMITMENT
    amount = sum((amount for _, amount in paid), ZERO)
    facts: dict[str, object] = {
        "kind": RECORD.name,
        "credit": "prepayment" if is_commitment else "balance",
        "left": plain(work.left(credit.subject)),
        "drawn": [
            {"line": claim.draft.description, "amount": plain(amount)} for claim, amount in paid
        ],
    }
    return Draft(
        line_type=LineType.COMMITMENT_CONSUMED if is_commitment else LineType.BALANCE_CONSUMED,
        subject=credit.subject,
        attribution=Attribution(work.bill.account_id, contract_id=credit.contract_id).accounted(
            *credit.accounting_product_ids
        ),
        currency=currency,
        description=credit.description,
        subtotal=round_money(-amount, currency),
        service_period=work.bill.period,
        facts=facts,
        movements=tuple(movements),
    )


def _amount(facts: Facts) -> Decimal:
    return -sum((Decimal(one["amount"]) for one in facts["drawn"]), ZERO)


def _story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = (
        f"The {facts['credit']} had {telling.money(facts, 'left')} left and paid "
        f"{telling.amount(plain(-_amount(facts)), facts['currency'])} of this bill."
    )
    steps = [Step("Left before", f"in the {facts['credit']}", facts["left"])]
    steps += [Step("Drawn", one["line"], one["amount"]) for one in facts["drawn"]]
    return sentence, steps


def _arithmetic(told: Telling) -> str:
    lines = ", ".join(
        f"{told.money(Decimal(one['amount']))} for {one['line']}" for one in told.facts["drawn"]
    )
    return (
        f"Drawn from {told.fact('left')} left in the {told.facts['credit']}: {lines} "
        f"= {told.subtotal()}"
    )


RECORD: Final = RecordKind("draw-down", _amount, _story, _arithmetic)
KIND: Final = LineKind(
    "draw-downs",
    step,
    (
        LineType.COMMITMENT_CONSUMED,
        LineType.BALANCE_CONSUMED,
        LineType.OVERAGE_SURCHARGE,
        LineType.OVERAGE_USAGE,
    ),
    (RECORD, *overage.RECORDS),
    twice=Twice.NEVER,
    twice_of=(
        (LineType.OVERAGE_SURCHARGE, Twice.AT_ONE_TIME),
        (LineType.OVERAGE_USAGE, Twice.AT_ONE_TIME),
    ),
)
