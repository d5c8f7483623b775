"""The acceptance job of failed usage in a real browser (C15.7)."""

import os

import pytest

from billing.models import IngestFailure
from catalog.models import Meter
from organizations.kernel import clock
from organizations.models import AuditEntry
from tests.billing.usage.stored import accept, item, stored
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def picture(page, name):
    """Keep a picture where one is asked for."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_a_failure_is_mended_by_adding_its_meter_sent_again_and_another_marked(
    visit,  # noqa: F811
    founded,  # noqa: F811
):
    organization, at = founded.organization, clock.now()
    fields = {"measure": {"hours": 2}, "who": {"user": "ada"}, "ts": at.isoformat()}
    accept(organization, item(uid="one", meter="gpu", **fields), at=at)
    accept(organization, item(uid="two", meter="never", **fields), at=at)
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")

    page.goto(window.base + address(IngestFailure, "changelist"))
    open_at_first = page.locator("#result_list tbody tr").count()
    page.click("#result_list tr:has-text('gpu') a")
    page.wait_for_selector("text=Make this meter")
    back = page.url
    picture(page, "failure")
    page.click("text=Make this meter")
    named = page.input_value("[name=code]")
    units = page.locator("[data-rows=data_fields] tbody tr")
    for number in range(units.count()):
        row = units.nth(number)
        if row.locator("[aria-label=Category]").input_value() == "MEASURE":
            row.locator("[aria-label=Unit]").fill("h")
    page.click("[name=_save]")
    page.wait_for_selector("text=was added successfully")
    page.goto(back)
    page.click("text=Send again")
    page.wait_for_selector("text=Stored: 1 measurement.")
    picture(page, "failure-sent-again")
    page.goto(window.base + address(IngestFailure, "changelist"))
    still_open = page.inner_text("#result_list")
    page.check("#result_list tbody input.action-select")
    page.select_option("[name=action]", "mark_actioned")
    page.click("button[name=index]")
    page.wait_for_selector("text=They leave the list of open failures")
    page.click("button:has-text('Mark as actioned')")
    page.wait_for_selector("text=Marked as actioned: 1 failure.")
    none_left = page.locator("#result_list tbody tr").count()
    page.goto(window.base + address(IngestFailure, "changelist") + "?state=done")
    done = page.inner_text("#result_list")

    meter = Meter.objects.get(organization=organization)
    assert (open_at_first, named, none_left) == (2, "gpu", 0)
    assert "never" in still_open and "gpu" not in still_open
    assert "gpu" in done and "never" in done
    assert {(one["category"], one["code"]) for one in meter.data_fields} == {
        ("MEASURE", "hours"), ("WHO", "user"),
    }  # fmt: skip
    assert stored(organization) == ["one"]
    assert not IngestFailure.objects.filter(actioned_at=None).exists()
    assert AuditEntry.objects.filter(
        organization=organization, entity_id=meter.pk, action="created"
    ).exists()
