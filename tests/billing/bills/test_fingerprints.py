"""A fingerprint covers what money depends on; each source makes it another text."""

from unittest import mock

import pytest
from django.db.models import F

from billing.bills import fingerprints
from billing.models import AccountPlan, Bill
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db

PLANS = "SELECT account_id, id::text || version AS row FROM billing_accountplan"


def test_every_write_of_a_bill_changes_the_fingerprint():
    shop = making.Shop()
    account, idle = shop.accounts(2)
    assert fingerprints.read([account.pk, idle.pk]) == {}
    runners.run(shop.organization, "2024-06-15", account_ids=[str(account.pk)])
    before = fingerprints.read([account.pk, idle.pk])

    Bill.objects.update(version=F("version") + 1)

    after = fingerprints.read([account.pk, idle.pk])
    assert before.keys() == after.keys() == {account.pk}
    assert before[account.pk].has_bills
    assert before != after


def test_a_source_more_is_one_line_more():
    shop = making.Shop()
    account = shop.account()
    with mock.patch.object(fingerprints, "SOURCES", (*fingerprints.SOURCES, PLANS)):
        before = fingerprints.read([account.pk])[account.pk]
        AccountPlan.objects.update(version=F("version") + 1)
        after = fingerprints.read([account.pk])[account.pk]

    assert before.text != after.text
    # The first run of all asks for no charges of other bills.
    assert not before.has_bills
