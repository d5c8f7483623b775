"""The systems outside in a real browser: cards, a form of one's own for each, live choices."""

import pytest
from django.urls import reverse

from integrations.models import IntegrationConfiguration
from tests import factories
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)
from tests.integrations import sending_bills as bills


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_system_is_set_up_from_its_card(
    visit,  # noqa: F811
    founded,  # noqa: F811
):
    organization = founded.organization
    account = factories.make_account(organization, code="acme")
    made = bills.connect(organization, "XERO", {"accessToken": "planted"})
    bills.send(made, bills.make_bill(account, ["1"]))  # fails: no mapping
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + reverse("admin:integrations_systemintegration_changelist"))
    assert not window.overflows()
    card = page.locator(".bw-system", has_text="Stripe test mode")
    card.get_by_role("link", name="Set up").click()
    page.wait_for_load_state("networkidle")
    page.fill("[name=name]", "Books")
    page.fill("[name=option_daysUntilDue]", "14")
    page.fill("[name=only_accounts]", "nobody")
    page.click("[name=_save]")
    page.wait_for_load_state("networkidle")

    assert "There is no account with the code nobody." in page.content()
    assert page.input_value("[name=option_daysUntilDue]") == "14"
    page.fill("[name=only_accounts]", "acme")
    page.click("[name=_save]")
    page.wait_for_load_state("networkidle")

    books = IntegrationConfiguration.objects.get(name="Books")
    assert books.config_data["accountIds"] == [str(account.pk)]
    assert not window.outside()
    page.goto(window.base + reverse("admin:integrations_systemintegration_change", args=[made.pk]))
    assert "Latest runs" in page.content()
    assert not window.overflows()
