"""A kind of line is one module: rated, stored, explained, recomputed, printed, refused twice."""

import io
from decimal import Decimal

import pypdf
import pytest

from billing.bills import documents, explain, lifecycle
from billing.models import Bill, BillJobAccount, LineItem
from billing.rating import kinds
from billing.rating.recompute import recompute
from organizations.kernel import principals
from tests.billing.bills import making, runners, toy_kind

pytestmark = pytest.mark.django_db


@pytest.fixture
def purses():
    """The toy kind is known, and nobody has money yet."""
    purses = toy_kind.Purses()
    with toy_kind.sold(purses):
        yield purses


def bill_of_june(shop, account) -> Bill:
    runners.run(shop.organization, "2024-06-15")
    return Bill.objects.get(account=account, boundary_date="2024-07-01")


def test_a_new_kind_of_line_is_rated_stored_and_moves_what_it_moves(purses):
    shop = making.Shop()
    account = shop.account()
    purses.money[account.pk] = Decimal(2)

    bill = bill_of_june(shop, account)

    # The voucher costs 3.00 and 2.00 are left.
    assert runners.shown(bill) == [("STANDING_CHARGE", Decimal(20)), ("AD_HOC", Decimal(2))]
    assert bill.total == 22
    line = bill.line_items.get(line_item_type="AD_HOC")
    assert (line.charge_id, line.account_plan_id, line.product_id) == (
        toy_kind.VOUCHER.id, None, None
    )  # fmt: skip
    assert line.line_key.split("|")[5] == f"charge:{toy_kind.VOUCHER.id.hex}"
    assert purses.taken == {bill.pk: [(line.pk, Decimal(2))]}


def test_a_new_kind_of_line_is_explained_recomputed_and_printed(purses):
    shop = making.Shop()
    account = shop.account()
    purses.money[account.pk] = Decimal(2)
    line = bill_of_june(shop, account).line_items.get(line_item_type="AD_HOC")

    told = explain.explain(line)

    assert told.sentence == "A voucher for 3.00, 2.00 left = 2.00 USD."
    assert [(step.label, step.reckoning, step.result) for step in told.steps] == [
        ("Voucher", "the smaller of 3 and 2 left", "2"),
        ("Subtotal", "rounded to 2 decimal places (HALF_UP)", "2.00 USD"),
    ]
    assert (told.recomputed.matches, told.current.matches) == (True, True)
    assert recompute(line.calculation) == (2, 2)
    page = pypdf.PdfReader(io.BytesIO(documents.pdf(line.bill))).pages[0].extract_text()
    assert "Gift voucher" in page


def test_a_recalculation_keeps_the_line_and_gives_back_what_it_took_before(purses):
    shop = making.Shop()
    account = shop.account()
    purses.money[account.pk] = Decimal(2)
    before = bill_of_june(shop, account).line_items.get(line_item_type="AD_HOC")
    purses.money[account.pk] = Decimal(10)

    bill = bill_of_june(shop, account)

    line = bill.line_items.get(line_item_type="AD_HOC")
    assert (line.pk, line.subtotal) == (before.pk, 3)
    assert purses.taken == {bill.pk: [(line.pk, Decimal(3))]}


def test_a_line_that_is_due_no_more_moves_nothing_and_a_deleted_bill_gives_everything_back(purses):
    shop = making.Shop()
    one, other = shop.account(), shop.account()
    purses.money[one.pk] = Decimal(2)
    bill_of_june(shop, one)
    purses.money.clear()

    bill = bill_of_june(shop, one)

    assert runners.shown(bill) == [("STANDING_CHARGE", Decimal(20))]
    assert purses.taken == {}
    purses.money[other.pk] = Decimal(9)
    bill = bill_of_june(shop, other)
    assert purses.taken[bill.pk]
    lifecycle.delete(bill, by=principals.system(shop.organization.pk))
    assert purses.taken == {}


def test_a_charge_that_another_bill_carries_is_refused_whenever_it_was(purses):
    shop = making.Shop()
    account = shop.account()
    purses.money[account.pk] = Decimal(10)
    bill_of_june(shop, account)

    job = runners.run(shop.organization, "2024-08-15")

    row = BillJobAccount.objects.get(bill_job=job, account=account)
    assert "Gift voucher" in row.reason
    assert "already billed" in row.reason
    assert LineItem.objects.filter(line_item_type="AD_HOC").count() == 1


def test_a_record_and_a_type_of_line_belong_to_one_kind_each():
    records: dict[str, object] = {}
    for kind in kinds.KINDS:
        for record in kind.records:
            assert records.setdefault(record.name, record) is record
    types = [line_type for kind in kinds.KINDS for line_type in kind.line_types]
    assert len(set(types)) == len(types)
