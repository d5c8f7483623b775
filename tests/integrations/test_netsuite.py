"""What NetSuite alone does: assertions, items, posting periods, currencies."""

from datetime import timedelta

import pytest

from integrations import credentials
from integrations.models import ExternalMapping, RunLogEntry
from organizations.kernel import clock
from organizations.kernel.errors import FieldRefused
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.netsuite import CLIENT, PEM, FakeNetSuite
from tests.integrations.fakes.serving import serving

pytestmark = pytest.mark.django_db
KEY = "certificate_4711"
SECRETS = {"externalCustomerId": "TD123_SB1", "clientId": CLIENT, "keyId": KEY, "privateKey": PEM}


@pytest.fixture
def netsuite(settings):
    fake = FakeNetSuite(KEY)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"NETSUITE": address}
        yield fake


@pytest.fixture
def account(organization):
    account = factories.make_account(organization)
    bills.map_account(account, "NetSuite", "Customer", "51")
    return account


def test_a_token_is_asked_for_once_and_again_before_it_ends(netsuite, organization, account):
    configuration = bills.connect(organization, "NETSUITE", SECRETS, itemId="7")
    for month in (7, 8):
        bill = bills.make_bill(account, ["1"], boundary_date=f"2026-{month:02}-01")
        assert bills.send(configuration, bill).status == "COMPLETE"
    assert netsuite.tokens_asked == 1
    credential = configuration.credential
    credential.refresh_from_db()
    credential.tokens_end_at = clock.now() + timedelta(minutes=4)
    credential.save()
    configuration.refresh_from_db()

    bill = bills.make_bill(account, ["1"], boundary_date="2026-09-01")

    assert bills.send(configuration, bill).status == "COMPLETE"
    assert netsuite.tokens_asked == 2


def test_a_private_key_that_is_none_ends_as_a_refused_credential(netsuite, organization, account):
    secrets = {**SECRETS, "privateKey": "-----BEGIN PRIVATE KEY-----\nnonsense"}
    configuration = bills.connect(organization, "NETSUITE", secrets, itemId="7")

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, run.error) == (
        "AUTH_FAILED",
        "The private key of the credential cannot be read.",
    )
    assert "nonsense" not in "".join(RunLogEntry.objects.values_list("text", flat=True))


def test_references_and_the_purchase_order_are_sent(netsuite, organization, account):
    configuration = bills.connect(
        organization, "NETSUITE", SECRETS, itemId="7", subsidiaryId="2", locationId="3",
        departmentId="4", classId="5", customFormId="98",
    )  # fmt: skip
    bill = bills.make_bill(account, ["1"], purchase_order_number="PO 77")

    assert bills.send(configuration, bill).status == "COMPLETE"

    (invoice,) = netsuite.invoices.values()
    named = {name: invoice[name]["id"] for name in
             ("subsidiary", "location", "department", "class", "customForm")}  # fmt: skip
    assert named == {"subsidiary": "2", "location": "3", "department": "4", "class": "5",
                     "customForm": "98"}  # fmt: skip
    assert (invoice["otherRefNum"], invoice["externalId"]) == ("PO 77", f"bill-{bill.pk}")
    assert (invoice["tranDate"], invoice["dueDate"]) == ("2026-06-01", "2026-07-01")


def test_a_line_without_an_item_is_told_before_anything_is_written(netsuite, organization, account):
    product = factories.make_product(organization)
    configuration = bills.connect(organization, "NETSUITE", SECRETS)
    bill = bills.make_bill(account, ["1", "2"])
    bill.line_items.filter(sequence_number=2).update(product_id=product.pk)
    bill.line_items.filter(sequence_number=1).delete()
    bill.total = 2
    bill.save()

    run = bills.send(configuration, bill)

    assert (run.status, netsuite.asked) == ("ERROR", [])
    assert "needs an item in NetSuite; its product has none" in run.error
    ExternalMapping.objects.create(
        organization=organization, entity="Product", entity_identity=str(product.pk),
        external_system="NetSuite", external_table="Item", external_id="8",
    )  # fmt: skip

    assert bills.send(configuration, bill).status == "COMPLETE"
    (invoice,) = netsuite.invoices.values()
    assert [line["item"]["id"] for line in invoice["item"]] == ["8"]


def test_a_closed_period_has_a_status_of_its_own_unless_the_next_open_one_is_asked_for(
    netsuite, organization, account
):
    netsuite.periods[0]["closed"] = True
    configuration = bills.connect(organization, "NETSUITE", SECRETS, itemId="7")
    bill = bills.make_bill(account, ["1"])
    assert bills.send(configuration, bill).status == "ACCOUNTING_PERIOD_CLOSED"
    configuration.config_data = {"itemId": "7", "postingPeriodRule": "FIRST_OPEN"}
    configuration.save()

    assert bills.send(configuration, bill).status == "COMPLETE"

    (invoice,) = netsuite.invoices.values()
    assert invoice["postingPeriod"] == {"id": "121"}


def test_a_currency_netsuite_does_not_have_is_named(netsuite, organization, account):
    configuration = bills.connect(organization, "NETSUITE", SECRETS, itemId="7")

    run = bills.send(configuration, bills.make_bill(account, ["1"], currency="CHF"))

    assert (run.status, netsuite.writes) == ("ERROR", [])
    assert run.error == "There is no currency CHF in NetSuite."


def test_an_account_id_is_one_label_of_a_host(organization):
    values = {"type": "NETSUITE_AUTH", **SECRETS, "externalCustomerId": "x.evil.example/"}

    with pytest.raises(FieldRefused) as refused:
        credentials.built(organization.pk, values, destination="NETSUITE")

    assert [error.field for error in refused.value.errors] == ["externalCustomerId"]
