"""The page of a meter in a real browser: samples by tab, the copy button, what arrived."""

import os

import pytest

from catalog.models import Meter, Product
from organizations.kernel import clock
from tests import factories
from tests.billing.usage.stored import accept, item
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)
from tests.console.test_sending_samples import FIELDS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def picture(page, name):
    """Keep a picture where one is asked for."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_samples_are_chosen_and_copied_and_what_arrived_is_shown(visit, founded):  # noqa: F811
    product = factories.make_product(founded.organization, name="Inference")
    meter = factories.make_meter(
        founded.organization, product=product, name="Storage", code="storage", data_fields=FIELDS
    )
    factories.make_account(founded.organization, code="acme")
    at = clock.now()
    fields = {"cost": {"paid": 2}, "where": {"region": "eu"}}
    accept(founded.organization, item(ts=at.isoformat(), uid="came", **fields), at=at)
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + address(Meter, "change", meter))
    page.wait_for_selector("#arrived >> text=came")
    shown = page.locator(".bw-snippet:visible h3").all_inner_texts()
    page.locator("[role=tab]", has_text="JSON").focus()
    page.keyboard.press("ArrowRight")
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.click("[aria-label='Copy cURL']")
    page.wait_for_function("window.copied !== undefined")
    copied = page.evaluate("window.copied")
    picture(page, "meter-sending")
    page.click("text=By account and time")
    page.fill("[name=account]", "acme")
    page.click("form >> text=Show")
    page.wait_for_selector("text=came")
    picture(page, "meter-arrived")
    page.goto(window.base + address(Product, "change", product))
    page.click("[role=tab] >> text=Meters (1)")
    first = page.locator("[data-tab]:visible").all_inner_texts()
    page.click("[role=tab] >> text=Plans (0)")
    picture(page, "product-tabs")
    second = page.locator("[data-tab]:visible").all_inner_texts()

    assert shown == ["JSON"]
    assert copied.startswith("TOKEN=") and "storage" in copied
    assert len(first) == len(second) == 1
    assert "Storage" in first[0] and "None yet." in second[0]
