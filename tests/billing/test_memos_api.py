"""Credits and debits on bills over the API (MEM-1 to MEM-7)."""

from decimal import Decimal

import pytest

from billing.bills import lifecycle
from billing.models import Bill, LineItem
from organizations.kernel import principals
from organizations.models import CreditReason, DebitReason, Event
from tests.billing.bills import making, runners
from tests.catalog.test_catalogue_api import refused

pytestmark = pytest.mark.django_db
AT = runners.instant("2024-09-01")


class Billed:
    """An account with the bill of June: 20.00 of standing charge."""

    def __init__(self, organization) -> None:
        shop = making.Shop.__new__(making.Shop)
        shop.organization = organization
        making.Shop.fill(shop)
        self.shop, self.account = shop, shop.account()
        runners.run(organization, "2024-06-15")
        self.bill = Bill.objects.get(account=self.account)
        self.reason = CreditReason.objects.create(
            organization=organization, name="Goodwill", code="goodwill"
        )
        self.debit_reason = DebitReason.objects.create(
            organization=organization, name="Repair", code="repair"
        )

    def body(self, **fields):
        return {
            "amount": 5.5, "description": "For the outage",
            "productId": str(self.shop.plan.plan_template.product_id), **fields,
        }  # fmt: skip

    def path(self, word="creditlineitems", tail=""):
        return f"bills/{self.bill.pk}/{word}{tail}"

    def refresh(self):
        self.bill.refresh_from_db()
        return self.bill


@pytest.fixture
def billed(api, organization):
    return Billed(organization)


def by(billed):
    return principals.system(billed.bill.organization_id)


def test_a_credit_and_a_debit_count_on_the_bill_at_once(api, billed):
    credit = api.post(billed.path(), billed.body(creditReasonId=str(billed.reason.pk))).json
    debit = api.post(
        billed.path("debitlineitems"), billed.body(amount=2, reasonId=str(billed.debit_reason.pk))
    ).json

    assert (credit["lineItemType"], credit["amount"], credit["version"]) == ("CREDIT_MEMO", 5.5, 1)
    assert credit["creditReasonId"] == str(billed.reason.pk)
    assert debit["debitReasonId"] == str(billed.debit_reason.pk)
    # 20 - 5.50 + 2 = 16.50
    assert billed.refresh().total == Decimal("16.5")
    assert runners.shown(billed.bill) == [
        ("STANDING_CHARGE", 20), ("CREDIT_MEMO", Decimal("-5.5")), ("DEBIT_MEMO", 2)
    ]  # fmt: skip
    assert credit["servicePeriodStartDate"] == "2024-06-01T00:00:00.000Z"
    assert credit["servicePeriodEndDate"] == "2024-07-01T00:00:00.000Z"
    line = api.get(f"bills/{billed.bill.pk}/lineitems/{credit['id']}").json
    assert (line["subtotal"], line["reasonId"]) == (-5.5, str(billed.reason.pk))
    events = Event.objects.filter(name="billing.bill.updated", resource_id=billed.bill.pk)
    assert events.count() == 2


def test_only_what_is_to_be_applied_counts(api, billed):
    memo = api.post(billed.path(), billed.body(amount=50, amountToApplyOnBill=8)).json

    assert (memo["amount"], memo["amountToApplyOnBill"]) == (50, 8)
    assert billed.refresh().total == 12


def test_a_credit_may_take_a_bill_below_zero(api, billed):
    api.post(billed.path(), billed.body(amount=30))

    assert billed.refresh().total == -10


def test_memos_stay_when_the_bill_is_calculated_again_and_stand_last(api, billed):
    memo = api.post(billed.path(), billed.body()).json
    runners.use(billed.account, billed.shop.meter, "2024-06-05", 100)

    runners.run(billed.bill.organization, "2024-06-15")

    assert runners.shown(billed.refresh()) == [
        ("STANDING_CHARGE", 20), ("USAGE", 10), ("CREDIT_MEMO", Decimal("-5.5"))
    ]  # fmt: skip
    assert billed.bill.total == Decimal("24.5")
    line = LineItem.objects.get(pk=memo["id"])
    assert (line.sequence_number, line.version) == (3, 1)


def test_an_approved_bill_is_pending_again_and_a_locked_one_refuses_all(api, billed):
    lifecycle.approve(billed.bill, by=by(billed), at=AT)
    memo = api.post(billed.path(), billed.body()).json
    assert billed.refresh().status == "PENDING"
    lifecycle.lock(lifecycle.approve(billed.bill, by=by(billed), at=AT), by=by(billed), at=AT)
    before = (billed.refresh().total, billed.bill.version)

    answers = [
        api.post(billed.path(), billed.body()),
        api.put(billed.path(tail=f"/{memo['id']}"), billed.body(version=1)),
        api.delete(billed.path(tail=f"/{memo['id']}")),
    ]

    assert [answer.status for answer in answers] == [400] * 3
    assert (billed.refresh().total, billed.bill.version) == before


def test_a_memo_is_read_listed_changed_and_taken_off(api, billed):
    memo = api.post(billed.path(), billed.body()).json
    path = billed.path(tail=f"/{memo['id']}")

    assert api.get(path).json == memo
    assert [one["id"] for one in api.get(billed.path()).json["data"]] == [memo["id"]]
    assert api.get(billed.path("debitlineitems")).json["data"] == []
    assert api.get(billed.path("debitlineitems", f"/{memo['id']}")).status == 404
    changed = api.put(path, billed.body(amount=7, version=1)).json
    assert (changed["amount"], changed["version"], billed.refresh().total) == (7, 2, 13)
    assert api.put(path, billed.body(amount=9, version=1)).status == 409
    assert api.delete(path).json["id"] == memo["id"]
    assert (billed.refresh().total, billed.bill.line_items.count()) == (20, 1)


def test_what_breaks_a_rule_is_refused_by_name_and_changes_nothing(api, billed):
    line = billed.bill.line_items.get()
    CreditReason.objects.create(
        organization=billed.bill.organization, name="Old", code="old", is_archived=True
    )
    old = CreditReason.objects.get(code="old")
    for change, field in [
        ({"amount": 0}, "amount"),
        ({"amount": -3}, "amount"),
        ({"amount": 5, "amountToApplyOnBill": 6}, "amountToApplyOnBill"),
        ({"description": ""}, "description"),
        ({"creditReasonId": str(old.pk)}, "creditReasonId"),
        ({"creditReasonId": str(line.pk)}, "creditReasonId"),
        ({"referencedBillId": str(billed.bill.pk)}, "referencedLineItemId"),
        ({"referencedBillId": str(line.pk), "referencedLineItemId": str(line.pk)},
         "referencedBillId"),
        ({"lineItemType": "USAGE"}, "lineItemType"),
        ({"servicePeriodStartDate": "2024-08-01T00:00:00Z"}, "servicePeriodEndDate"),
    ]:  # fmt: skip
        refused(api.post(billed.path(), billed.body(**change)), field)
    assert (billed.refresh().total, LineItem.objects.count()) == (20, 1)
    refers = {"referencedBillId": str(billed.bill.pk), "referencedLineItemId": str(line.pk)}
    assert api.post(billed.path(), billed.body(**refers)).json["referencedLineItemId"] == str(
        line.pk
    )


def test_a_reason_has_to_exist_before_the_first_memo(api, billed):
    CreditReason.objects.all().delete()

    refused(api.post(billed.path(), billed.body()), "creditReasonId")
    assert LineItem.objects.count() == 1
