"""The page of a rehearsal: what a run would change, and running it for real."""

from decimal import Decimal

import pytest
from django.urls import reverse

from billing.models import Bill, BillJob, Rehearsal
from billing.rehearsing import rehearsals
from tests.billing.rehearsing.test_rehearsals import Place

pytestmark = pytest.mark.django_db


def test_a_rehearsal_is_started_beside_run_billing_and_shows_money_first(console, founded):
    place = Place(founded.organization)
    place.account("small", june=100)
    place.account("large", june=900)
    asked = {"day": "2024-06-15", "confirmed": "yes", "rehearse": "yes"}

    started = console.client.post(reverse("admin:run_billing"), asked)
    found = Rehearsal.objects.get()
    rehearsals.work_off(found.pk)
    page = console.client.get(started.url).content.decode()

    assert page.index(">large<") < page.index(">small<")
    assert "90.00" in page and "100.00" in page  # the account, and the sum of both
    assert "day=2024-06-15" in page
    assert (Bill.objects.count(), BillJob.objects.count()) == (0, 0)
    after = {row.account.code: row.after for row in found.accounts.all()}
    assert after == {"large": Decimal(90), "small": Decimal(10)}
    lines = b"".join(console.client.get(reverse("admin:rehearsal_csv", args=[found.pk])))
    assert lines.decode("utf-8-sig").splitlines()[1] == "large,large,NEW,,USD,0,90,90,PLAN,,"
