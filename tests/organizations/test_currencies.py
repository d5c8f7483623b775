"""A currency has the decimals of the standard; a code in other letters is asked about (MON-3)."""

import pytest

from organizations.kernel import iso4217
from organizations.models import Currency

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "places"),
    [("JPY", 0), ("KWD", 3), ("CLF", 4), ("HUF", 2), ("EUR", 2), ("CREDITS", 2), ("jpy", 2)],
)
def test_the_decimals_are_those_of_the_standard(code, places):
    assert iso4217.decimals(code) == places
    assert Currency(code=code, name="x").max_decimal_places == places


@pytest.mark.parametrize(
    ("code", "meant"), [("eur", "EUR"), ("Jpy", "JPY"), ("EUR", None), ("credits", None)]
)
def test_a_code_in_other_letters_is_known(code, meant):
    assert iso4217.meant_by(code) == meant


def test_yen_made_by_its_code_alone_has_no_decimals_and_keeps_what_is_said(api):
    made = api.post("picklists/currency", {"name": "Yen", "code": "JPY"}).json
    fine = api.post(
        "picklists/currency", {"name": "Dinar", "code": "KWD", "maxDecimalPlaces": 5}
    ).json
    put = api.put(
        f"picklists/currency/{made['id']}", {"name": "Japanese yen", "code": "JPY", "version": 1}
    ).json

    assert (made["maxDecimalPlaces"], fine["maxDecimalPlaces"]) == (0, 5)
    assert (put["maxDecimalPlaces"], put["name"]) == (0, "Japanese yen")
