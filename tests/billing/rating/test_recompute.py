"""A stored record explains itself and notices a change."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from billing.rating.book import Book
from billing.rating.inputs import (
    MinimumSpend,
    QuantityRounding,
    StandingCharge,
    UsageWindow,
)
from billing.rating.pipeline import rate
from billing.rating.recompute import Step, explain_record, recompute
from organizations.kernel.money import ConversionRate
from tests.billing.rating.making import (
    JUNE,
    between,
    make_advance,
    make_aggregation,
    make_bands,
    make_bill,
    make_pricing,
    make_term,
)


def stored(line):
    return json.loads(json.dumps(line.calculation))


def tiered_line():
    pricing = make_pricing(
        bands=make_bands((0, 5, "0.15"), (500, 0, "0.10")),
        cumulative=True,
        aggregation=make_aggregation(quantity_per_unit=Decimal(2), rounding=QuantityRounding.UP),
        windows=(UsageWindow(JUNE, Decimal("1499.5"), event_count=1200),),
    )
    term = make_term(pricings=(pricing,), currency="GBP")
    rates = (ConversionRate("GBP", "USD", Decimal("1.25")),)
    return rate(make_bill(term, conversion_rates=rates)).lines[0]


def test_a_usage_line_is_told_as_a_sentence_and_a_table():
    explanation = explain_record(stored(tiered_line()))

    assert explanation.sentence == (
        "750 req of Requests from 1,200 measurements, priced in 2 bands, come to 105.00 GBP."
    )
    assert explanation.steps == (
        Step("Quantity", "SUM of Requests", "1499.5"),
        Step("Units", "1499.5 / 2, rounded up", "750 req"),
        Step("Band above 0", "500 x 0.15 + 5 fixed", "80"),
        Step("Band above 500", "250 x 0.1", "25"),
        Step("Subtotal", "rounded to 2 decimal places (HALF_UP)", "105.00 GBP"),
        Step(
            "In the bill's currency",
            "105 x 1.25, rounded to 2 decimal places (HALF_UP)",
            "131.25 USD",
        ),
    )


def test_a_partial_standing_charge_shows_its_days():
    term = make_term(period=between("2024-06-11"), standing_charge=StandingCharge(Decimal(20)))
    (line,) = rate(make_bill(term)).lines

    explanation = explain_record(stored(line))

    assert explanation.sentence == (
        "A standing charge of 20.00 USD, billed in arrears for 20 of 30 days, comes to 13.33 USD."
    )
    assert explanation.steps[0] == Step("By days", "20 x (20/30) days", "13.333333333333333333")


def test_a_top_up_shows_what_was_charged_and_what_is_missing():
    term = make_term(pricings=(make_pricing(800),), minimum_spend=MinimumSpend(Decimal(1000)))
    _, line = rate(make_bill(term)).lines

    explanation = explain_record(stored(line))

    assert explanation.sentence == (
        "The minimum spend of 1,000.00 USD for 30 days in full, less charges of 800.00 USD, "
        "leaves 200.00 USD to pay."
    )
    assert explanation.steps[1] == Step("Shortfall", "1000 - 800 charged", "200")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("quantity",), "1501.5"),
        (("bands", 1, "unitPrice"), "0.2"),
        (("bands", 0, "fixedPrice"), "6"),
        (("aggregation", "quantityPerUnit"), "1"),
        (("currency", "maxDecimalPlaces"), 0),
        (("conversionRate",), "1.3"),
        (("pricing", "cumulative"), False),
    ],
)
def test_a_changed_fact_changes_what_is_recomputed(path, value):
    line = tiered_line()
    record = stored(line)
    record["bands"][1]["unitPrice"] = "0.1001"  # 250 x 0.1001 = 25.025 -> 105.03 -> 131.29
    assert recompute(record) == (Decimal("105.03"), Decimal("131.29"))
    unchanged = recompute(record)

    inner = record
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value

    assert recompute(record) != unchanged


def test_a_record_of_an_unknown_kind_is_not_guessed_at():
    record = stored(tiered_line()) | {"kind": "gift"}

    with pytest.raises(KeyError):
        recompute(record)


def test_a_refund_says_what_was_billed_in_advance_and_what_counts_toward_it():
    term = make_term(pricings=(make_pricing("812.5"),))
    book = Book((make_advance(term, JUNE, 1000),))
    _, line = rate(make_bill(term), book).lines

    explanation = explain_record(stored(line))

    assert line.subtotal == Decimal("-812.50")
    assert explanation.sentence == (
        "The minimum spend of 1,000.00 USD was billed in advance; charges of 812.50 USD "
        "count toward it, so the smaller of the two is given back."
    )
