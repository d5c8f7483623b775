"""The console in a real browser: the way from an empty organization to a locked bill."""

import re
from decimal import Decimal
from io import BytesIO

import pytest
from django.urls import reverse
from pypdf import PdfReader

from billing.models import AccountPlan, Bill, BillJob
from catalog.models import Aggregation, Plan, Pricing
from organizations.kernel import ids
from tests import factories
from tests.console.browsing import Visit, chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.inhabited import inhabit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit(live_server, chromium):  # noqa: F811
    """Return a function that opens a window; scripts must not complain in any of them."""
    opened = []

    def open_window(**options):
        options = {"viewport": {"width": 1400, "height": 900}, **options}
        window = Visit(chromium, live_server.url, **options)
        opened.append(window)
        return window

    yield open_window
    complaints = [each for window in opened for each in window.complaints]
    outside = [each for window in opened for each in window.outside()]
    for window in opened:
        window.context.close()
    assert (complaints, outside) == ([], [])


@pytest.fixture
def founded(transactional_db):
    """An organization with an administrator."""
    return factories.make_founded(admin_password="a-long-secret")


@pytest.fixture
def sold(founded):
    """What is sold by units of tokens: product, meter, aggregation and a plan template."""
    product = factories.make_product(founded.organization, name="Inference", code="inference")
    meter = factories.make_meter(founded.organization, name="Requests", product=product)
    factories.make_aggregation(meter, name="Tokens", code="tokens")
    return factories.make_plan_template(
        product, name="Monthly", code="monthly", standing_charge=Decimal(20)
    )


def choose(page, field, text):
    """Pick from a drop-down that searches while typing."""
    page.click(f".field-{field} .select2-selection")
    page.fill(".select2-search__field", text)
    page.click(f".select2-results__option:has-text('{text}')")


def test_from_a_priced_plan_to_a_locked_bill_and_its_document(visit, founded, sold, eager_tasks):
    factories.make_account(founded.organization, name="Aurora Labs", code="aurora")
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")

    # Make a plan; its code is proposed from its name.
    page.goto(window.base + address(Plan, "add"))
    page.type("[name=name]", "Pro Größe 2")
    assert page.input_value("[name=code]") == "pro-große-2"
    page.select_option("[name=plan_template]", label="Monthly (monthly, USD)")
    page.click("[name=_continue]")
    page.wait_for_selector("text=No price yet")

    # Price it: two bands, tried with the calculator before saving.
    page.click("text=Add price")
    choose(page, "aggregation", "Tokens")
    page.fill("[name=start_date_0]", "2024-01-01")
    page.fill("[data-rows=bands] tbody tr:nth-of-type(1) input >> nth=2", "0.50")
    page.click("text=Add band")
    page.fill("[data-rows=bands] tbody tr:nth-of-type(2) input >> nth=0", "10")
    page.fill("[data-rows=bands] tbody tr:nth-of-type(2) input >> nth=2", "0.40")
    page.fill("#calculator-units", "12.5")
    page.click("button:has-text('Calculate')")
    page.wait_for_selector("text== 6.00")
    page.click("[name=_save]")
    page.wait_for_selector("#prices >> text=above 10: 0.4 a unit")

    # Attach it.
    page.goto(window.base + "/admin/billing/account/")
    page.click("#result_list >> text=Aurora Labs")
    page.click(".bw-toolbar >> text=Attach plan")
    choose(page, "plan", "Pro")
    page.fill("[name=start_date_0]", "2024-06-01")
    page.click("[name=_save]")
    page.wait_for_selector(".bw-label >> text=active")
    assert AccountPlan.objects.get().plan.name == "Pro Größe 2"

    # Run its bill.
    page.click("text=Run bill")
    assert page.input_value("[name=accounts]") == "aurora"
    page.fill("[name=day]", "2024-06-15")
    page.click("button:has-text('Run billing')")
    page.click("#what_will_happen button:has-text('Run billing')")
    page.wait_for_selector("text=Complete: 1 of 1 account done (1 billed)")
    page.click("text=Its bills")
    page.click("#result_list >> text=Aurora Labs")

    # Read how the standing charge came about.
    page.click("text=How was this calculated?")
    page.wait_for_selector(".bw-explained .bw-good")
    explained = page.inner_text(".bw-explained")
    assert explained.count("matches") == 2
    assert "20" in explained

    # Approve, lock, download.
    page.click("button:has-text('Approve')")
    page.wait_for_selector("#bill-state:has-text('approved')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("button:has-text('Lock')")
    page.wait_for_selector("#bill-state:has-text('locked')")
    with page.expect_download() as download:
        page.click("#bill-pdf")
    text = PdfReader(BytesIO(download.value.path().read_bytes())).pages[0].extract_text()

    bill = Bill.objects.get()
    assert (bill.status, bill.is_locked, bill.total) == ("APPROVED", True, 20)
    assert "Aurora Labs" in text
    assert "20.00" in text
    assert page.query_selector("button:has-text('Recalculate')") is None
    assert [str(band["unitPrice"]) for band in Pricing.objects.get().bands] == ["0.5", "0.4"]


def test_two_people_edit_one_plan_and_neither_loses_anything(visit, founded, sold):
    plan = factories.make_plan(sold, name="Pro", code="pro")
    windows = [visit(), visit()]
    for window in windows:
        window.log_in(founded.admin.email, "a-long-secret")
        window.open(address(Plan, "change", plan))
    first, second = (window.page for window in windows)

    first.fill("[name=name]", "Pro of the first")
    first.fill("[name=standing_charge]", "30")
    first.click("[name=_continue]")
    first.wait_for_selector("text=was changed successfully")
    second.fill("[name=name]", "Pro of the second")
    second.fill("[name=minimum_spend]", "5")
    second.click("[name=_save]")
    second.wait_for_selector("#conflict")
    conflict = second.inner_text("#conflict")
    second.click("text=Put my values on top and review")
    second.wait_for_selector("text=Check and save them")
    kept = [second.input_value(f"[name={name}]") for name in ("name", "standing_charge")]
    both = second.inner_text(".field-name")
    second.click("[name=_save]")
    second.wait_for_selector("text=was changed successfully")

    plan.refresh_from_db()
    assert ("Pro of the first" in conflict, "Pro of the second" in conflict) == (True, True)
    assert "Both of you changed the same field" in conflict
    assert "saved: Pro of the first" in both
    assert kept == ["Pro of the second", "30"]
    assert (plan.name, plan.version) == ("Pro of the second", 3)
    assert (plan.standing_charge, plan.minimum_spend) == (30, 5)
    # The refused save is an answer with status 409, which the browser mentions.
    windows[1].complaints[:] = [each for each in windows[1].complaints if "409" not in each]


def test_a_list_narrows_while_one_types_and_the_address_follows(visit, founded):
    for name in ("Vectors", "Images", "Inference"):
        factories.make_product(founded.organization, name=name)
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + "/admin/catalog/product/")

    page.keyboard.press("/")
    page.keyboard.type("im")
    page.wait_for_selector("#result_list:not(:has-text('Vectors'))")

    assert "Images" in page.inner_text("#result_list")
    assert page.url.endswith("?q=im")
    assert page.evaluate("document.activeElement.name") == "q"
    # What belongs to the list has followed: its count, its export, and ticking all of it.
    assert page.inner_text("[data-pages]").strip() == "1 product"
    assert "q=im" in page.get_attribute("[data-export]", "href")
    page.check("#result_list .action-toggle")
    assert page.is_checked("#result_list tbody input.action-select")


