"""What is printed can be read and copied: long words, scripts, quantities, segments, minimums."""

import logging
from decimal import Decimal

import pytest

from billing.bills import documents, line_words, sentences
from billing.bills.document import fonts
from tests import factories
from tests.billing.bills.printed_bills import band, make_bill, make_line, pages

pytestmark = pytest.mark.django_db


def text(bill, locale="en") -> str:
    return " ".join(" ".join(pages(documents.pdf(bill, locale))).split())


def test_a_long_purchase_order_is_copied_as_it_is():
    number = "PO-2024-0000-1234567-ABCDEF-99"
    bill = make_bill(factories.make_organization(), purchase_order_number=number)

    said = "\n".join(pages(documents.pdf(bill)))

    assert number in said.replace("\n", "")
    assert not [one for one in said if one in "\u200b\u00ad\u2060\ufeff"]


@pytest.mark.parametrize(
    "name",
    ["株式会社東京計算機", "北京云计算有限公司", "주식회사 서울", "Šárka Müller-Łukasiewicz"],
)
def test_names_of_other_scripts_are_printed_with_letters(name: str):
    bill = make_bill(factories.make_organization(), account_name=name)

    assert fonts.missing(name) == ""
    assert documents.missing_glyphs(bill) == ""
    assert documents.pdf(bill).startswith(b"%PDF")


def test_a_character_without_a_glyph_is_named_in_the_log(caplog):
    # Two letters of Linear A, a script that no font of the program or a usual system has.
    bill = make_bill(factories.make_organization(), account_name="Knossos \U00010600\U00010601")

    with caplog.at_level(logging.WARNING):
        documents.pdf(bill)

    assert documents.missing_glyphs(bill) == "\U00010600\U00010601"
    assert "\U00010600\U00010601" in caplog.text


def test_a_unit_that_begins_with_a_number_is_set_off_by_a_multiplication_sign():
    units = Decimal(141385)
    bill = make_bill(factories.make_organization())
    line = make_line(
        bill,
        units=units,
        unit="10,000 requests",
        band_usage=[band(lower=0, unit_price="0.01", units=units, subtotal="1413.85")],
    )

    assert "141,385 × 10,000 requests" in text(bill)
    assert "141,385 × 10,000" in text(bill)
    assert line_words.with_unit("5", line.unit) == "5 × 10,000 requests"
    assert line_words.with_unit("5", "") == "5"


def test_the_segment_of_all_other_values_has_words():
    bill = make_bill(factories.make_organization())
    line = make_line(
        bill,
        description="Storage (*, hot)",
        segment={"tier": "hot", "storage_region": "*"},
        calculation={},
    )
    line.refresh_from_db()

    assert "Storage (other storage region, hot)" in text(bill)
    assert "Storage (andere: storage region, hot)" in text(bill, "de")
    assert sentences.sentence(line).startswith("Storage (other storage region, hot): ")


@pytest.mark.parametrize(
    ("name", "currency", "places", "total", "shown"),
    [
        ("شركة المثال للتجارة", "KWD", 3, "1250.5", "1,250.500 KWD"),
        ("株式会社東京計算機", "JPY", 0, "19700", "¥19,700"),
        ("Müller & Söhne", "EUR", 2, "1413.85", "€1,413.85"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency_beside_any_name(
    name, currency, places, total, shown
):
    organization = factories.make_organization()
    if currency != "EUR":
        factories.make_currency(organization, code=currency, max_decimal_places=places)
    bill = make_bill(organization, account_name=name, currency=currency, total=Decimal(total))

    assert shown in text(bill).replace("\xa0", " ")


def test_a_copy_is_marked_as_one_and_a_pending_bill_stays_a_draft():
    bill = make_bill(factories.make_organization(), status="APPROVED")

    assert "COPY" not in " ".join(pages(documents.pdf(bill)))
    assert "COPY" in " ".join(pages(documents.pdf(bill, is_copy=True)))
    assert "KOPIE" in " ".join(pages(documents.pdf(bill, "de", is_copy=True)))
    bill.status = "PENDING"
    assert "DRAFT" in " ".join(pages(documents.pdf(bill, is_copy=True)))
