"""CSV from the console: whole lists, texts as they are, and the line items of bills."""

import csv
import io
import itertools

from django.urls import reverse

from billing.models import Account, Bill, LineItem
from catalog.models import Product
from organizations.kernel.console import exporting
from tests import factories
from tests.console.clients import Console, address
from tests.console.inhabited import inhabit
from tests.console.test_every_page import somebody


def table(answer):
    """Return the rows of a CSV answer by their titles."""
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_list_longer_than_ten_thousand_rows_is_whole(console, founded):
    organization = founded.organization
    Product.objects.bulk_create(
        Product(organization=organization, name=f"Product {number}", code=f"p{number}")
        for number in range(10_003)
    )

    answer = console.get(Product, export="csv")

    assert answer.streaming
    first, second = itertools.islice(answer.streaming_content, 2)
    rest = b"".join(answer.streaming_content)
    assert (first.count(b"\r\n"), second.count(b"\r\n")) == (1, exporting.BATCH)
    assert second.count(b"\r\n") + rest.count(b"\r\n") == 10_003


def test_a_text_is_written_as_it_is(console, founded):
    names = ["AT&T <EMEA> Ltd", "a < b > c & d", "&amp;", "  two  spaces", "Größe „1“"]
    for number, name in enumerate(names):
        factories.make_account(founded.organization, name=name, code=f"a{number}")

    rows = table(console.get(Account, export="csv"))

    assert {row["Name"] for row in rows} == set(names)


def test_the_text_of_a_piece_of_a_page_is_written_without_its_tags(console, founded):
    product = factories.make_product(founded.organization, name="Storage", code="x<&>y")

    (row,) = table(console.get(Product, export="csv"))

    assert row["Code"] == product.code


def test_line_items_of_chosen_bills_are_a_row_each(console, founded):
    rows = inhabit(founded)
    bill = rows[Bill]
    line = LineItem.objects.get(bill=bill)
    LineItem.objects.filter(pk=line.pk).update(description="=AT&T <EMEA> Ltd")

    chosen = console.client.post(
        address(Bill, "changelist"), {"action": "download_lines", "_selected_action": [bill.pk]}
    )
    of_page = console.client.get(reverse("admin:bill_lines", args=[bill.pk]))

    (row,), (same,) = table(chosen), table(of_page)
    assert row == same
    assert (row["Line item id"], row["Bill id"]) == (str(line.pk), str(bill.pk))
    assert row["Description"] == "'=AT&T <EMEA> Ltd"
    assert row["Service period start date"].startswith("20")
    page = console.client.get(address(Bill, "change", bill.pk)).content.decode()
    assert f'href="{reverse("admin:bill_lines", args=[bill.pk])}"' in page


def test_lines_one_may_not_read_are_in_no_file(founded):
    rows = inhabit(founded)
    reader, _ = somebody(founded, [
        {"effect": "allow", "action": ["*:retrieve"], "resource": ["*"]},
        {"effect": "deny", "action": ["*:retrieve"], "resource": ["billing:billLineItem"]},
    ])  # fmt: skip

    answer = reader.client.get(reverse("admin:bill_lines", args=[rows[Bill].pk]))

    assert isinstance(reader, Console)
    assert table(answer) == []
