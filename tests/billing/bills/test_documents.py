"""The bill as a PDF: what it says, several pages, other languages, hostile text."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from billing.bills import documents
from billing.bills.document import locales
from billing.bills.document.text import printable
from billing.models import Bill, BillStatus, LineItem
from organizations.models import DocumentLanguage, Organization
from tests import factories
from tests.billing.bills.printed_bills import (
    band,
    make_bill,
    make_line,
    pages,
    unsaved_line,
)

pytestmark = pytest.mark.django_db


def text(bill: Bill) -> str:
    """The whole text, line breaks as spaces."""
    return " ".join(" ".join(pages(documents.pdf(bill))).split())


def test_a_bill_names_both_sides_its_dates_and_its_total():
    organization = factories.make_organization()
    organization.name = "Nimbus Compute GmbH"
    organization.address = {"addressLine1": "Torstraße 140", "locality": "Berlin"}
    organization.tax_id = "DE 123 456 789"
    organization.save()
    bill = make_bill(organization, total=Decimal("1125.5"))

    said = text(bill)

    for expected in (
        "NG Nimbus Compute GmbH Invoice",
        "BILL TO Acme Robotics Ltd 1 Foundry Lane S1 2AB Sheffield United Kingdom ap@acme.example",
        "FROM Nimbus Compute GmbH Torstraße 140 Berlin Tax ID: DE 123 456 789",
        "Invoice number INVOICE-101",
        "Bill date 1 July 2024",
        "Due date 31 July 2024",
        "Billing period 1 Jun 2024 – 30 Jun 2024",
        "Account acme",
        "Purchase order PO-4711",
        "$1,125.50",
        "There are no charges for this period.",
        "1 / 1",
    ):
        assert expected in said


def test_a_bill_without_number_address_and_due_date_is_still_a_document():
    bill = make_bill(
        factories.make_organization(),
        id=UUID("01900000-0000-7000-8000-00000000abcd"),
        invoice_reference=None,
        account_address={},
        account_email="",
        due_date=None,
        purchase_order_number=None,
    )

    said = text(bill)

    assert "Invoice number INV-abcd" in said
    assert "Due" not in said
    assert "Purchase order" not in said


def test_lines_stand_below_their_product_with_a_row_for_each_band():
    bill = make_bill(factories.make_organization(), total=Decimal("645.13"))
    make_line(
        bill,
        line_item_type="STANDING_CHARGE",
        description="Standing Charge",
        quantity=1,
        units=1,
        unit="",
        subtotal=Decimal(20),
        converted_subtotal=Decimal(20),
        band_usage=[],
        calculation={"shares": [{"activeDays": 15, "nominalDays": 30}]},
    )
    make_line(bill)
    make_line(
        bill,
        description="Requests",
        product_name="Gateway",
        units=Decimal("12"),
        unit="seats",
        band_usage=[band(lower=10, unit_price=0, units=12, fixed=500, subtotal=500)],
        calculation={"bands": [{"lowerLimit": "0"}, {"lowerLimit": "10"}, {"lowerLimit": "50"}]},
        subtotal=Decimal(500),
        converted_subtotal=Decimal(500),
    )
    make_line(
        bill,
        description="Storage",
        product_name="Gateway",
        units=Decimal("3.25"),
        unit="GB",
        band_usage=[band(lower=0, unit_price="0.041", units="3.25", subtotal="0.13325")],
        subtotal=Decimal("0.13"),
        converted_subtotal=Decimal("0.13"),
    )

    said = text(bill)

    assert (
        "Inference Standing Charge 1 Jun 2024 – 30 Jun 2024 15 of 30 days $20.00 "
        "Input tokens 1 Jun 2024 – 30 Jun 2024 1,500 tokens $125.00 "
        "0 to 1,000 1,000 $0.10 $100.00 Above 1,000 500 $0.05 $25.00 Subtotal $145.00"
    ) in said
    assert (
        "Gateway Requests 1 Jun 2024 – 30 Jun 2024 12 seats $500.00 "
        "10 to 50, fixed price $500.00 12 $500.00 "
        "Storage 1 Jun 2024 – 30 Jun 2024 3.25 GB $0.041 $0.13 Subtotal $500.13 Total $645.13"
    ) in said


def test_a_converted_line_shows_its_own_amount_and_the_rate():
    organization = factories.make_organization()
    factories.make_currency(organization, code="JPY", max_decimal_places=0)
    bill = make_bill(organization, currency="JPY", total=Decimal(19700))
    make_line(
        bill,
        conversion_rate=Decimal("157.6"),
        converted_subtotal=Decimal(19700),
        product_name=None,
    )

    said = text(bill)

    assert (
        "Other Input tokens 1 Jun 2024 – 30 Jun 2024 $125.00 at 157.6 1,500 tokens ¥19,700" in said
    )
    assert "Subtotal ¥19,700 Total ¥19,700" in said


def test_a_service_period_that_ends_within_a_day_is_given_by_the_minute():
    bill = make_bill(factories.make_organization(), timezone="Europe/Berlin")
    # 22:00 UTC is midnight in Berlin in summer; 10:30 UTC is 12:30.
    make_line(
        bill,
        service_period_start=datetime(2024, 5, 31, 22, tzinfo=UTC),
        service_period_end=datetime(2024, 6, 15, 10, 30, tzinfo=UTC),
    )

    said = text(bill)

    assert "1 Jun 2024 00:00 – 15 Jun 2024 12:30" in said
    assert "Times are in Europe/Berlin." in said


def test_a_pending_bill_is_marked_as_a_draft_and_an_approved_one_is_not():
    bill = make_bill(factories.make_organization())

    assert "DRAFT" in text(bill)

    bill.status = BillStatus.APPROVED

    assert "DRAFT" not in text(bill)


def test_five_hundred_lines_run_over_pages_with_headings_on_each():
    bill = make_bill(factories.make_organization(), total=Decimal(62500))
    LineItem.objects.bulk_create(
        [unsaved_line(bill, number, description=f"Line {number}.") for number in range(1, 501)]
    )

    written = pages(documents.pdf(bill))

    assert len(written) > 10
    for number, page in enumerate(written, start=1):
        assert "DESCRIPTION UNITS UNIT PRICE AMOUNT" in " ".join(page.split())
        assert "Inference" in page
        assert f"{number} / {len(written)}" in page
    everything = " ".join(written)
    assert [everything.count(f"Line {number}.") for number in range(1, 501)] == [1] * 500
    assert "$62,500.00" in written[-1]


@pytest.mark.parametrize(
    "name",
    [
        "#sys.inputs.data",
        '#import "/etc/passwd"',
        "#[*bold* _it_ $x^2$]",
        "a \\ b \\u{1f600}",
        "\"quoted\" and 'single' -- and --- ...",
        "<label> @reference `raw` ~tilde~",
        "// comment /* block */",
        "= Heading",
        "- list + enum / term: x",
        '{"json": [1, 2]}',
        "</script><b>html</b> &amp;",
        "office affluent fluffy",
        "Škoda Łódź Ångström İstanbul Ελλάδα Москва",
    ],
)
def test_text_of_the_data_appears_as_it_is(name: str):
    organization = factories.make_organization()
    Organization.objects.filter(pk=organization.pk).update(name=name)
    bill = make_bill(organization, account_name=name)
    make_line(bill, description=name, product_name=name)

    said = text(bill)

    # Supplier (twice: letterhead and address, and once in the footer), customer, product, line.
    assert said.count(name) == 6


def test_text_that_no_font_has_and_control_characters_do_not_stop_a_document():
    name = "日本語 😀 a\u202eb\x07c\nd\te"
    bill = make_bill(factories.make_organization(), account_name=name)

    said = text(bill)

    # An override of the writing direction would turn amounts around, so it is shown instead.
    assert "a\ufffdb\ufffdc d e" in said


def test_the_longest_values_stay_inside_their_columns():
    number = Decimal("12345678901234567890.123456789012345678")
    bill = make_bill(
        factories.make_organization(),
        account_name="n" * 200,
        account_code="c" * 80,
        currency="C" * 80,
        total=number,
    )
    make_line(
        bill,
        description="d" * 2000,
        product_name="p" * 200,
        units=number,
        unit="u" * 50,
        currency="C" * 80,
        converted_subtotal=number,
        band_usage=[band(lower=0, unit_price=number, units=number, subtotal=number)],
    )

    written = documents.pdf(bill)

    said = "".join("".join(pages(written)).split())
    # Total (above and below the lines), unit price, amount, subtotal; units at a readable length.
    assert said.count("12,345,678,901,234,567,890.123456789012345678") == 5
    assert "≈12,345,678,901,234,567,890.12" in said
    for once in ("n" * 200, "p" * 200, "u" * 50, "d" * 2000):
        assert once in said


def test_a_bill_calculated_within_a_second_has_a_document():
    moment = datetime(2024, 7, 1, 0, 0, 7, 123456, tzinfo=UTC)
    bill = make_bill(factories.make_organization(), latest_calculated_at=moment)

    assert "INVOICE-101" in text(bill)


def test_the_total_is_never_alone_on_its_page():
    organization = factories.make_organization()
    for count in range(6, 16):
        bill = make_bill(organization, invoice_reference=f"INVOICE-{count}")
        LineItem.objects.bulk_create(
            [unsaved_line(bill, number, description=f"Line {number}.") for number in range(count)]
        )

        last_page = pages(documents.pdf(bill))[-1]

        assert f"Line {count - 1}." in last_page
        assert last_page.index("Line") < last_page.index("Subtotal") < last_page.rindex("Total")


def test_the_same_bill_gives_the_same_bytes():
    bill = make_bill(factories.make_organization())
    make_line(bill)

    assert documents.pdf(bill) == documents.pdf(Bill.objects.get(pk=bill.pk))


@pytest.mark.parametrize(
    ("tag", "amount", "refund", "day", "days"),
    [
        ("en", "$1,234.50", "−5 CREDITS", "1 July 2024", "1 Jul 2024 – 31 Jul 2024"),
        ("en-US", "$1,234.50", "−5 CREDITS", "July 1, 2024", "Jul 1, 2024 – Jul 31, 2024"),
        ("de-AT", "1.234,50 $", "−5 CREDITS", "1. Juli 2024", "1. Juli 2024 – 31. Juli 2024"),
        ("fr", "1 234,50 $", "−5 CREDITS", "1 juillet 2024", "1 juil. 2024 – 31 juil. 2024"),
        ("es_MX", "1.234,50 $", "−5 CREDITS", "1 de julio de 2024", "1 jul 2024 – 31 jul 2024"),
        ("xx", "$1,234.50", "−5 CREDITS", "1 July 2024", "1 Jul 2024 – 31 Jul 2024"),
    ],
)
def test_amounts_and_days_are_written_as_the_language_does(
    tag: str, amount: str, refund: str, day: str, days: str
):
    locale = locales.find(tag)

    assert (
        locale.money(Decimal("1234.5"), "USD", 2).replace("\xa0", " ").replace("\u202f", " ")
        == amount
    )
    assert locale.money(Decimal(-5), "CREDITS", 0).replace("\xa0", " ") == refund
    assert locale.day(date(2024, 7, 1)) == day
    assert locale.days(date(2024, 7, 1), date(2024, 7, 31)) == days


def test_what_is_copied_from_the_document_is_what_was_stored():
    number = "PO-2024-000000012345678901"
    bill = make_bill(factories.make_organization(), purchase_order_number=number)

    said = "".join(pages(documents.pdf(bill)))

    assert printable("a" * 50) == "a" * 50
    assert number in said
    assert "\u200b" not in said and "\u00ad" not in said


def test_figures_of_usage_are_readable_and_said_in_words():
    bill = make_bill(factories.make_organization())
    make_line(bill, description="Stored", units=Decimal("968952.328767123287671233"),
              unit="GB months", line_key="1")  # fmt: skip
    make_line(bill, description="Calls", units=Decimal(141385), unit="10,000 requests",
              line_key="2")  # fmt: skip
    make_line(bill, description="Traffic (*)", segment={"region": "*"}, line_key="3")
    make_line(bill, description="Minimum", line_item_type="MINIMUM_SPEND_REFUND", line_key="4")

    said = text(bill)

    assert "≈ 968,952.33 GB months" in said.replace("\xa0", " ")
    assert "141,385 × 10,000 requests" in said
    assert "Traffic (other region)" in said and "(*)" not in said
    assert "Given back of a minimum charged in advance" in said


@pytest.mark.parametrize(
    ("of_account", "of_organization", "asked", "title"),
    [
        ("", "en", "", "Invoice"), ("", "de", "", "Rechnung"), ("fr", "de", "", "Facture"),
        ("fr", "de", "es", "Factura"),
    ],
)  # fmt: skip
def test_a_bill_is_written_in_the_language_of_its_account(
    of_account: str, of_organization: str, asked: str, title: str
):
    bill = make_bill(factories.make_organization())
    Organization.objects.filter(pk=bill.organization_id).update(document_language=of_organization)
    bill.account.document_language = of_account
    bill.account.save()

    assert title in "".join(pages(documents.pdf(bill, asked)))


def test_the_languages_to_choose_are_those_that_are_written():
    assert tuple(DocumentLanguage.values) == locales.TAGS
