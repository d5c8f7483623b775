"""The page of integrations: what is set up for each system, forms, consent, tests, runs."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from integrations.models import (
    IntegrationConfiguration,
    IntegrationCredential,
    IntegrationRun,
    SystemIntegration,
)
from integrations.runs import execution, replaying
from organizations.models import AuditEntry
from tests import factories
from tests.console.clients import Console, errors_of, make_person
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.serving import Answered, serving
from tests.integrations.fakes.stripe import FakeStripe

pytestmark = pytest.mark.django_db
KEY = "sk_test_planted_key"


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True


@pytest.fixture
def console(founded):
    return Console(make_person(founded, "Administrator"))


@pytest.fixture
def account(organization):
    return factories.make_account(organization, code="acme")


def credential(organization, destination="STRIPE_TEST", **more):
    row = IntegrationCredential(
        organization=organization, name="the key", destination=destination,
        **{"is_authorized": True, "type": "STRIPE_SIGNED_REQUEST", **more},
    )  # fmt: skip
    row.secrets = {"apiKey": KEY}
    row.save()
    return row


def add(console, system, **fields):
    url = f"{reverse('admin:integrations_systemintegration_add')}?system={system}"
    return console.client.post(url, {"entity_type": "Bill", "is_enabled": "on", **fields})


def test_each_system_shows_what_is_set_up_and_what_is_wrong(console, organization):
    credential(organization)
    credential(organization, is_authorized=False)
    bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY})
    off = bills.connect(organization, "XERO", {"accessToken": "x"})
    off.is_enabled = False
    off.save()

    text = console.text(console.get(SystemIntegration))

    for name in ("NetSuite", "Chargebee", "Paddle sandbox", "Salesforce", "Azure Marketplace"):
        assert name in text
    assert re.search(r">1 integration</a>, 3 credentials", text)
    assert "1 credential not connected" in text
    assert "1 disabled" in text


def test_an_integration_is_made_with_the_settings_of_its_system(console, organization, account):
    row = credential(organization)

    add(console, "STRIPE_TEST", name="Books", credential=str(row.pk), on_approval="on",
        split="PRODUCT", only_accounts="acme\n", account_filter="address.country == US",
        option_collectionMethod="send_invoice", option_daysUntilDue="14",
        mapped_fields="region = account.customFields.region")  # fmt: skip

    made = IntegrationConfiguration.objects.get()
    assert (made.name, made.destination, made.entity_type) == ("Books", "STRIPE_TEST", "Bill")
    assert made.credential == row
    assert made.config_data == {
        "onlySendOnApproval": True,
        "splitUsageLineItems": "PRODUCT",
        "accountIds": [str(account.pk)],
        "accountFilter": "address.country == US",
        "collectionMethod": "send_invoice",
        "daysUntilDue": 14,
        "fieldMappings": [{"externalField": "region", "expression": "account.customFields.region"}],
    }


def test_every_fault_is_told_at_its_field_and_nothing_is_made(console, organization, account):
    answer = add(console, "STRIPE_TEST", only_accounts="nobody", told="x@example.com",
                 mapped_fields="no expression", option_daysUntilDue="-1")  # fmt: skip

    errors = errors_of(answer)
    assert "There is no account with the code nobody." in errors["only_accounts"][0]
    assert errors.keys() >= {"told", "mapped_fields", "option_daysUntilDue"}
    assert not IntegrationConfiguration.objects.exists()


def test_what_the_domain_refuses_stands_at_the_field(console, organization, account):
    answer = add(console, "STRIPE_TEST", account_filter="address.planet == US",
                 mapped_fields="a = bill.\nb = 1")  # fmt: skip

    errors = errors_of(answer)
    assert "planet" in errors["account_filter"][0]
    assert errors["mapped_fields"]
    assert not IntegrationConfiguration.objects.exists()


def test_a_change_keeps_settings_that_the_form_does_not_know(console, organization, account):
    made = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY}, ours="kept",
                         onlySendOnApproval=True, daysUntilDue=14)  # fmt: skip
    page = console.get(SystemIntegration, "change", made)
    form = page.context["adminform"].form
    assert (form["on_approval"].initial, form["option_daysUntilDue"].initial) == (True, 14)

    console.post(SystemIntegration, "change", made, name="New", entity_type="Bill",
                 credential=str(made.credential_id), is_enabled="on", version="1",
                 option_daysUntilDue="21")  # fmt: skip

    made.refresh_from_db()
    assert (made.name, made.version) == ("New", 2)
    assert made.config_data == {"ours": "kept", "onlySendOnApproval": False, "daysUntilDue": 21}


def test_adding_without_a_system_leads_to_the_systems(console):
    answer = console.get(SystemIntegration, "add")

    assert answer.status_code == 302
    assert answer["Location"] == reverse("admin:integrations_systemintegration_changelist")


def test_choices_of_a_system_are_offered_and_none_where_it_cannot_be_asked(
    console, organization, settings
):
    url = reverse("admin:integration_choices", args=["STRIPE", "collectionMethod"])
    assert len(console.client.get(url).json()["choices"]) == 2
    url = reverse("admin:integration_choices", args=["NETSUITE", "itemId"])
    assert console.client.get(url).json() == {"choices": []}
    url = reverse("admin:integration_choices", args=["nobody", "x"])
    assert console.client.get(url).json() == {"choices": []}


def test_a_test_says_whose_account_it_is_and_the_newest_bill_is_sent(
    console, organization, account, settings
):
    fake = FakeStripe(KEY)
    made = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY}, accountIds=[str(account.pk)])
    bills.map_account(account, "STRIPE_TEST", "Customer", "cus_1")
    other = factories.make_account(organization, code="other")
    wanted = bills.make_bill(account, ["5"])
    bills.make_bill(other, ["7"])
    urls = [reverse(f"admin:integrations_systemintegration_{name}", args=[made.pk])
            for name in ("try_out", "send_newest")]  # fmt: skip
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"STRIPE_TEST": address}

        tried = console.client.get(urls[0], follow=True)
        sent = console.client.get(urls[1], follow=True)
        run = IntegrationRun.objects.get()
        execution.perform(run.pk)

    run.refresh_from_db()
    assert "It works: Acme Books." in console.text(tried)
    assert f"On its way: Bill {wanted.pk}" in console.text(sent)
    assert (run.status, run.entity_id) == ("COMPLETE", str(wanted.pk))
    assert AuditEntry.objects.filter(action="sendNow").count() == 1
    page = console.text(console.get(SystemIntegration, "change", made))
    assert run.external_id in page


def test_sending_now_says_why_nothing_is_sent(console, organization):
    made = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY})
    url = reverse("admin:integrations_systemintegration_send_newest", args=[made.pk])

    answer = console.client.get(url, follow=True)

    assert "There is no bill yet that the settings" in console.text(answer)
    assert not IntegrationRun.objects.exists()


def test_what_failed_is_run_again_after_asking(console, organization, account):
    made = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY})
    failed = bills.send(made, bills.make_bill(account, ["1"]))  # has no mapping
    assert failed.status == "ERROR"
    fields = {"action": "run_failed_again", "_selected_action": [str(made.pk)]}
    asked = console.post(SystemIntegration, "changelist", **fields)
    assert "are made once more" in console.text(asked)
    assert IntegrationRun.objects.count() == 1

    console.post(SystemIntegration, "changelist", **fields, confirmed="yes")

    assert IntegrationRun.objects.exclude(pk=failed.pk).get().entity_id == failed.entity_id


def test_consent_is_given_at_the_system_and_tokens_are_kept(console, organization, settings):
    asked = []

    def answer(one):
        asked.append(one)
        return Answered(200, b'{"access_token": "at-1", "refresh_token": "rt-1", '
                             b'"instance_url": "https://acme.my.salesforce.com"}')  # fmt: skip

    console.post(
        IntegrationCredential, "add", name="CRM", type="OAUTH_CODE", destination="SALESFORCE",
        detail_clientId="client", detail_clientSecret="planted secret",
    )  # fmt: skip
    row = IntegrationCredential.objects.get()
    assert not row.is_authorized
    with serving(answer) as address:
        settings.INTEGRATION_ADDRESSES = {"SALESFORCE": address}
        url = reverse("admin:integrations_integrationcredential_connect", args=[row.pk])

        away = console.client.get(url)["Location"]
        query = parse_qs(urlsplit(away).query)
        back = query["redirect_uri"][0]
        assert back.endswith(reverse("admin:integration_connected"))
        assert query["code_challenge_method"] == ["S256"]
        answer_ = console.client.get(
            urlsplit(back).path, {"state": query["state"][0], "code": "c-1"}, follow=True
        )

    assert "Connected with Salesforce." in console.text(answer_)
    row.refresh_from_db()
    assert row.is_authorized
    assert row.secrets["accessToken"] == "at-1"
    assert asked[0].form["code"] == "c-1"
    assert "code_verifier" in asked[0].form
    # The same state once more is refused.
    again = console.client.get(
        urlsplit(back).path, {"state": query["state"][0], "code": "c-1"}, follow=True
    )
    assert "was not begun here" in console.text(again)


def test_consent_of_another_person_or_refused_by_the_system_changes_nothing(
    console, founded, organization
):
    row = credential(organization, "SALESFORCE", is_authorized=False, type="OAUTH_CODE")
    url = reverse("admin:integrations_integrationcredential_connect", args=[row.pk])
    state = parse_qs(urlsplit(console.client.get(url)["Location"]).query)["state"][0]
    back = reverse("admin:integration_connected")
    other = Console(make_person(founded, "Administrator"))

    strange = other.client.get(back, {"state": state, "code": "c"}, follow=True)
    refused = console.client.get(back, {"state": state, "error": "access_denied"}, follow=True)

    assert "was not begun here" in other.text(strange)
    assert "gave no consent" in console.text(refused)
    row.refresh_from_db()
    assert not row.is_authorized


def test_runs_beyond_what_is_run_again_at_once_are_told(
    console, organization, account, monkeypatch
):
    made = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY})
    for month in (5, 6, 7):
        bills.send(made, bills.make_bill(account, ["1"], boundary_date=f"2026-0{month}-01"))
    monkeypatch.setattr(replaying, "MOST", 2)

    answer = console.client.post(
        reverse("admin:integrations_systemintegration_changelist"),
        {"action": "run_failed_again", "_selected_action": [str(made.pk)], "confirmed": "yes"},
        follow=True,
    )

    assert "On their way again: 2 runs." in console.text(answer)
    assert "Left for another time: 1 older run." in console.text(answer)
