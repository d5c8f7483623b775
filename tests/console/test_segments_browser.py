"""Segments and fields of a meter in a real browser: chosen and typed in rows, by keyboard too."""

import pytest

from catalog.models import Aggregation, Pricing
from tests import factories
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)
from tests.console.test_segments import FIELDS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def meter(founded):  # noqa: F811
    """A meter with two fields that can segment."""
    product = factories.make_product(founded.organization, name="Inference")
    return factories.make_meter(
        founded.organization, product=product, name="Requests", data_fields=FIELDS
    )


def test_an_aggregation_is_segmented_by_rows_of_values(visit, founded, meter):  # noqa: F811
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + address(Aggregation, "add"))
    before = page.inner_text(".field-target_field select")
    page.fill("[name=name]", "Tokens")
    page.fill("[name=unit]", "token")
    page.select_option("[name=meter]", str(meter.pk))
    page.wait_for_selector(".field-target_field option[value=tokens]", state="attached")
    offered = page.locator(".field-target_field option").all_inner_texts()
    page.select_option(".field-target_field select", "tokens")
    ticks = page.locator(".bw-ticks label").all_inner_texts()
    page.check(".bw-ticks label:has-text('Model') input")
    page.check(".bw-ticks label:has-text('Region') input")

    # Two rows, from one box to the next by keyboard; a third that stays empty is left out.
    page.click("text=Add segment")
    page.keyboard.type("large")
    page.keyboard.press("Tab")
    page.keyboard.type("eu")
    page.keyboard.press("Enter")
    page.keyboard.type("*")
    page.keyboard.press("Tab")
    page.keyboard.type("*")
    page.keyboard.press("Enter")
    overflows = window.overflows()
    page.click("[name=_save]")
    page.wait_for_selector("text=was added successfully")

    row = Aggregation.objects.get()
    assert "Choose a meter first" in before
    assert offered == [
        "Select value", "Tokens (tokens), Measure", "Model (model), What",
        "Region (region), Where", "Trace (trace), Metadata",
    ]  # fmt: skip
    assert ticks == ["Model (model)", "Region (region)"]
    assert not overflows
    assert (row.target_field, row.segmented_fields) == ("tokens", ["model", "region"])
    assert row.segments == [{"model": "large", "region": "eu"}, {"model": "*", "region": "*"}]


def test_a_price_picks_a_segment_of_its_aggregation(visit, founded, meter):  # noqa: F811
    segments = [{"model": "large"}, {"model": "*"}]
    row = factories.make_aggregation(
        meter, name="Tokens", segmented_fields=["model"], segments=segments
    )
    plan = factories.make_plan(factories.make_plan_template(meter.product), name="Pro")
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")

    page.goto(window.base + address(Aggregation, "change", row))
    page.wait_for_selector("[aria-label='Model, row 2']")
    shown = [page.input_value(f"[aria-label='Model, row {number}']") for number in (1, 2)]
    page.click("[name=_continue]")
    page.wait_for_selector("text=was changed successfully")
    page.goto(window.base + address(Pricing, "add") + f"?plan={plan.pk}")
    page.click(".field-aggregation .select2-selection")
    page.fill(".select2-search__field", "Tokens")
    page.click(".select2-results__option:has-text('Tokens')")
    page.wait_for_selector(".field-segment option:has-text('large')", state="attached")
    choices = page.locator(".field-segment option").all_inner_texts()
    page.select_option(".field-segment select", label="Default")
    page.fill("[aria-label='Price a unit']", "1")
    page.click("[name=_save]")
    page.wait_for_selector("text=was added successfully")

    row.refresh_from_db()
    assert shown == ["large", "*"]
    assert (row.version, row.segments) == (1, segments)
    assert choices == ["Select value", "model: large", "Default"]
    assert Pricing.objects.get().segment == {"model": "*"}
