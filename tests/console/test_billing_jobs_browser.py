"""The acceptance jobs of billing in a real browser, on the first of a month (C15.5, C15.6)."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from billing.models import Account, Bill, BillConfig, StatementDefinition
from catalog.models import Plan
from config import environment
from organizations.models import AuditEntry, OrganizationConfig
from tests import factories
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.test_browser import choose, founded, visit  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW_YEAR = datetime(2027, 1, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def first_of_january(time_machine, settings: Any, tmp_path: Path):
    """December is over since midnight; files are in a folder of the test's own."""
    time_machine.move_to(NEW_YEAR)
    settings.STORAGES = {**settings.STORAGES, "files": environment.file_storage("", tmp_path)}


@pytest.fixture
def offered(founded):  # noqa: F811
    """A plan of 20 a month without a price, what it measures, and an account."""
    product = factories.make_product(founded.organization, name="Inference", code="inference")
    meter = factories.make_meter(
        founded.organization, name="Requests", code="requests", product=product
    )
    factories.make_aggregation(meter, name="Tokens", code="tokens")
    template = factories.make_plan_template(product, standing_charge=Decimal(20))
    factories.make_plan(template, name="Pro")
    factories.make_account(founded.organization, name="Aurora Labs", code="aurora")
    daily = StatementDefinition.objects.create(
        organization=founded.organization, name="By day", aggregation_frequency="DAY"
    )
    OrganizationConfig.objects.update(default_statement_definition_id=daily.pk)
    return meter


def run_december(page, window) -> None:
    page.goto(window.base + reverse("admin:run_billing"))
    assert page.input_value("[name=day]") == "2026-12-31"
    page.click("button:has-text('Run billing')")
    page.click("#what_will_happen button:has-text('Run billing')")
    page.wait_for_selector("text=Complete: 1 of 1 account done (1 billed)")


def open_bill(page, window) -> None:
    page.goto(window.base + reverse("admin:billing_bill_changelist"))
    page.click("#result_list >> text=Aurora Labs")


def test_from_a_price_in_the_editor_to_a_statement(
    visit,  # noqa: F811
    founded,  # noqa: F811
    offered,
    eager_tasks,
    tmp_path,
):
    """C15.5."""
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    # Price the plan in the editor.
    page.goto(window.base + reverse("admin:pricing_editor"))
    page.locator(".bw-price-cell").nth(4).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] [aria-label='Price a unit, row 1']")
    page.fill("[aria-label='Above (units), row 1']", "0")
    page.fill("[aria-label='Price a unit, row 1']", "0.10")
    page.fill("dialog input[type=date] >> nth=0", "2026-12-01")
    page.click("dialog >> text=Save")
    page.wait_for_selector("dialog:not([open])", state="attached")
    # Attach it.
    page.goto(window.base + "/admin/billing/account/")
    page.click("#result_list >> text=Aurora Labs")
    page.click(".bw-toolbar >> text=Attach plan")
    choose(page, "plan", "Pro")
    page.fill("[name=start_date_0]", "2026-12-01")
    page.click("[name=_save]")
    page.wait_for_selector(".bw-label >> text=active")
    # Upload usage.
    table = tmp_path / "usage.csv"
    code = offered.data_fields[0]["code"]
    table.write_text(
        f"uid,meter,account,ts,ets,measure.{code}\nu1,requests,aurora,2026-12-10,,150\n"
    )
    page.goto(window.base + reverse("admin:usage_csv"))
    page.select_option("[name=meter]", str(offered.pk))
    page.set_input_files("[name=file]", table)
    page.click("#plain_form button:text-is('Upload')")
    page.wait_for_selector("text=Stored: 1 measurement.")
    # Bill it, calculate it again, approve, lock.
    run_december(page, window)
    open_bill(page, window)
    assert "35.00" in page.inner_text("main, body")  # 20, and 150 x 0.10
    page.click("button:has-text('Recalculate')")
    page.wait_for_selector("text=Recalculation has started")
    open_bill(page, window)
    page.click("button:has-text('Approve')")
    page.wait_for_selector("#bill-state:has-text('approved')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("button:has-text('Lock')")
    page.wait_for_selector("#bill-state:has-text('locked')")
    # Download the statement.
    page.click("button:has-text('Write statement')")
    page.wait_for_selector("text=The statement is being written.")
    open_bill(page, window)
    with page.expect_download() as download:
        page.click("a:has-text('JSON')")
    statement = json.loads(download.value.path().read_text())

    bill = Bill.objects.get()
    assert (bill.total, bill.is_locked, bill.version > 1) == (35, True, True)
    assert "150" in json.dumps(statement)
    seen = set(AuditEntry.objects.filter(entity_id=bill.pk).values_list("action", flat=True))
    assert "updated" in seen


def test_a_lock_date_waits_for_pending_bills_and_frees_them_when_it_is_moved_back(
    visit,  # noqa: F811
    founded,  # noqa: F811
    offered,
    eager_tasks,
):
    """C15.6."""
    plan = factories.make_account_plan(
        Account.objects.get(),
        Plan.objects.get(),
        start_date=datetime(2026, 12, 1, tzinfo=UTC),
    )
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    run_december(page, window)

    def lock_until(day: str) -> None:
        page.goto(window.base + reverse("admin:billing_billconfig_changelist"))
        page.fill("[name=bill_lock_date]", day)
        page.click("[name=_save]")
        page.wait_for_load_state("networkidle")

    lock_until("2026-12-31")
    refused = page.inner_text("body")
    open_bill(page, window)
    page.click("button:has-text('Approve')")
    page.wait_for_selector("#bill-state:has-text('approved')")
    lock_until("2026-12-31")
    closed = Bill.objects.get(account=plan.account)
    open_bill(page, window)
    page.wait_for_selector("#bill-state:has-text('locked')")
    lock_until("2026-11-30")
    open_bill(page, window)
    page.wait_for_selector("#bill-state:has-text('approved')")

    assert "pending" in refused
    assert closed.is_locked
    assert not Bill.objects.get().is_locked
    assert BillConfig.objects.get().bill_lock_date == date(2026, 11, 30)
