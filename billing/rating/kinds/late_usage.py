"""Late usage: what arrived for a period whose bill was locked, charged on a later bill.

The amount was worked out when the usage was found, as the difference that it makes to the locked
bill; the line keeps its original service period. It counts toward no minimum spend of the bill it
stands on, and stands on one bill ever.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from billing.rating import telling
from billing.rating.account_terms import LateTerm
from billing.rating.accounts import Work
from billing.rating.drafts import Draft, rounded
from billing.rating.kinds.kind import LineKind, RecordKind, Twice
from billing.rating.lines import LineType
from billing.rating.movements import Movement
from billing.rating.subjects import Attribution, References, Subject, SubjectKind
from billing.rating.telling import Facts, Step, Telling
from organizations.kernel.money import ONE, ZERO, plain

MOVEMENT: Final = "lateUsage"


def step(work: Work) -> Work:
    """Add the lines of accepted late usage that stands on the bill."""
    return work.plus(_draft(work, late) for late in work.account.late if late.on == work.bill.key)


def _draft(work: Work, late: LateTerm) -> Draft:
    subject = Subject(SubjectKind.LATE, late.id)
    attribution = Attribution(
        work.bill.account_id,
        contract_id=late.contract_id,
        product=late.product,
        references=References(
            referenced_bill_id=late.bill_id, referenced_line_item_id=late.line_item_id
        ),
    ).accounted(late.accounting_product_id)
    currency = work.currency(late.currency)
    description = f"Late usage: {late.description}"
    facts: dict[str, object] = {
        "kind": RECORD.name,
        "usage": plain(late.amount - late.minimum),
        "minimumSpend": plain(late.minimum),
        "units": plain(late.units),
        "lockedBillEnds": late.ended,
    }
    return Draft(
        line_type=LineType.AD_HOC,
        subject=subject,
        attribution=attribution,
        currency=currency,
        description=description,
        subtotal=rounded(_amount(facts), currency, description, attribution),
        service_period=late.service_period,
        facts=facts,
        quantity=late.quantity or ONE,
        units=late.units or ONE,
        unit=late.unit,
        movements=(Movement(MOVEMENT, subject, ZERO),),
    )


def _amount(facts: Facts) -> Decimal:
    return Decimal(facts["usage"]) + Decimal(facts["minimumSpend"])


def _story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = (
        f"Usage of {facts['units']} units arrived after the bill that ended on "
        f"{facts['lockedBillEnds']} was locked. With it that bill would have come to "
        f"{telling.money(facts)} more."
    )
    steps = [Step("Usage", "with all usage, less what the locked bill holds", facts["usage"])]
    if Decimal(facts["minimumSpend"]):
        steps.append(Step("Minimum spend", "what it would change by", facts["minimumSpend"]))
    return sentence, steps


def _arithmetic(told: Telling) -> str:
    return (
        f"{told.number(Decimal(told.facts['units']))} units more than on the bill that ended on "
        f"{told.facts['lockedBillEnds']} = {told.subtotal()}"
    )


RECORD: Final = RecordKind("lateUsage", _amount, _story, _arithmetic)
# Its type is that of one-off charges, whose rule holds for it: on one bill ever.
KIND: Final = LineKind("late usage", step, (), (RECORD,), twice=Twice.EVER)
