"""Bands are shown in one way, with the fixed prices that were really charged."""

from __future__ import annotations

from decimal import Decimal

from billing.rating import band_rows, bands
from billing.rating.pipeline import rate
from organizations.kernel.money import plain, working_precision
from tests.billing.rating.making import make_bands, make_bill, make_pricing, make_term


def stored(line):
    """The bands of a line as its row has them."""
    return [
        {
            "lowerLimit": band.lower_limit,
            "unitPrice": band.unit_price,
            "bandUnits": band.band_units,
            "unitSubtotal": band.unit_subtotal,
            "bandSubtotal": band.band_subtotal,
        }
        for band in line.band_usage
    ]


def test_stored_bands_read_as_those_of_the_calculation():
    pricing = make_pricing(
        1500, bands=make_bands((0, 7, "0.1"), (1000, 5, 0), (2000, 0, 1)), cumulative=True
    )
    (line,) = rate(make_bill(make_term(pricings=(pricing,)))).lines

    rows = band_rows.of_line(stored(line), line.calculation)

    # 1,000 x 0.1 + 7 = 107; 500 x 0 + 5 = 5.
    assert [row.reckoning(plain, plain) for row in rows] == [
        "1000 x 0.1 + 7 fixed",
        "500 x 0 + 5 fixed",
    ]
    assert [(row.upper_limit, row.amount) for row in rows] == [(1000, 107), (2000, 5)]
    assert [row.has_unit_price for row in rows] == [True, False]


def test_a_fixed_price_that_was_not_charged_is_not_shown():
    # QTY-6: a correction bears no fixed price.
    pricing = make_pricing(-10, bands=make_bands((0, 7, "0.1")))
    (line,) = rate(make_bill(make_term(pricings=(pricing,)))).lines

    [row] = band_rows.of_line(stored(line))

    assert line.band_usage[0].fixed_price == 7
    assert (row.fixed, row.amount) == (0, -1)
    assert row.reckoning(plain, plain) == "-10 x 0.1"


def test_a_fixed_price_taken_back_is_subtracted():
    steps = bands.ladder(make_bands((0, 0, 1), (100, 20, 1)))
    with working_precision():
        # TSP-2: 110 units were rated before, 90 are left.
        portions = bands.split(
            Decimal(-20), steps, cumulative=True, spans_plan=True, before=Decimal(110)
        )
        rows = band_rows.of_portions(portions)

    assert [row.reckoning(plain, plain, times="×") for row in rows] == [
        "-10 × 1",
        "-10 × 1 - 20 fixed",
    ]
