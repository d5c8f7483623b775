"""The pricing editor in a real browser, by keyboard: open, paste, be refused, save, go on."""

import os
from decimal import Decimal

import pytest
from django.urls import reverse

from catalog.models import Pricing
from tests import factories
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)
from tests.console.test_pricing_editor import of_template

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASTE = """text => {
  const data = new DataTransfer(); data.setData("text", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
}"""  # noqa: E501


def picture(page, name):
    """Keep a picture where one is asked for."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_a_price_is_pasted_refused_mended_and_saved_by_keyboard(visit, founded):  # noqa: F811
    product = factories.make_product(founded.organization, name="Inference")
    plan = factories.make_plan(factories.make_plan_template(product), name="Pro")
    meter = factories.make_meter(founded.organization, product=product)
    factories.make_aggregation(meter, name="Images")
    tokens = factories.make_aggregation(meter, name="Tokens")
    of_template(factories.make_pricing(plan, tokens))
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + reverse("admin:pricing_editor"))
    page.locator(".bw-price-cell").nth(4).focus()  # below the charges
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    reached = page.evaluate("document.activeElement.textContent")
    picture(page, "grid-light")

    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] [aria-label='Above (units), row 1']")
    page.locator("[aria-label='Above (units), row 1']").focus()
    page.evaluate(PASTE, "0\t0.50\n100\t0.40\n1000\tx\n")
    page.fill("dialog input[type=date] >> nth=0", "2026-12-01")
    page.click("dialog >> text=Save")
    page.wait_for_selector("dialog .bw-errors p")
    refused = page.inner_text("dialog .bw-errors")
    kept = page.input_value("[aria-label='Price a unit, row 3']")
    at_fault = page.locator("dialog .bw-at-fault").count()
    page.fill("[aria-label='Price a unit, row 3']", "0.30")
    page.wait_for_selector("dialog .bw-price-curve svg")
    page.wait_for_selector("text=2,000 units")
    picture(page, "cell-light")
    told = page.inner_text("dialog .bw-price-curve")
    page.click("dialog >> text=Save")
    page.wait_for_selector("text=3 bands")
    page.wait_for_function("document.activeElement.textContent.includes('3 bands')")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.evaluate("document.documentElement.classList.add('dark')")
    page.set_viewport_size({"width": 800, "height": 900})
    page.wait_for_selector("text=2,000 units")
    picture(page, "cell-dark")
    is_wide = window.overflows()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")
    picture(page, "grid-dark")
    page.goto(window.base + reverse("admin:catalogue_as_code"))
    page.fill("[name=text]", "format: 1\nproducts:\n- {code: other, name: Other}\n")
    page.click("text=Show what would change")
    page.wait_for_selector("text=Apply these changes")
    picture(page, "catalogue")

    row = Pricing.objects.get(plan=plan)
    assert "from the template" in reached
    assert "Row 3: Price a unit must be a number" in refused
    assert (kept, at_fault) == ("x", 1)
    assert [band["unitPrice"] for band in row.bands] == [
        Decimal("0.50"), Decimal("0.40"), Decimal("0.30"),
    ]  # fmt: skip
    # 100 x 0.50, then 900 x 0.40 more, then 1,000 x 0.30 more.
    assert "50.00" in told and "410.00" in told and "710.00" in told
    assert not is_wide


def test_a_charge_is_typed_and_a_price_is_deleted_after_asking(visit, founded):  # noqa: F811
    product = factories.make_product(founded.organization, name="Inference")
    plan = factories.make_plan(factories.make_plan_template(product), name="Pro")
    meter = factories.make_meter(founded.organization, product=product)
    factories.make_pricing(plan, factories.make_aggregation(meter, name="Tokens"))
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + reverse("admin:pricing_editor"))
    cells = page.locator(".bw-price-cell")

    cells.nth(3).focus()  # the plan's minimum spend
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] input")
    page.keyboard.type("much")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog .bw-errors p")
    refused = page.inner_text("dialog .bw-errors")
    picture(page, "charge-light")
    page.fill("dialog input", "75")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=75.00 USD")
    asked = []
    page.once("dialog", lambda one: (asked.append(one.message), one.accept()))
    cells.nth(5).click()
    page.click("dialog >> text=Delete this price")
    page.wait_for_selector(".bw-price-remove")
    picture(page, "grid-rows")

    plan.refresh_from_db()
    assert "Minimum spend" in refused
    assert plan.minimum_spend == 75
    assert asked[0].startswith("Delete the price from 20")
    assert not Pricing.objects.exists()