def test_the_kind_of_a_price_shows_its_columns(visit, founded, sold):
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + address(Pricing, "add"))

    def columns():
        cells = page.query_selector_all("[data-rows=bands] thead th")
        return [cell.inner_text().rstrip("*") for cell in cells if cell.is_visible()][:-1]

    tiered = columns()
    page.select_option("[name=shape]", "STAIRSTEP")
    stairstep = columns()
    page.select_option("[name=shape]", "CUSTOM_TIERED")
    custom = columns()

    assert tiered == ["Above (units)", "Price a unit"]
    assert stairstep == ["Above (units)", "Fixed price"]
    assert custom == ["Above (units)", "Fixed price", "Price a unit"]


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (800, "dark")])
def test_every_page_fits_the_window_and_follows_the_colour_scheme(visit, founded, width, scheme):
    rows = inhabit(founded)
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    addresses = [reverse("admin:index"), reverse("admin:run_billing")]
    addresses += [address(type(row), "change", row) for row in rows.values()]
    addresses += [address(type(row), "changelist") for row in rows.values()]

    wrong = []
    for each in addresses:
        assert page.goto(window.base + each).status == 200, each
        is_dark = page.evaluate("document.documentElement.classList.contains('dark')")
        if window.overflows() or is_dark != (scheme == "dark"):
            wrong.append(each)

    assert wrong == []


def test_the_dashboard_draws_its_charts(visit, founded):
    inhabit(founded)
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")

    page.wait_for_selector("canvas[aria-label^='Billed']")

    assert (
        page.evaluate("Chart.getChart(document.querySelector('canvas')).data.datasets.length") == 1
    )
    assert re.search(r"bills to approve", page.inner_text("body"))


@pytest.mark.parametrize(
    ("model", "name", "code"),
    [
        (Plan, "Йод 2 Ё", "йод-2-ё"),
        (Plan, "日本 語", "日本-語"),
        (Aggregation, "Йод 2 à la carte", "йод_2_a_la_carte"),
        (Aggregation, "3 Größen", "_3_großen"),
    ],
)
def test_a_code_is_proposed_from_a_name_of_any_script(visit, founded, model, name, code):
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")

    page.goto(window.base + address(model, "add"))
    page.type("[name=name]", name)

    assert page.input_value("[name=code]") == code


def test_the_header_counts_what_runs_and_follows_it(visit, founded):
    job = BillJob.objects.create(
        organization=founded.organization, status="RUNNING", created_by=ids.new_id(),
        latest_date_in_billing_period="2026-10-31", total=4, pending=3, billed=1,
        total_bills=4, pending_bills=3,
    )  # fmt: skip
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + address(Plan, "changelist"))
    page.wait_for_selector(".bw-running.bw-busy")

    page.click(".bw-running summary")
    page.wait_for_selector("text=Running: 1 of 4 accounts done")
    BillJob.objects.filter(pk=job.pk).update(pending=1, pending_bills=1, billed=3)
    page.wait_for_selector("text=Running: 3 of 4 accounts done")
    BillJob.objects.filter(pk=job.pk).update(status="COMPLETE", pending=0, billed=4)
    page.wait_for_selector("text=Nothing runs.")

    assert page.inner_text(".bw-running [data-count]") == ""
    page.keyboard.press("Escape")
    assert not page.is_visible("text=Nothing runs.")
