"""What Paddle alone does: what it refuses before any call, products of prices, states."""

import json

import pytest

from integrations.models import ExternalMapping
from organizations.models import Event
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.paddle import FakePaddle
from tests.integrations.fakes.serving import serving

pytestmark = pytest.mark.django_db
KEY = "planted_secret_key_4711"


@pytest.fixture
def paddle(settings):
    fake = FakePaddle(KEY)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"PADDLE": address}
        yield fake


@pytest.fixture
def account(organization):
    found = factories.make_account(organization)
    bills.map_account(found, "Paddle", "Customer", "ctm_1")
    return found


def connect(organization, **more):
    return bills.connect(organization, "PADDLE", {"vendorAuthCode": KEY}, **more)


@pytest.mark.parametrize("currency", ["JPY", "KWD", "CHF"])
def test_currencies_nobody_is_invoiced_in_are_refused_before_any_call(
    paddle, organization, account, currency
):
    run = bills.send(connect(organization), bills.make_bill(account, ["5"], currency=currency))

    assert (run.status, paddle.asked) == ("ERROR", [])
    assert run.error == f"Paddle makes no invoice in {currency}, but in USD, EUR, GBP."
    assert Event.objects.filter(name="integration.validation.error").count() == 1


def test_all_that_is_refused_is_told_at_once(paddle, organization, account):
    bill = bills.make_bill(account, ["5", "-1"], currency="JPY")

    run = bills.send(connect(organization), bill)

    assert paddle.asked == []
    for part in ("no invoice in JPY", "no negative line: Usage 2 (-1)"):
        assert part in run.error


def test_a_product_is_that_of_the_price_it_is_mapped_to(paddle, organization, account):
    product = factories.make_product(organization)
    bill = bills.make_bill(account, ["3", "4"])
    bill.line_items.filter(sequence_number=1).update(product_id=product.pk, product_name="Tokens")
    ExternalMapping.objects.create(
        organization=organization, entity="Product", entity_identity=str(product.pk),
        external_system="Paddle", external_table="Price", external_id="pri_1",
    )  # fmt: skip

    assert bills.send(connect(organization, taxCategory="saas"), bill).status == "COMPLETE"

    items = json.loads(paddle.writes[0].body)["items"]
    assert items[0]["price"]["product_id"] == "pro_1"
    assert items[1]["price"]["product"] == {"name": "Usage 2", "tax_category": "saas"}


def test_a_transaction_stays_a_draft_with_its_terms_and_references(paddle, organization, account):
    bill = bills.make_bill(account, ["3"], purchase_order_number="PO 7",
                           external_invoice_reference="INV-7", due_date="2026-06-15")  # fmt: skip

    assert bills.send(connect(organization), bill).status == "COMPLETE"

    (row,) = paddle.transactions.values()
    assert (row["status"], row["collection_mode"]) == ("draft", "manual")
    assert row["billing_details"] == {
        "enable_checkout": False,
        "payment_terms": {"interval": "day", "frequency": 14},
        "purchase_order_number": "PO 7",
        "additional_information": "Reference INV-7",
    }


def test_a_bill_of_which_nothing_is_left_says_what_to_cancel(paddle, organization, account):
    configuration = connect(organization)
    bill = bills.make_bill(account, ["3"])
    first = bills.send(configuration, bill)
    bills.set_lines(bill, ["0"])
    bill.line_items.update(quantity=0)

    run = bills.send(configuration, bill)

    assert run.status == "ERROR"
    assert f"cancel {first.external_id} in Paddle" in run.error
