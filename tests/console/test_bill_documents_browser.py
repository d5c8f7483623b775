"""The settings of bill documents in a real browser."""

import pytest
from django.urls import reverse

from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.test_bill_documents import picture
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_choosing_a_logo_and_a_preview_leave_the_other_fields_alone(
    visit,  # noqa: F811
    founded,  # noqa: F811
    tmp_path,
):
    (tmp_path / "logo.png").write_bytes(picture())
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + reverse("admin:bill_documents"))
    page.fill("[name=bank_details]", "Testbank")
    page.set_input_files("[name=logo]", tmp_path / "logo.png")
    page.click("button[value=preview]")
    page.wait_for_load_state("networkidle")

    assert page.input_value("[name=bill_email_subject]") == ""
    assert page.input_value("[name=bank_details]") == "Testbank"
    assert page.locator("#bill-preview").evaluate("one => one.naturalWidth") > 500
    assert not window.overflows()
