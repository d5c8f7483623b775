"""A form that moves the dates of bills asks before it saves, and shows the bills to come."""

from typing import Any

import pytest

from billing.models import Account, Bill
from organizations.models import AuditEntry, OrganizationConfig
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(founded) -> making.Shop:
    shop = making.Shop.__new__(making.Shop)
    shop.organization = founded.organization
    shop.fill()
    shop.account(code="acme", name="Acme")
    runners.run(shop.organization, "2024-06-15")
    Bill.objects.update(status="APPROVED", is_locked=True)
    return shop


def filled(console, row) -> dict[str, Any]:
    """Return what the form of a row is loaded with."""
    form = console.get(type(row), "change", row).context["adminform"].form
    return {
        name: value
        for name, field in form.fields.items()
        if (value := field.prepare_value(form[name].initial)) not in (None, False, [], {})
    }


def test_saving_another_timezone_asks_first_and_saves_when_told(console, shop):
    config = OrganizationConfig.objects.get(organization=shop.organization)
    values = {**filled(console, config), "timezone": "America/New_York"}
    entries = AuditEntry.objects.count()

    asked = console.post(OrganizationConfig, "change", config, **values)
    page = asked.content.decode()

    assert asked.status_code == 200
    assert "Nothing is saved yet" in page and "Acme" in page and "America/New_York" in page
    assert "2024-07-01 – 2024-07-31" in page
    config.refresh_from_db()
    assert (config.timezone, AuditEntry.objects.count()) == ("UTC", entries)

    done = console.post(OrganizationConfig, "change", config, **values, confirmed="yes")
    config.refresh_from_db()
    assert (done.status_code, config.timezone) == (302, "America/New_York")
    assert AuditEntry.objects.count() == entries + 1


def test_what_moves_no_bill_is_saved_at_once(console, shop):
    account = Account.objects.get(code="acme")
    values = {**filled(console, account), "name": "Acme Ltd"}

    done = console.post(Account, "change", account, **values)

    account.refresh_from_db()
    assert (done.status_code, account.name) == (302, "Acme Ltd")
