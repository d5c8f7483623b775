"""Many bills are deleted at once: unlocked ones, with all that one deletion gives back."""

import pytest

from billing.bills import lifecycle
from billing.models import Bill, LineItem
from organizations.kernel import principals
from organizations.models import AuditEntry, Event
from tests.billing.bills import charging, making, runners

pytestmark = pytest.mark.django_db


def test_unlocked_bills_go_with_their_lines_and_locked_ones_stay(monkeypatch):
    monkeypatch.setattr(lifecycle, "BATCH", 2)
    shop = making.Shop()
    accounts = shop.accounts(5)
    prepaid = charging.commitment(accounts[0], 100)
    runners.use(accounts[0], shop.meter, "2024-06-10", 300)
    runners.run(shop.organization, "2024-06-15")
    prepaid.refresh_from_db()
    assert prepaid.amount_spent == 50  # 20 a month, and 300 x 0.10
    kept = Bill.objects.get(account=accounts[1])
    Bill.objects.filter(pk=kept.pk).update(status="APPROVED", is_locked=True)

    done = lifecycle.delete_many(
        Bill.objects.for_organization(shop.organization),
        by=principals.system(shop.organization.pk),
    )

    prepaid.refresh_from_db()
    assert (done, prepaid.amount_spent) == ((4, 1), 0)
    assert list(Bill.objects.all()) == [kept]
    assert set(LineItem.objects.values_list("bill", flat=True)) == {kept.pk}
    assert AuditEntry.objects.filter(action="deleted").count() == 4
    assert Event.objects.filter(name="billing.bill.deleted").count() == 4
