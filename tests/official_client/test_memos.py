"""Credits and debits on bills over the official client."""

import pytest

from billing.models import Bill
from tests.billing.bills import making, runners
from tests.factories import number
from tests.official_client import driving

pytestmark = pytest.mark.django_db


def billed(organization):
    """The bill of June with its one line, and the product."""
    shop = making.Shop.__new__(making.Shop)
    shop.organization = organization
    shop.fill()
    account = shop.account()
    runners.run(organization, "2024-06-15")
    line = Bill.objects.get(account=account).line_items.get()
    return str(line.bill_id), str(line.pk), str(shop.plan.plan_template.product_id)


@pytest.mark.parametrize(
    ("name", "kind", "sign"),
    [("credit_line_items", "credit", -1), ("debit_line_items", "debit", 1)],
)
def test_a_memo_is_made_read_changed_listed_and_taken_off(client, founded, name, kind, sign):
    reasons = getattr(client, f"{kind}_reasons")
    reason = reasons.create(name="Goodwill", code=f"goodwill_{number()}")
    bill, line, product = driving.committed(lambda: billed(founded.organization))
    memos = getattr(client.bills, name)
    body = {
        "product_id": product, "accounting_product_id": product, "description": "Outage",
        "amount": 5.5, "referenced_bill_id": bill, "referenced_line_item_id": line,
        "service_period_start_date": "2024-06-01T00:00:00Z",
        "service_period_end_date": "2024-07-01T00:00:00Z", f"{kind}_reason_id": reason.id,
    }  # fmt: skip

    made = memos.create(bill, **body)
    assert (made.amount, made.referenced_line_item_id) == (5.5, line)
    assert memos.retrieve(made.id, bill_id=bill).description == "Outage"
    changed = memos.update(made.id, bill_id=bill, version=made.version, **body | {"amount": 7})
    assert (changed.amount, changed.version) == (7, 2)
    assert [one.id for one in memos.list(bill)] == [made.id]
    assert client.bills.retrieve(bill).bill_total == 20 + 7 * sign
    assert memos.delete(made.id, bill_id=bill).id == made.id
    assert client.bills.retrieve(bill).bill_total == 20
