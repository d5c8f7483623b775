"""A change of the billing day in a real browser: asked, shown, saved."""

from datetime import date

import pytest
from django.urls import reverse

from billing.models import AccountPlan, Bill
from tests import factories
from tests.billing.bills import making, runners
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_new_billing_day_is_asked_with_the_partial_bill_and_saved_when_told(
    visit,  # noqa: F811
    founded,  # noqa: F811
):
    shop = making.Shop.__new__(making.Shop)
    shop.organization = founded.organization
    shop.fill()
    account = factories.make_account(shop.organization, code="acme", name="Acme")
    plan = factories.make_account_plan(account, shop.plan, start_date=runners.instant("2024-06-01"))
    runners.run(shop.organization, "2024-06-15")
    Bill.objects.update(status="APPROVED", is_locked=True)
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + reverse("admin:billing_accountplan_change", args=[plan.pk]))

    page.fill("[name=bill_epoch]", "2024-07-15")
    page.click("[name=_save]")
    page.wait_for_selector("#date_change")

    # 20 x 14/30 for 1 to 14 July.
    cells = page.inner_text("#moved")
    assert "2024-07-01 – 2024-07-14" in cells and "14 days" in cells and "9.33 USD" in cells
    assert AccountPlan.objects.get().bill_epoch is None
    assert not window.overflows()
    assert str(plan.pk) not in page.inner_text("body")

    page.click("text=Save the change")
    page.wait_for_load_state("networkidle")
    assert AccountPlan.objects.get().bill_epoch == date(2024, 7, 15)
    assert window.complaints == []
