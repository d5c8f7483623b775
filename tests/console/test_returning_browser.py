"""A browser says where it came from: prices lead back to the plan, on both ways of saving."""

import pytest

from catalog.models import Plan, Pricing
from tests import factories
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_price_opened_from_its_plan_leads_back_to_it(
    visit,  # noqa: F811
    founded,  # noqa: F811
):
    product = factories.make_product(founded.organization)
    aggregation = factories.make_aggregation(
        factories.make_meter(founded.organization, product=product)
    )
    plan = factories.make_plan(factories.make_plan_template(product))
    price = factories.make_pricing(plan, aggregation)
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    plan_page = window.base + address(Plan, "change", plan)

    page.goto(plan_page)
    page.click(f"#prices a[href='{address(Pricing, 'change', price)}']")
    page.fill("[name=description]", "Changed once")
    page.click("[name=_continue]")
    page.wait_for_selector("text=was changed successfully")
    page.fill("[name=description]", "Changed twice")
    page.click("[name=_save]")
    page.wait_for_url(plan_page + "#prices")

    price.refresh_from_db()
    assert (price.description, price.version) == ("Changed twice", 3)
