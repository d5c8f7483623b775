"""Pages of runs and credentials: run again, send a test, secrets that never come out."""

import pytest
from django.urls import reverse

from integrations.models import IntegrationCredential, IntegrationRun, RunLogEntry, RunStatus
from organizations.kernel import clock, ids
from tests.console.clients import Console
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.serving import serving
from tests.integrations.fakes.stripe import FakeStripe

pytestmark = pytest.mark.django_db
KEY = "sk_test_planted_key"
RUNS = "admin:integrations_integrationrun_changelist"
CREDENTIALS = "admin:integrations_integrationcredential"


@pytest.fixture
def console(founded):
    return Console(founded.admin).client


@pytest.fixture
def run(organization):
    row = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY})
    now = clock.now()
    made = IntegrationRun.objects.create(
        organization=organization, configuration=row, entity_type="Bill",
        entity_id=str(ids.new_id()), destination="STRIPE_TEST", status=RunStatus.ERROR,
        error="Refused", created_at=now, modified_at=now, started_at=now, finished_at=now,
    )  # fmt: skip
    RunLogEntry.objects.create(run=made, at=now, text="Asked for the customer")
    return made


def again(console, run, **more):
    data = {"action": "run_again", "_selected_action": [str(run.pk)], **more}
    return console.post(reverse(RUNS), data, follow=True)


def test_a_run_shows_its_log_and_the_list_a_picture_of_the_days(console, run):
    listed = console.get(reverse(RUNS)).content.decode()
    page = console.get(
        reverse("admin:integrations_integrationrun_change", args=[run.pk])
    ).content.decode()

    assert "0 sent, 1 failed, 0 on their way" in listed
    assert "Asked for the customer" in page
    assert "Stripe test mode" in page


def test_run_again_asks_first_and_makes_one_new_run(console, run):
    asked = again(console, run)
    assert "never made twice" in asked.content.decode()
    assert IntegrationRun.objects.count() == 1

    again(console, run, confirmed="yes")
    second = again(console, run, confirmed="yes")

    made = IntegrationRun.objects.exclude(pk=run.pk).get()
    assert (made.replayed_from_id, made.status) == (run.pk, "WAITING")
    assert "Not run again: 1 run." in second.content.decode()


def test_a_credential_is_made_and_its_secret_is_never_shown(console, organization):
    url = reverse(f"{CREDENTIALS}_add")
    form = {"name": "Books", "destination": "STRIPE_TEST", "type": "STRIPE_SIGNED_REQUEST"}
    refused = console.post(url, form)
    assert not IntegrationCredential.objects.exists()
    assert "Is needed for STRIPE_SIGNED_REQUEST" in refused.content.decode()

    console.post(url, {**form, "detail_apiKey": KEY})

    row = IntegrationCredential.objects.get()
    assert (row.secrets, row.is_authorized) == ({"apiKey": KEY}, True)
    page = console.get(reverse(f"{CREDENTIALS}_change", args=[row.pk])).content.decode()
    assert "Books" in page
    assert KEY not in page


def test_send_a_test_tells_whether_a_credential_works(console, organization, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    row = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY}).credential
    wrong = bills.connect(organization, "STRIPE_TEST", {"apiKey": "sk_other_planted"}).credential
    fake = FakeStripe(KEY)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"STRIPE_TEST": address}
        works, fails = [
            console.get(reverse(f"{CREDENTIALS}_send_test", args=[one.pk]), follow=True)
            for one in (row, wrong)
        ]

    assert "It works" in works.content.decode()
    assert "It works" not in fails.content.decode()
    assert "sk_other_planted" not in fails.content.decode()
