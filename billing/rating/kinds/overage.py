"""Overage: usage that credits were meant to pay and could not (DRW-7, DRW-8, OVG).

A surcharge is a percentage of it, and the usage stays an ordinary line. Otherwise it becomes a
line of its own, where the commitment asks for that or the price has overage bands: those rate it
by tier position, behind the units that were paid for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from billing.rating import bands, coverage, records, telling
from billing.rating.account_terms import Credit
from billing.rating.accounts import Work
from billing.rating.bands import Portion
from billing.rating.coverage import Claim, Piece
from billing.rating.drafts import Draft, rounded
from billing.rating.inputs import Band, PricingTerm
from billing.rating.kinds import grants
from billing.rating.kinds.kind import RecordKind
from billing.rating.lines import LineType
from billing.rating.subjects import Subject
from billing.rating.telling import Facts, Step, Telling, figure
from organizations.kernel.money import ONE, ZERO, eighteen_places, plain


def step(work: Work, found: list[Claim]) -> Work:
    """Add surcharges, and put overage on lines of its own."""
    drafts = list(work.drafts)
    for claim in found:
        if claim.draft.line_type is not LineType.USAGE:
            continue
        credit, over = _overage(work, claim)
        if credit is None or not over:
            continue
        if credit.surcharge_percent:
            drafts += _surcharge(credit, claim.draft, sum((one.left for one in over), ZERO))
            continue
        priced = _has_overage_bands(claim.draft.pricing)
        if not credit.separates_overage and not priced:
            continue
        position = next(i for i, one in enumerate(drafts) if one is claim.draft)
        drafts[position : position + 1] = _separated(claim, over, priced)
    return work.with_drafts(drafts)


def _overage(work: Work, claim: Claim) -> tuple[Credit | None, list[Piece]]:
    """Return the pieces that a credit was meant to pay, and the credit that decides for them.

    It is the last one asked that has a surcharge, else one that separates overage, else any.
    """
    meant = [
        credit
        for credit in work.account.credits
        if coverage.covers(credit, claim.draft)
        and (credit.surcharge_percent or not grants.is_grant(work, credit))
    ]
    over, deciding = [], []
    for piece in claim.pieces:
        inside = [
            credit
            for credit in meant
            if any(coverage.is_inside(piece, window) for window in credit.windows)
        ]
        if piece.left > 0 and inside:
            over.append(piece)
            deciding += inside
    deciding.sort(key=lambda credit: (not credit.surcharge_percent, not credit.separates_overage))
    best = deciding[:1]
    if best and best[0].surcharge_percent:
        best = [credit for credit in deciding if credit.surcharge_percent][-1:]
    return (best[0] if best else None), over


def _has_overage_bands(pricing: PricingTerm | None) -> bool:
    """OVG-1: only where each unit has its place in the tiers of one period."""
    return (
        pricing is not None
        and bool(pricing.overage_bands)
        and pricing.cumulative
        and not pricing.tiers_span_plan
    )


def _surcharge(credit: Credit, draft: Draft, base: Decimal) -> list[Draft]:
    facts: dict[str, object] = {
        "kind": SURCHARGE.name,
        "usage": draft.description,
        "base": plain(base),
        "percent": plain(credit.surcharge_percent),
    }
    name = credit.surcharge_description
    amount = rounded(_surcharge_amount(facts), draft.currency, name, draft.attribution)
    if not amount:
        return []
    detail = draft.subject.detail
    return [
        Draft(
            line_type=LineType.OVERAGE_SURCHARGE,
            subject=Subject(credit.subject.kind, credit.subject.id, detail),
            attribution=draft.attribution,
            currency=draft.currency,
            description=name,
            subtotal=amount,
            service_period=draft.service_period,
            facts=facts,
        )
    ]


def _separated(claim: Claim, over: list[Piece], priced: bool) -> list[Draft]:
    """Return the usage that stays and the overage, in place of the whole line."""
    draft, pricing = claim.draft, claim.draft.pricing
    left = sum((piece.left for piece in over), ZERO)
    stretches = [_stretch(draft, claim, piece) for piece in over]
    units = sum((end - start for start, end in stretches), ZERO)
    if pricing is None:
        return [draft]
    facts = draft.facts | {"kind": OVER.name, "overage": plain(left)}
    portions: list[Portion] = []
    if priced:
        steps = bands.ladder(pricing.overage_bands)
        facts |= {
            "kind": OVER_BANDS.name,
            "overageBands": records.band_facts(steps),
            "stretches": [[plain(start), plain(end)] for start, end in stretches],
        }
        portions = _in_bands(stretches, steps)
        amount = rounded(
            bands.charge(portions), draft.currency, draft.description, draft.attribution
        )
    else:
        amount = left
        portions = coverage.after(list(draft.portions), draft.units - units)
    share = eighteen_places(draft.quantity * units / draft.units) if draft.units else ZERO
    more = msgspec.structs.replace(
        draft,
        line_type=LineType.OVERAGE_USAGE,
        subtotal=amount,
        quantity=share,
        units=units,
        portions=tuple(portions),
        facts=facts,
    )
    if left == draft.subtotal:
        return [more]
    rest = draft.units - units
    kept = msgspec.structs.replace(
        draft,
        subtotal=draft.subtotal - left,
        quantity=draft.quantity - share,
        units=rest,
        portions=tuple(coverage.first_of(list(draft.portions), rest)),
        facts=draft.facts
        | {"kind": COVERED.name, "whole": plain(draft.subtotal), "overage": plain(left)},
    )
    return [kept, more]


def _stretch(draft: Draft, claim: Claim, piece: Piece) -> tuple[Decimal, Decimal]:
    """Return from which unit to which the piece is overage: behind those that are paid for."""
    pricing, window = draft.pricing, coverage.window_of(draft)
    start = coverage.units_at(draft, piece.period.start)
    ends = piece.period.end
    end = draft.units if ends is None else coverage.units_at(draft, ends)
    if pricing is None or window is None or start is None or end is None:
        share = piece.left / draft.subtotal
        return draft.units - eighteen_places(draft.units * share), draft.units
    if piece.left == draft.subtotal:
        return ZERO, draft.units
    before = sum((one.amount for one in _earlier(claim, piece)), ZERO)
    paid = before + piece.amount - piece.left
    portions = coverage.portions_of(pricing, window, end)
    covered = coverage.units_for(paid, portions, cumulative=pricing.cumulative)
    return min(max(covered, start), end), end


def _earlier(claim: Claim, piece: Piece) -> list[Piece]:
    return [one for one in claim.pieces if one.period.start < piece.period.start]


def _in_bands(stretches: list[tuple[Decimal, Decimal]], steps: tuple[Band, ...]) -> list[Portion]:
    """OVG-5: O(u) - O(U), band by band."""
    return [
        portion
        for start, end in stretches
        for portion in bands.split(
            end - start, steps, cumulative=True, spans_plan=True, before=start
        )
    ]


# The records and what is told of them ----------------------------------------------------------


def _surcharge_amount(facts: Facts) -> Decimal:
    return Decimal(facts["base"]) * Decimal(facts["percent"]) / 100


def _surcharge_story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = (
        f"{telling.money(facts, 'base')} of {facts['usage']} are beyond the credit; "
        f"{facts['percent']}% of that is {telling.money(facts)}."
    )
    reckoning = f"{facts['base']} x {facts['percent']}%"
    return sentence, [Step("Surcharge", reckoning, figure(_surcharge_amount(facts)))]


def _surcharge_arithmetic(told: Telling) -> str:
    exact = _surcharge_amount(told.facts)
    percent = told.number(Decimal(told.facts["percent"]))
    return (
        f"{percent}% of {told.fact('base')} of {told.facts['usage']} beyond the credit "
        f"= {told.rounded(exact)}"
    )


def _covered_amount(facts: Facts) -> Decimal:
    return Decimal(facts["whole"]) - Decimal(facts["overage"])


def _covered_story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = (
        f"Of usage that comes to {telling.money(facts, 'whole')}, "
        f"{telling.money(facts, 'overage')} are beyond the credit and stand on a line of their "
        f"own; {telling.money(facts)} stay."
    )
    reckoning = f"{facts['whole']} - {facts['overage']} beyond the credit"
    return sentence, [Step("Usage", reckoning, figure(_covered_amount(facts)))]


def _covered_arithmetic(told: Telling) -> str:
    return (
        f"{told.fact('whole')} of usage - {told.fact('overage')} beyond the credit "
        f"= {told.subtotal()}"
    )


def _over_amount(facts: Facts) -> Decimal:
    return Decimal(facts["overage"])


def _over_story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = f"{telling.money(facts)} of the usage are beyond the credit, at the usual price."
    return sentence, [Step("Beyond the credit", "what it did not pay", facts["overage"])]


def _over_arithmetic(told: Telling) -> str:
    return f"{told.subtotal()} of the usage are beyond the credit"


def _bands_amount(facts: Facts) -> Decimal:
    return bands.charge(_bands_of(facts))


def _bands_of(facts: Facts) -> list[Portion]:
    steps = records.bands_of({"bands": facts["overageBands"]})
    stretches = [(Decimal(start), Decimal(end)) for start, end in facts["stretches"]]
    return _in_bands(stretches, bands.ladder(steps))


def _bands_story(facts: Facts) -> tuple[str, list[Step]]:
    [*_, (start, end)] = facts["stretches"]
    sentence = (
        f"Units {start} to {end} are beyond the credit; at the prices for overage they come to "
        f"{telling.money(facts)}."
    )
    steps = [
        Step(
            f"Overage band above {plain(band.lower_limit)}",
            f"{figure(units)} x {plain(band.unit_price)}",
            figure(bands.charge([(band, units, fixed)])),
        )
        for band, units, fixed in _bands_of(facts)
    ]
    return sentence, steps


def _bands_arithmetic(told: Telling) -> str:
    parts = [
        f"{told.number(units)} x {told.money(band.unit_price)}"
        for band, units, _ in _bands_of(told.facts)
    ]
    exact = _bands_amount(told.facts)
    return f"Beyond the credit: {' + '.join(parts) or ONE} = {told.rounded(exact)}"


SURCHARGE: Final = RecordKind(
    "surcharge", _surcharge_amount, _surcharge_story, _surcharge_arithmetic
)
COVERED: Final = RecordKind("covered usage", _covered_amount, _covered_story, _covered_arithmetic)
OVER: Final = RecordKind("overage", _over_amount, _over_story, _over_arithmetic)
OVER_BANDS: Final = RecordKind("overage bands", _bands_amount, _bands_story, _bands_arithmetic)
RECORDS: Final = (SURCHARGE, COVERED, OVER, OVER_BANDS)
