"""A session that ended while somebody typed: what was sent comes back after signing in."""

import pytest
from django.conf import settings

from catalog.models import Product
from tests.console.browsing import chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.test_browser import founded, visit  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_what_was_sent_after_the_session_ended_is_kept_and_sent_again(visit, founded):  # noqa: F811
    window = visit()
    page = window.log_in(founded.admin.email, "a-long-secret")
    page.goto(window.base + address(Product, "add"))
    page.fill("[name=name]", "Éclair 日本")
    page.fill("[name=code]", "eclair")

    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.click("[name=_save]")
    page.wait_for_selector("text=Your session has ended. What you sent is kept in this tab")
    assert not Product.objects.exists()
    page.fill("[name=username]", founded.admin.email)
    page.fill("[name=password]", "a-long-secret")
    page.click("#login-form [type=submit]")
    page.wait_for_selector("text=What you sent before your session ended was not saved.")
    page.click("text=Send it again")
    page.wait_for_selector("text=was added successfully")

    assert Product.objects.get().name == "Éclair 日本"
    assert page.evaluate("sessionStorage.getItem('bw-unsent')") is None
