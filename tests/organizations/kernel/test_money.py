"""Rounding modes, conversion and plain text of money, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from organizations.kernel.money import (
    AmountTooLarge,
    ConversionRate,
    Currency,
    MissingConversionRate,
    RoundingMode,
    RoundingNotPermitted,
    average_unit_price,
    convert,
    eighteen_places,
    find_rate,
    plain,
    round_money,
    ten_places,
    working_precision,
)

USD = Currency("USD")


@pytest.mark.parametrize(
    ("mode", "up", "tie", "negative", "negative_tie"),
    [
        ("UP", "2.35", "2.35", "-2.35", "-2.35"),
        ("DOWN", "2.34", "2.34", "-2.34", "-2.34"),
        ("CEILING", "2.35", "2.35", "-2.34", "-2.34"),
        ("FLOOR", "2.34", "2.34", "-2.35", "-2.35"),
        ("HALF_UP", "2.34", "2.35", "-2.34", "-2.35"),
        ("HALF_DOWN", "2.34", "2.34", "-2.34", "-2.34"),
        ("HALF_EVEN", "2.34", "2.34", "-2.34", "-2.34"),
    ],
)
def test_each_rounding_mode_has_its_own_rule(mode, up, tie, negative, negative_tie):
    currency = Currency("USD", 2, RoundingMode(mode))

    rounded = [round_money(Decimal(n), currency) for n in ("2.341", "2.345", "-2.341", "-2.345")]

    assert rounded == [Decimal(up), Decimal(tie), Decimal(negative), Decimal(negative_tie)]


def test_half_even_rounds_a_tie_to_the_even_neighbour_above_too():
    currency = Currency("USD", 2, RoundingMode.HALF_EVEN)

    assert round_money(Decimal("2.355"), currency) == Decimal("2.36")


def test_unnecessary_rounding_passes_what_fits_and_refuses_the_rest():
    currency = Currency("GBX", 2, RoundingMode.UNNECESSARY)

    assert round_money(Decimal("2.340"), currency) == Decimal("2.34")
    with pytest.raises(RoundingNotPermitted) as refusal:
        round_money(Decimal("2.345"), currency)

    assert refusal.value.status_code == 400
    assert "2.345 GBX needs more than 2 decimal places" in refusal.value.message


def test_a_currency_without_settings_has_two_places_and_half_up():
    assert round_money(Decimal("0.125"), Currency("USD")) == Decimal("0.13")


@pytest.mark.parametrize(
    ("places", "expected"),
    [(0, "1"), (1, "1.2"), (2, "1.23"), (3, "1.235"), (4, "1.2346"), (5, "1.23457")],
)
def test_a_currency_keeps_its_own_number_of_places(places, expected):
    assert round_money(Decimal("1.234567"), Currency("X", places)) == Decimal(expected)


def test_an_amount_that_rounds_to_nothing_is_zero_and_never_minus_zero():
    rounded = round_money(Decimal("-0.001"), USD)

    assert rounded == 0
    assert not rounded.is_signed()


def test_a_third_multiplied_back_is_whole_again():
    with working_precision():
        third_times_three = Decimal(1) / 3 * 3

    exact = Currency("X", 2, RoundingMode.UNNECESSARY)
    assert round_money(third_times_three, exact) == Decimal("1.00")
    assert round_money(third_times_three, Currency("X", 2, RoundingMode.DOWN)) == Decimal("1.00")


def test_the_smallest_excess_still_rounds_up():
    up = Currency("X", 2, RoundingMode.UP)

    assert round_money(Decimal("1.000000000000000000000000000000000001"), up) == Decimal("1.01")


@pytest.mark.parametrize("amount", ["1E20", "-1E20", "1E+400"])
def test_an_amount_beyond_twenty_digits_is_refused(amount):
    with pytest.raises(AmountTooLarge):
        round_money(Decimal(amount), USD)


def test_the_largest_storable_amount_is_rounded_exactly():
    assert round_money(Decimal("99999999999999999999.124"), USD) == Decimal(
        "99999999999999999999.12"
    )


def test_conversion_rounds_the_product_in_the_bill_currency():
    assert convert(Decimal("10.01"), Decimal("1.085"), USD) == Decimal("10.86")


RATES = (
    ConversionRate("GBP", "USD", Decimal("1.30")),
    ConversionRate("GBP", "USD", Decimal("1.25")),
    ConversionRate("EUR", "GBP", Decimal("0.85")),
)


def test_the_first_matching_rate_is_used():
    assert find_rate(RATES, "GBP", "USD", account_code="acme") == Decimal("1.30")


def test_the_same_currency_needs_no_rate():
    assert find_rate((), "USD", "USD", account_code="acme") == 1


@pytest.mark.parametrize(
    ("source", "target"), [("USD", "GBP"), ("EUR", "USD"), ("gbp", "USD"), ("usd", "USD")]
)
def test_inverse_chained_and_differently_spelled_rates_are_not_derived(source, target):
    with pytest.raises(MissingConversionRate) as refusal:
        find_rate(RATES, source, target, account_code="acme")

    assert f"from {source} to {target}" in refusal.value.message
    assert "acme" in refusal.value.message


def test_the_average_unit_price_has_ten_places_half_even():
    assert average_unit_price(Decimal(100), Decimal(750)) == Decimal("0.1333333333")
    assert average_unit_price(Decimal("0.00000000025"), Decimal(1)) == Decimal("0.0000000002")


def test_the_average_of_no_units_is_zero():
    assert average_unit_price(Decimal(12), Decimal(0)) == 0


def test_an_average_too_large_to_store_is_shown_as_zero():
    assert average_unit_price(Decimal(100), Decimal("1E-18")) == 0


def test_band_figures_have_ten_places_and_quantities_eighteen():
    assert plain(ten_places(Decimal("0.00000000005"))) == "0"
    assert plain(eighteen_places(Decimal("0.1234567890123456785"))) == "0.123456789012345678"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+3", "1000"),
        ("1E-7", "0.0000001"),
        ("2.500", "2.5"),
        ("100", "100"),
        ("0.00", "0"),
        ("-0.0", "0"),
        ("-0", "0"),
        ("-12.340", "-12.34"),
        ("0E+5", "0"),
        ("99999999999999999999.000000000000000001", "99999999999999999999.000000000000000001"),
    ],
)
def test_plain_text_has_no_exponent_and_no_trailing_zeros(value, text):
    assert plain(Decimal(value)) == text
