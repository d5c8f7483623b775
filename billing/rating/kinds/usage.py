"""Usage: rated per account plan, pricing, segment and window (billing.md 3).

One line per window in which a price is in force; each window has its own bands starting at 0 and
nothing about usage is prorated (EFF-2, BND-7).
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Final

from billing.rating import band_rows, bands, compound_records, records, telling
from billing.rating.accounts import Work
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import Band, PricingTerm, PricingType, QuantityRounding, UsageWindow
from billing.rating.kinds.kind import LineKind, RecordKind
from billing.rating.lines import LineType
from billing.rating.quantities import to_units
from billing.rating.subjects import Subject
from billing.rating.telling import Facts, Step, Telling, count, figure
from organizations.kernel.money import ZERO, eighteen_places, plain
from organizations.kernel.wording import counted


def step(work: Work) -> Work:
    """Add the USAGE lines of the bill."""
    lines = []
    for plan in work.plans:
        for pricing in plan.term.pricings:
            if pricing.type is not PricingType.DEBIT:
                continue  # ``credits``: capped by what is charged
            for window in pricing.windows:
                draft = rate_window(plan, pricing, window)
                if draft is not None:
                    lines.append(draft)
    return work.plus(lines)


def rate_window(
    plan: PlanOnBill,
    pricing: PricingTerm,
    window: UsageWindow,
    line_type: LineType = LineType.USAGE,
) -> Draft | None:
    """Rate one quantity; ``None`` for no data (BND-5) and for an empty line (BND-6)."""
    quantity = window.quantity
    if quantity is None:
        return None
    aggregation = pricing.aggregation
    units = to_units(
        quantity, aggregation.quantity_per_unit, aggregation.rounding, name=aggregation.name
    )
    if window.granted:
        units = max(ZERO, units - window.granted)
    steps = bands.ladder(pricing.bands)
    portions = bands.split(
        units,
        steps,
        cumulative=pricing.cumulative,
        spans_plan=pricing.tiers_span_plan,
        before=window.units_before,
    )
    # What is shown and stored has 18 places; what is priced is exact (MON-7).
    shown = units if aggregation.rounding is not QuantityRounding.NONE else eighteen_places(units)
    subtotal = plan.rounded(bands.charge(portions), aggregation.name)
    if not quantity and not subtotal:
        return None
    return Draft(
        line_type=line_type,
        subject=Subject.usage(aggregation, pricing.segment),
        attribution=plan.attribution.priced_by(pricing),
        currency=plan.currency,
        description=_description(pricing),
        subtotal=subtotal,
        service_period=window.period,
        facts=facts(pricing, steps, window, shown),
        quantity=quantity,
        units=shown,
        unit=aggregation.unit,
        portions=tuple(portions),
        pricing=pricing,
        aggregation=aggregation,
        segment=pricing.segment,
        pool=window.pool,
    )


def _description(pricing: PricingTerm) -> str:
    """LIN-5: the Pricing's own words, else the aggregation's name with the segment (SEG-2)."""
    if pricing.description:
        return pricing.description
    name = pricing.aggregation.name
    if not pricing.segment:
        return name
    return f"{name} ({', '.join(value for _, value in pricing.segment)})"


# The record and what is told of it -------------------------------------------------------------


def facts(
    pricing: PricingTerm, steps: tuple[Band, ...], window: UsageWindow, units: Decimal
) -> dict[str, object]:
    """Return the facts of a usage line: price row and version, all bands, how it was measured."""
    quantity = window.quantity
    calculated = window.calculated
    return {
        "kind": RECORD.name,
        **({"compound": compound_records.facts(calculated)} if calculated else {}),
        "pricing": records.pricing_facts(pricing),
        "bands": records.band_facts(steps),
        "aggregation": records.aggregation_facts(pricing.aggregation),
        "quantity": None if quantity is None else plain(quantity),
        "eventCount": window.event_count,
        "unitsBefore": plain(window.units_before) if window.units_before else "0",
        "units": plain(units),
        **({"granted": plain(window.granted)} if window.granted else {}),
    }


def portions_of(facts: Facts) -> list[bands.Portion]:
    """Return the portions of a usage record, calculated again."""
    aggregation = facts["aggregation"]
    units = to_units(
        _quantity_of(facts),
        Decimal(aggregation["quantityPerUnit"]),
        QuantityRounding(aggregation["rounding"]),
        name=aggregation["name"],
    )
    if "granted" in facts:
        units = max(ZERO, units - Decimal(facts["granted"]))
    return bands.split(
        units,
        bands.ladder(records.bands_of(facts)),
        cumulative=facts["pricing"]["cumulative"],
        spans_plan=facts["pricing"]["tiersSpanPlan"],
        before=Decimal(facts["unitsBefore"]),
    )


def _quantity_of(facts: Facts) -> Decimal:
    """Return what was measured; of a compound aggregation, calculated again (usage.md 11)."""
    if "compound" in facts:
        return compound_records.quantity_of(facts["compound"])
    return Decimal(facts["quantity"])


def band_steps(portions: list[bands.Portion]) -> list[Step]:
    """Return a row of the explanation for each band that was reached."""
    return [
        Step(
            f"Band above {plain(row.lower_limit)}",
            row.reckoning(figure, plain),
            figure(row.amount),
        )
        for row in band_rows.of_portions(portions)
    ]


def bands_arithmetic(told: Telling) -> tuple[str, Decimal]:
    """Return the bands of a stored line as one sum in words, and what it comes to exactly."""
    terms: list[str] = []
    exact = ZERO
    for row in band_rows.of_line(told.line.band_usage):
        exact += row.units * row.unit_price + row.fixed
        unit = told.line.unit if not terms else ""
        terms.append(row.reckoning(partial(_units, told, unit), told.money))
    return " + ".join(terms), exact


def _units(told: Telling, unit: str, units: Decimal) -> str:
    return telling.with_unit(told.number(units), unit)


def _amount(facts: Facts) -> Decimal:
    return bands.charge(portions_of(facts))


def _arithmetic(told: Telling) -> str:
    terms, exact = bands_arithmetic(told)
    if "compound" in told.facts:
        origin = f"calculated as {compound_records.words(told.facts['compound'])}"
    else:
        origin = f"from {counted(told.facts['eventCount'], 'measurements')}"
    return f"{terms} = {told.rounded(exact)}, {origin}"


def _origin(facts: Facts) -> list[Step]:
    price = Step(
        "Price", telling.pricing_text(facts["pricing"]), counted(len(facts["bands"]), "bands")
    )
    if "compound" in facts:
        return [price, *compound_records.steps(facts["compound"])]
    return [
        price,
        Step(
            "Measurements",
            telling.aggregation_text(facts["aggregation"]),
            counted(facts["eventCount"], "measurements"),
        ),
    ]


def _story(facts: Facts) -> tuple[str, list[Step]]:
    aggregation = facts["aggregation"]
    units = telling.with_unit(facts["units"], aggregation["unit"])
    portions = portions_of(facts)
    if "compound" in facts:
        source, method = ", calculated", compound_records.words(facts["compound"])
    else:
        source = f" from {count(facts['eventCount'], 'measurement')}"
        method = f"{aggregation['method']} of {aggregation['name']}"
    sentence = (
        f"{units} of {aggregation['name']}{source}, "
        f"priced in {count(len(portions), 'band')}, come to {telling.money(facts)}."
    )
    steps = [
        Step("Quantity", method, facts["quantity"]),
        Step("Units", _units_reckoning(facts), units),
    ]
    if facts["pricing"]["tiersSpanPlan"]:
        steps.append(Step("Rated before", "units since the plan started", facts["unitsBefore"]))
    return sentence, steps + band_steps(portions)


def _units_reckoning(facts: Facts) -> str:
    per_unit = facts["aggregation"]["quantityPerUnit"]
    rounding = _ROUNDING_WORDS[QuantityRounding(facts["aggregation"]["rounding"])]
    free = f", less {facts['granted']} free" if "granted" in facts else ""
    return f"{facts['quantity']} / {per_unit}, {rounding}{free}"


_ROUNDING_WORDS: Final = {
    QuantityRounding.UP: "rounded up",
    QuantityRounding.DOWN: "rounded down",
    QuantityRounding.NEAREST: "rounded to the nearest whole unit",
    QuantityRounding.NONE: "not rounded",
}
RECORD: Final = RecordKind("usage", _amount, _story, _arithmetic, _origin)
KIND: Final = LineKind("usage", step, (LineType.USAGE,), (RECORD,))
