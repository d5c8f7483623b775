"""One-off charges and fees of balances: what was put on a bill (billing.md 11.1).

They are not prorated and count toward no minimum spend (CHG-4). A charge stands on one bill ever
(INV-M); which one was decided when the bills were planned.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from billing.rating import telling
from billing.rating.account_terms import ChargeTerm
from billing.rating.accounts import Work
from billing.rating.drafts import Draft, rounded
from billing.rating.kinds.kind import LineKind, RecordKind, Twice
from billing.rating.lines import LineType
from billing.rating.movements import Movement
from billing.rating.subjects import Attribution, References, Subject, SubjectKind
from billing.rating.telling import Facts, Step, Telling, figure
from organizations.kernel.money import ONE, ZERO, plain

MOVEMENT: Final = "charge"


def step(work: Work) -> Work:
    """Add the AD_HOC and BALANCE_FEE lines of the charges that stand on the bill."""
    return work.plus(
        _draft(work, charge) for charge in work.account.charges if charge.on == work.bill.key
    )


def _draft(work: Work, charge: ChargeTerm) -> Draft:
    subject = Subject(SubjectKind.CHARGE, charge.id)
    attribution = Attribution(
        work.bill.account_id,
        contract_id=charge.contract_id,
        references=References(balance_id=charge.balance_id),
    ).accounted(*charge.accounting_product_ids)
    currency = work.currency(charge.currency)
    facts = _facts(charge)
    return Draft(
        line_type=charge.line_type,
        subject=subject,
        attribution=attribution,
        currency=currency,
        description=charge.description,
        subtotal=rounded(_amount(facts), currency, charge.description, attribution),
        service_period=charge.service_period,
        facts=facts,
        quantity=ONE if charge.units is None else charge.units,
        units=ONE if charge.units is None else charge.units,
        movements=(Movement(MOVEMENT, subject, ZERO),),
    )


def _facts(charge: ChargeTerm) -> dict[str, object]:
    facts: dict[str, object] = {"kind": RECORD.name}
    if charge.amount is not None:
        return facts | {"amount": plain(charge.amount)}
    return facts | {
        "units": plain(charge.units or ZERO),
        "unitPrice": plain(charge.unit_price or ZERO),
    }


def _amount(facts: Facts) -> Decimal:
    if "amount" in facts:
        return Decimal(facts["amount"])
    return Decimal(facts["units"]) * Decimal(facts["unitPrice"])


def _story(facts: Facts) -> tuple[str, list[Step]]:
    if "amount" in facts:
        sentence = f"A charge of {telling.money(facts)}, as it was entered."
        return sentence, [Step("Amount", "as entered", facts["amount"])]
    reckoning = f"{facts['units']} x {facts['unitPrice']}"
    sentence = f"A charge for {facts['units']} units comes to {telling.money(facts)}."
    return sentence, [Step("Units and price", reckoning, figure(_amount(facts)))]


def _arithmetic(told: Telling) -> str:
    if "amount" in told.facts:
        return f"{told.subtotal()}, as entered"
    units, price = Decimal(told.facts["units"]), Decimal(told.facts["unitPrice"])
    return f"{told.number(units)} x {told.money(price)} = {told.rounded(units * price)}"


RECORD: Final = RecordKind("charge", _amount, _story, _arithmetic)
KIND: Final = LineKind(
    "charges", step, (LineType.AD_HOC, LineType.BALANCE_FEE), (RECORD,), twice=Twice.EVER
)
