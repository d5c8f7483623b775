"""The calculation editor in a real browser: names while typing, a check, faults under the place."""

import pytest

from catalog.models import Meter
from notifications.models import NotificationConfiguration
from tests import factories
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOX = "[data-calculation] textarea"


def test_a_derived_field_is_typed_checked_and_saved(visit, founded, tmp_path):  # noqa: F811
    fields = [{"category": "MEASURE", "code": "stored_gb", "name": "G", "unit": "GiBy"}]
    meter = factories.make_meter(founded.organization, name="Storage", data_fields=fields)
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + address(Meter, "change", meter))
    page.click("text=Add derived field")
    row = page.locator("[data-rows=derived_fields] tbody tr").first
    row.get_by_label("Code", exact=True).fill("tb")
    row.get_by_label("Name", exact=True).fill("Terabytes")
    row.get_by_label("Unit", exact=True).fill("TiBy")

    with page.expect_response("**/calculation/"):
        page.click(BOX)
    page.keyboard.type("sto")
    page.wait_for_selector(".bw-offered li")
    offered = page.locator(".bw-offered li").all_inner_texts()
    page.keyboard.press("Enter")
    page.keyboard.type(" / nosuch")
    page.click("text=Check")
    page.wait_for_selector(".bw-fault")
    fault = page.locator(".bw-fault pre").inner_text()
    page.screenshot(path=tmp_path / "fault.png")
    page.fill(BOX, "stored_gb / 1024")
    page.click("text=Check")
    page.get_by_label("Sample of stored_gb").fill("512")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bw-result b:has-text('0.5')")
    page.screenshot(path=tmp_path / "result.png")
    page.click("[name=_save]")
    page.wait_for_selector("text=was changed successfully")

    meter.refresh_from_db()
    assert offered == ["stored_gb"]
    assert fault == "stored_gb / nosuch\n            ^^^^^^"
    assert [(one["code"], one["calculation"]) for one in meter.derived_fields] == [
        ("tb", "stored_gb / 1024")
    ]


def test_the_condition_of_a_rule_is_checked_against_the_fields_of_its_event(
    visit,  # noqa: F811
    founded,  # noqa: F811
):
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + address(NotificationConfiguration, "add"))
    page.fill("[name=name]", "Approved")
    page.fill("[name=description]", "A bill was approved.")
    page.select_option("[name=event_name]", "billing.bill.updated")
    with page.expect_response("**/calculation/"):
        page.click(BOX)
    page.keyboard.type("new.stat")
    page.wait_for_selector(".bw-offered li")
    assert "new.status" in page.locator(".bw-offered li").all_inner_texts()
    page.keyboard.press("Escape")
    page.fill(BOX, "new.nosuch == 1")
    page.get_by_role("button", name="Check", exact=True).click()
    page.wait_for_selector(".bw-fault")
    page.fill(BOX, 'new.status == "APPROVED"')
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_label("Sample of new.status").fill("APPROVED")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bw-result b:has-text('true')")
    page.click("[name=_save]")
    page.wait_for_selector("text=was added successfully")

    made = NotificationConfiguration.objects.get()
    assert (made.event_name, made.calculation) == (
        "billing.bill.updated",
        'new.status == "APPROVED"',
    )
