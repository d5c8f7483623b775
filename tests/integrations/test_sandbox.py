"""Sandbox organizations and live systems: accepted with a warning, and nothing is sent."""

import pytest

from integrations.models import SystemIntegration
from integrations.systems import known
from organizations.models import OrganizationType
from tests import factories
from tests.console.clients import Console, make_person
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.serving import serving
from tests.integrations.fakes.stripe import FakeStripe

pytestmark = pytest.mark.django_db
KEY = "sk_test_planted_key"


@pytest.fixture
def sandbox(organization):
    organization.type = OrganizationType.SANDBOX
    organization.save()
    return organization


@pytest.mark.parametrize(
    ("destination", "status"), [("STRIPE", "DISABLED"), ("STRIPE_TEST", "COMPLETE")]
)
def test_a_sandbox_sends_to_test_mode_and_not_to_live_mode(sandbox, settings, destination, status):
    fake = FakeStripe(KEY)
    account = factories.make_account(sandbox)
    bills.map_account(account, destination, "Customer", "cus_1")
    configuration = bills.connect(sandbox, destination, {"apiKey": KEY})
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {destination: address}
        run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert run.status == status
    assert bool(fake.asked) == (status == "COMPLETE")
    if status == "DISABLED":
        assert run.error.endswith("Use Stripe test mode.")
        configuration.refresh_from_db()
        assert configuration.is_enabled


def test_production_sends_to_live_systems(organization, settings):
    fake = FakeStripe(KEY)
    account = factories.make_account(organization)
    bills.map_account(account, "STRIPE", "Customer", "cus_1")
    configuration = bills.connect(organization, "STRIPE", {"apiKey": KEY})
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"STRIPE": address}
        assert bills.send(configuration, bills.make_bill(account, ["1"])).status == "COMPLETE"


def test_systems_with_something_to_test_with_are_three():
    pairs = {one.identifier: known.counterpart(one) for one in known.SYSTEMS}

    assert {live: test.identifier for live, test in pairs.items() if test} == {
        "STRIPE": "STRIPE_TEST",
        "PADDLE": "PADDLE_SANDBOX",
        "QUICKBOOKS": "QUICKBOOKS_SANDBOX",
    }


def test_the_console_warns_when_it_is_set_up(sandbox, founded):
    console = Console(make_person(founded, "Administrator"))
    url = "/admin/integrations/systemintegration/add/?system=STRIPE"

    answer = console.client.post(url, {"entity_type": "Bill", "is_enabled": "on"}, follow=True)

    assert "nothing is sent to Stripe" in console.text(answer)
    assert SystemIntegration.objects.count() == 1
