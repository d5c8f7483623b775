"""Rehearsals of families: members share credit as in a run, however accounts are dealt out."""

import pytest

from billing.models import Bill
from billing.rehearsing import rehearsals
from tests.billing.bills import charging
from tests.billing.bills.test_families import USED, Household
from tests.billing.rehearsing.test_rehearsals import rehearse

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("at_once", [1, 1000])
def test_a_prepayment_that_a_family_shares_is_drawn_once_in_a_rehearsal(at_once, monkeypatch):
    monkeypatch.setattr(rehearsals, "CHUNK", at_once)
    household = Household("CHILD")
    household.use(USED)
    charging.commitment(household.accounts["parent"], 800, child_billing_mode="CHILD")

    found = rehearse(household.shop.organization, "2024-06-15")
    household.run()

    rehearsed = {row.account.code: row.after for row in found.accounts.all()}
    billed = {bill.account_code: bill.total for bill in Bill.objects.all()}
    # 1,250 in all, of which 800 are prepaid: see the shares of the worked family.
    assert sum(rehearsed.values()) == 450
    assert rehearsed == billed
