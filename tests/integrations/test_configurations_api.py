"""Configurations and runs over the API: secrets go in and never come out."""

import base64

import pytest

from integrations.models import IntegrationConfiguration, IntegrationCredential
from tests import factories
from tests.contract.inhabited_integrations import integrate
from tests.integrations import sending_bills as bills

pytestmark = pytest.mark.django_db
KEY = "sk_test_planted_key"
BODY = {
    "entityType": "Bill",
    "destination": "stripe-test",
    "configData": {"accountFilter": "address.country == US"},
    "credentials": {"type": "STRIPE_SIGNED_REQUEST", "apiKey": KEY},
}


def test_a_configuration_with_a_credential_is_authorized_and_tells_no_secret(api):
    made = api.post("integrationconfigs", BODY)

    assert made.status == 200, made
    assert (made.json["authorized"], made.json["enabled"]) == (True, True)
    assert made.json["triggerType"] == "EVENT"
    assert KEY not in made.raw.decode()
    credential = IntegrationCredential.objects.get()
    assert credential.secrets == {"apiKey": KEY}
    assert KEY not in credential.sealed_secrets
    again = api.get(f"integrationconfigs/{made.json['id']}")
    assert (again.json["status"], again.json["entityId"]) == ("WAITING", None)
    other = api.post("integrationconfigs", {"entityType": "Bill", "destination": "STRIPE"})
    assert other.json["authorized"] is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"credentials": {"type": "STRIPE_SIGNED_REQUEST"}}, "credentials.apiKey"),
        ({"configData": {"accountFilter": "nonsense =="}}, "configData.accountFilter"),
        ({"configData": {"splitUsageLineItems": "DAY"}}, "configData.splitUsageLineItems"),
        ({"configData": {"daysUntilDue": -1}}, "configData.daysUntilDue"),
        ({"entityType": "Account"}, "entityType"),
        ({"destination": ""}, "destination"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(api, changes, field):
    answer = api.post("integrationconfigs", {**BODY, **changes})

    assert answer.status == 400
    assert field in answer.json["message"]
    assert not IntegrationConfiguration.objects.exists()
    assert not IntegrationCredential.objects.exists()


def test_runs_are_listed_by_entity_and_have_a_log(api, organization):
    run = integrate(organization.pk)

    listed = api.get(f"integrationruns/Bill/{run.entity_id}").json["data"]
    one = api.get(f"integrationruns/{run.pk}").json
    log = api.get(f"integrationruns/logs/{run.pk}").json

    assert [row["id"] for row in listed] == [str(run.pk)]
    assert (one["status"], one["error"]) == ("ERROR", "books failed")
    assert "books began" in base64.b64decode(log["Payload"]).decode()
    assert api.get(f"integrationruns/Bill/latest/{run.entity_id}").json["id"] == str(run.pk)
    assert api.get(f"integrationruns/Bill/latest?ids={run.entity_id}").json["id"] == str(run.pk)
    assert api.get(f"integrationruns/Bill/{run.entity_id}?status=COMPLETE").json["data"] == []


def test_enabling_is_idempotent_and_the_filter_decides_who_is_meant(api, organization):
    row = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY})
    IntegrationConfiguration.objects.update(is_enabled=False)

    for _ in range(2):
        assert api.post(f"integrationconfigs/{row.pk}/enable").json["enabled"] is True

    from billing import representations
    from integrations.runs import settings

    account = factories.make_account(organization, address={"country": "UK"})
    looks = representations.account(account)
    assert settings.admits({"accountFilter": "address.country == US"}, looks) == (False, "")
    assert settings.admits({"accountFilter": "address.country == UK"}, looks) == (True, "")
    both = {"accountIds": [str(account.pk)], "restrictedAccountIds": [str(account.pk)]}
    assert settings.admits(both, looks) == (False, "")


def test_systems_and_what_they_need_are_told(api):
    systems = {one["identifier"] for one in api.get("integrationconfigs/available/systems").json}
    told = api.get("integrationconfigs/available").json
    auth = api.get("integrationconfigs/available/Stripe/auth/Bill").json
    values = api.get("integrationconfigs/values/Stripe/collectionMethod").json

    assert {"STRIPE", "STRIPE_TEST", "XERO", "AWS"} <= systems
    released = {one["apiName"]: one["released"]
                for one in told["supportedEntities"]["Bill"]["destinations"]}  # fmt: skip
    assert released["STRIPE"] is True
    assert "STRIPE_SIGNED_REQUEST" in auth
    assert values[0] == {"id": "send_invoice", "label": "Send an invoice"}
    assert api.get("integrationconfigs/available/Stripe/entities").json == [{"entityType": "Bill"}]
