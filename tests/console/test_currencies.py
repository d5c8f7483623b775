"""Currencies in the console: decimals by the code, and a question about letters (MON-3)."""

from organizations.models import Currency
from tests.console.clients import errors_of

FIELDS = {"name": "Yen", "max_decimal_places": "", "rounding_mode": "HALF_UP"}


def test_decimals_left_empty_are_those_of_the_code(console):
    answer = console.post(Currency, "add", **FIELDS, code="JPY")

    assert answer.status_code == 302
    assert Currency.objects.get(code="JPY").max_decimal_places == 0


def test_a_code_that_differs_in_letters_only_is_asked_about_before_it_is_saved(console):
    asked = console.post(Currency, "add", **FIELDS, code="jpy")

    assert "jpy is not the currency JPY" in str(errors_of(asked))
    assert "Keep the code as I typed it" in asked.content.decode()
    assert not Currency.objects.filter(code="jpy").exists()

    console.post(Currency, "add", **FIELDS, code="jpy", keep_code="on")
    assert Currency.objects.get(code="jpy").max_decimal_places == 2
