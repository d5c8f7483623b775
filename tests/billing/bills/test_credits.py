"""Credits of pricings on a real bill: stored, explained, and the same when calculated again."""

from decimal import Decimal

import pytest

from billing.bills import explain
from billing.models import Bill
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


def test_a_capped_credit_is_explained_with_what_it_was_capped_by():
    shop = making.Shop(standing_charge=Decimal(20))
    logins = factories.make_aggregation(factories.make_meter(shop.organization), name="Logins")
    factories.make_pricing(shop.plan, logins, type="PRODUCT_CREDIT")
    account = shop.account()
    runners.use(account, logins.meter, "2024-06-05", 300)

    runners.run(shop.organization, "2024-06-15")

    # 300 x 0.10 = 30.00 of credit; only the standing charge of 20.00 is charged.
    bill = Bill.objects.get(account=account)
    assert runners.shown(bill) == [
        ("STANDING_CHARGE", Decimal(20)), ("USAGE_CREDIT", Decimal(-20))
    ]  # fmt: skip
    assert bill.total == 0
    line = bill.line_items.get(line_item_type="USAGE_CREDIT")
    told = explain.explain(line)
    assert told.sentence == (
        "300 tokens x -0.10 = -30, but no more than what else is charged for the product "
        "(20 USD) = -20.00 USD."
    )
    assert (told.recomputed.matches, told.current.matches) == (True, True)
    assert [step.label for step in told.steps] == [
        "Price", "Measurements", "Quantity", "Units", "Band above 0", "At most", "Subtotal"
    ]  # fmt: skip
    assert line.plan_id == shop.plan.pk
    assert (line.aggregation_id, line.product_code) == (logins.pk, "storage")
