"""Families on bills: shares of what was rated as one block, and children's lines merged (PAR-4).

A parent's plan is rated once for the whole family. Its usage then stands on the parent's bill as
one line, as a line for each account, or as each child's share on the child's own bill. Everything
else of the plan (standing charge, minimum spend, counters, credits) stays whole on the parent's
bill (PAR-6).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

from billing.rating import families, telling
from billing.rating.accounts import Work
from billing.rating.drafts import Draft
from billing.rating.inputs import ChildBilling, FamilyRole
from billing.rating.kinds.kind import LineKind, RecordKind
from billing.rating.lines import MEASURED, LineType
from billing.rating.records import currency_of
from billing.rating.telling import Facts, Step, Telling
from organizations.kernel.money import ZERO, plain, round_money

_Roles = dict[tuple[UUID | None, UUID | None], FamilyRole]
# Usage before anything has paid for it: what a child is billed its share of.
_SHARED: Final = frozenset({LineType.USAGE})


def share(work: Work) -> Work:
    """Leave of usage that the children are billed for the part of the bill's own account."""
    roles = _roles(work)
    if not any(role.mode is ChildBilling.CHILD for role in roles.values()):
        return work
    kept: list[Draft] = []
    for draft in work.drafts:
        role = _role(draft, roles)
        if role is None or role.is_of_child or role.mode is not ChildBilling.CHILD:
            kept.append(draft)
        elif draft.line_type not in _SHARED or draft.pool is None:
            kept += [] if role.share_of else [draft]
        elif own := families.only(draft, draft.pool, work.bill.account_id):
            kept.append(own)
    return work.with_drafts(kept)


def tell_apart(work: Work) -> Work:
    """Tell a block apart by account, and merge what is to be one line for all children."""
    roles = _roles(work)
    if not roles:
        return work
    kept: list[Draft] = []
    to_merge: list[Draft] = []
    for draft in work.drafts:
        role = _role(draft, roles)
        if role is None or draft.line_type not in MEASURED:
            kept.append(draft)
        elif role.is_of_child and role.mode is ChildBilling.SUMMARY and not _spans_plan(draft):
            to_merge.append(draft)
        elif draft.pool is not None and role.mode is ChildBilling.BREAKDOWN:
            kept += families.split(draft, draft.pool, work.bill.account_id, is_shown=True)
        else:
            kept.append(draft)
    codes = {plan.term.account_id: plan.term.account_code for plan in work.plans}
    return work.with_drafts([*kept, *families.merged(to_merge, work.bill.account_id, codes)])


def _roles(work: Work) -> _Roles:
    return {
        (plan.term.id, plan.term.plan_id): plan.term.family
        for plan in work.plans
        if plan.term.family is not None
    }


def _role(draft: Draft, roles: _Roles) -> FamilyRole | None:
    return roles.get((draft.attribution.account_plan_id, draft.attribution.plan_id))


def _spans_plan(draft: Draft) -> bool:
    """Whether the units count for later bills of the one account plan (TSP-2)."""
    return draft.pricing is not None and draft.pricing.tiers_span_plan


# The records and what is told of them ----------------------------------------------------------


def _share_amount(facts: Facts) -> Decimal:
    currency = currency_of(facts["currency"])
    whole = round_money(_record(facts["block"]).amount(_block(facts)), currency)
    exact = whole * Decimal(facts["own"]) / Decimal(facts["all"])
    return round_money(exact, currency) + Decimal(facts["remainder"])


def _record(facts: Facts) -> RecordKind:
    from billing.rating import kinds  # which lists this kind too

    return kinds.record(facts["kind"])


def _block(facts: Facts) -> Facts:
    """Return the record of the block as that of a line of its own."""
    given = {key: facts[key] for key in ("currency", "billCurrency", "conversionRate")}
    return {**facts["block"], **given, "subtotal": facts["blockSubtotal"]}


def _share_story(facts: Facts) -> tuple[str, list[Step]]:
    block = _block(facts)
    sentence, steps = _record(facts["block"]).story(block)
    own = (
        f"Of this, account {facts['account']} used {facts['own']} of {facts['all']}: "
        f"{telling.money(facts)}."
    )
    steps.append(Step("Whole family", "charged as one block", telling.money(block)))
    steps.append(
        Step("Share", f"{facts['own']} of {facts['all']}, rounded", facts["subtotal"])
        if not Decimal(facts["remainder"])
        else Step(
            "Share",
            f"{facts['own']} of {facts['all']}, rounded, and {facts['remainder']} that rounding "
            "left over",
            facts["subtotal"],
        )
    )
    return f"{sentence} {own}", steps


def _share_origin(facts: Facts) -> list[Step]:
    return list(_record(facts["block"]).origin(_block(facts)))


def _share_arithmetic(told: Telling) -> str:
    facts = told.facts
    own, whole = told.number(Decimal(facts["own"])), told.number(Decimal(facts["all"]))
    return f"{own} of {whole}, for which the family owes {told.fact('blockSubtotal')} = " + (
        told.subtotal()
    )


def _sum_amount(facts: Facts) -> Decimal:
    return sum((Decimal(part["amount"]) for part in facts["parts"]), ZERO)


def _sum_story(facts: Facts) -> tuple[str, list[Step]]:
    parts = facts["parts"]
    sentence = (
        f"The same charge of {telling.count(len(parts), 'account')} of the family comes to "
        f"{telling.money(facts)}."
    )
    return sentence, [
        Step(f"Account {part['account']}", f"{part['quantity']} used", part["amount"])
        for part in parts
    ]


def _sum_arithmetic(told: Telling) -> str:
    count = telling.count(len(told.facts["parts"]), "account")
    return f"{count}, each charged by itself: {plain(_sum_amount(told.facts))} = {told.subtotal()}"


SHARE: Final = RecordKind(
    families.SHARE, _share_amount, _share_story, _share_arithmetic, _share_origin
)
SUM: Final = RecordKind(families.SUM, _sum_amount, _sum_story, _sum_arithmetic)
SHARES: Final = LineKind("shares on children's bills", share, (), ())
KIND: Final = LineKind("families", tell_apart, (), (SHARE, SUM))
