"""Fields that are mapped to expressions, and where they end in each system that takes them."""

import json

import pytest

from integrations.systems import registry
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.netsuite import FakeNetSuite
from tests.integrations.fakes.serving import serving
from tests.integrations.fakes.stripe import FakeStripe
from tests.integrations.systems_table import KEY, ROWS

pytestmark = pytest.mark.django_db
ROW = {row.destination: row for row in ROWS}
EXPRESSIONS = {
    "1": "account.customFields.region",
    "2": "bill.currency + '-' + account.code",
    "3": "bill.locked ? 'final' : 'open'",
}


def mapped(prefix: str) -> list[dict[str, str]]:
    return [
        {"externalField": f"{prefix}{name}", "expression": text}
        for name, text in EXPRESSIONS.items()
    ]


def brought(organization, settings, fake, destination, secrets, table, identity, **data):
    account = factories.make_account(
        organization, code="zürich-1", custom_fields={"region": "Zürich"}
    )
    bills.map_account(account, destination, table, identity)
    configuration = bills.connect(organization, destination, secrets, **data)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {destination: address}
        run = bills.send(configuration, bills.make_bill(account, ["1"]))
    assert (run.status, run.error) == ("COMPLETE", "")


EXPECTED = {"1": "Zürich", "2": "USD-zürich-1", "3": "open"}


def test_stripe_keeps_them_as_metadata(organization, settings):
    fake = FakeStripe(KEY)
    brought(organization, settings, fake, "STRIPE_TEST", {"apiKey": KEY}, "Customer", "cus_1",
            fieldMappings=mapped("m"))  # fmt: skip

    (invoice,) = fake.invoices.values()
    assert {k[1:]: v for k, v in invoice["metadata"].items() if k[0] == "m"} == EXPECTED


def test_paddle_keeps_them_as_custom_data(organization, settings):
    row = ROW["PADDLE"]
    fake = row.make()
    brought(organization, settings, fake, "PADDLE", row.secrets, "Customer", "ctm_1",
            fieldMappings=mapped("m"))  # fmt: skip

    (transaction,) = fake.transactions.values()
    found = {k[1:]: v for k, v in transaction["custom_data"].items() if k[0] == "m"}
    assert found == EXPECTED


def test_netsuite_writes_them_into_custom_fields(organization, settings, monkeypatch):
    from tests.integrations.fakes import netsuite

    names = {f"custbody_{name}" for name in EXPRESSIONS}
    monkeypatch.setattr(netsuite, "FIELDS", netsuite.FIELDS | names)
    fake = FakeNetSuite(KEY)
    brought(organization, settings, fake, "NETSUITE", ROW["NETSUITE"].secrets, "Customer", "51",
            itemId="7", fieldMappings=mapped("custbody_"))  # fmt: skip

    body = json.loads(fake.writes[0].body)
    assert {name[-1]: body[name] for name in names} == EXPECTED


@pytest.mark.parametrize(
    ("system", "name"),
    [("NETSUITE", "memo"), ("STRIPE", "billwright_bill"), ("STRIPE", "a[b]"),
     ("SALESFORCE", "9lives")],
)  # fmt: skip
def test_names_that_a_system_cannot_have_are_refused(system, name):
    rows = [{"externalField": name, "expression": "1"}]

    with pytest.raises(ValueError, match="fieldMappings"):
        registry.find(system).check_settings({"fieldMappings": rows})
