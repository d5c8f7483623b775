"""Credits and debits on the page of a bill, and bills that another draw has made stale."""

from django.urls import reverse

from billing.models import Bill
from organizations.models import CreditReason
from tests import factories
from tests.console.clients import address
from tests.console.inhabited import make_bill


def test_a_credit_is_added_on_the_page_of_a_bill_and_taken_off_again(console, founded):
    bill = make_bill(factories.make_account(founded.organization))
    before = bill.total
    reason = CreditReason.objects.create(
        organization=founded.organization, name="Goodwill", code="goodwill"
    )
    form = reverse("admin:bill_memo", args=[bill.pk, "credit"])
    page = address(Bill, "change", bill)

    assert form in console.client.get(page).content.decode()
    assert "Goodwill" in console.client.get(form).content.decode()
    answer = console.client.post(
        form, {"amount": "5", "description": "For the outage", "reason": str(reason.pk)}
    )
    assert answer.status_code == 302
    bill.refresh_from_db()
    line = bill.line_items.get(line_item_type="CREDIT_MEMO")
    assert (line.subtotal, line.reason_id, bill.total) == (-5, reason.pk, _sum(bill))
    assert "For the outage" in console.client.get(page).content.decode()

    console.client.post(page, {"do": "remove_memo", "line": str(line.pk)})

    bill.refresh_from_db()
    assert not bill.line_items.filter(line_item_type="CREDIT_MEMO").exists()
    assert bill.total == _sum(bill)
    assert before is not None


def test_what_a_rule_refuses_is_told_at_the_form_and_a_locked_bill_has_no_button(console, founded):
    bill = make_bill(factories.make_account(founded.organization))
    form = reverse("admin:bill_memo", args=[bill.pk, "debit"])

    answer = console.client.post(form, {"amount": "5", "description": "More"})
    assert "at least one such reason" in answer.content.decode()
    assert not bill.line_items.filter(line_item_type="DEBIT_MEMO").exists()

    Bill.objects.filter(pk=bill.pk).update(status="APPROVED", is_locked=True)
    assert form not in console.client.get(address(Bill, "change", bill)).content.decode()
    assert console.client.get(form).status_code == 403


def test_a_bill_that_another_draw_made_stale_says_so_and_offers_to_calculate_again(
    console, founded
):
    bill = make_bill(factories.make_account(founded.organization))
    page = address(Bill, "change", bill)
    assert "bill-marked" not in console.client.get(page).content.decode()

    Bill.objects.filter(pk=bill.pk).update(needs_recalculation=True)

    text = console.client.get(page).content.decode()
    assert "bill-marked" in text and "Recalculate them together" in text
    answer = console.client.post(page, {"do": "recalculate_marked"})
    assert answer.status_code == 302


def _sum(bill):
    return sum(line.converted_subtotal for line in bill.line_items.all())
