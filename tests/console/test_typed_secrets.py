"""A secret that was typed and not saved leaves with the page: it is asked for once more."""

import pytest

from integrations.models import WebhookDestination
from tests.console.clients import address, errors_of
from tests.console.test_conflicts import bea, hidden, loaded, sent_again, told

__all__ = ["bea"]  # a fixture
SECRET = "a-secret-of-24-bytes-or-more"
AGAIN = "Type this again: it is never shown. To go without, open the form anew."


@pytest.fixture
def fields(settings):
    """What the form of a destination sends."""
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    return {
        "name": "Ledger", "code": "ledger", "description": "Our ledger",
        "url": "http://127.0.0.1:9/hook", "is_active": "on", "api_key": "key-1",
        "secret": SECRET, "credentials_name": "",
    }  # fmt: skip


def test_a_typed_secret_is_asked_for_again_when_another_field_is_refused(console, fields):
    refused = console.post(WebhookDestination, "add", **{**fields, "name": ""})

    page = console.text(refused)
    assert errors_of(refused)["secret"] == [AGAIN]
    assert SECRET not in page
    assert '<input type="hidden" name="_typed_again" value="secret">' in page


def test_a_refusal_of_the_domain_asks_for_it_again_too(console, fields):
    refused = console.post(WebhookDestination, "add", **{**fields, "url": "ftp://example.com"})

    assert list(errors_of(refused)) == ["url", "secret"]
    assert not WebhookDestination.objects.exists()


def test_nobody_saves_without_the_secret_that_was_typed_before(console, fields):
    asked = {**fields, "_typed_again": "secret"}

    refused = console.post(WebhookDestination, "add", **{**asked, "secret": ""})
    none_yet = WebhookDestination.objects.count()
    console.post(WebhookDestination, "add", **asked)

    assert errors_of(refused) == {"secret": [AGAIN]}
    assert none_yet == 0
    assert WebhookDestination.objects.get().secret == SECRET


def test_a_stored_secret_is_kept_until_a_new_one_is_typed_again(console, fields):
    console.post(WebhookDestination, "add", **fields)
    row = WebhookDestination.objects.get()
    new = "another-secret-of-24-bytes-or-more"

    console.post(WebhookDestination, "change", row, **{**fields, "secret": new, "name": ""})
    asked = {**fields, "_typed_again": "secret"}
    console.post(WebhookDestination, "change", row, **{**asked, "secret": ""})
    row.refresh_from_db()
    kept = row.secret
    console.post(WebhookDestination, "change", row, **{**asked, "secret": new})

    row.refresh_from_db()
    assert (kept, row.secret, row.version) == (SECRET, new, 2)


def test_a_conflict_shows_no_secret_and_asks_for_it_again(console, bea, fields):
    console.post(WebhookDestination, "add", **fields)
    row = WebhookDestination.objects.get()
    mine = {**loaded(console, row), "secret": "mine-" + SECRET}
    bea.post(WebhookDestination, "change", row, **{**loaded(bea, row), "name": "Books"})

    conflict = console.post(WebhookDestination, "change", row, **mine)
    page = console.text(conflict)
    review = console.client.post(address(WebhookDestination, "change", row), sent_again(page))
    carried = hidden(console.text(review))
    refused = console.post(
        WebhookDestination, "change", row,
        **{**loaded(console, row), **carried, "_typed_again": "secret"},
    )  # fmt: skip

    assert ("Secret", "", "", "(not shown; type it again)", "You") in told(conflict)
    assert SECRET not in page
    assert SECRET not in console.text(review)
    assert "Type this again" in console.text(review)
    assert errors_of(refused) == {"secret": [AGAIN]}
