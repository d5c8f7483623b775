"""External mappings: both ways, case rules, what must exist, what goes with an entity."""

import pytest

from integrations.models import ExternalMapping, IntegrationConfiguration
from organizations.kernel import changes, errors, principals
from tests import factories
from tests.clients import ApiClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(organization):
    return factories.make_account(organization)


def mapping(account, **fields):
    return {
        "m3terEntity": "Account",
        "m3terId": str(account.pk),
        "externalSystem": "Stripe",
        "externalTable": "Customer",
        "externalId": "cus_1",
        **fields,
    }


def test_a_mapping_is_found_from_both_sides(api: ApiClient, account):
    made = api.post("externalmappings", mapping(account)).json
    api.post("externalmappings", mapping(account, externalSystem="Xero", externalTable="Contact"))

    ours = api.get(f"externalmappings/external/account/{account.pk}").json["data"]
    theirs = api.get("externalmappings/externalid/STRIPE/Customer/cus_1").json["data"]

    assert {row["externalSystem"] for row in ours} == {"Stripe", "Xero"}
    assert [row["id"] for row in theirs] == [made["id"]]
    assert made["integrationConfigId"] is None
    # The table and the external id are compared with letter case, entity and system without.
    assert api.get("externalmappings/externalid/stripe/customer/cus_1").json["data"] == []
    assert api.get("externalmappings/externalid/stripe/Customer/CUS_1").json["data"] == []


def test_an_external_id_may_hold_a_slash(api: ApiClient, account):
    api.post("externalmappings", mapping(account, externalId="eu/7"))

    found = api.get("externalmappings/externalid/Stripe/Customer/eu/7").json["data"]

    assert [row["externalId"] for row in found] == ["eu/7"]


def test_the_same_mapping_is_refused_however_entity_and_system_are_spelled(api, account):
    api.post("externalmappings", mapping(account))

    again = api.post("externalmappings", mapping(account, m3terEntity="ACCOUNT",
                                                 externalSystem="sTRIPE"))  # fmt: skip
    other = api.post("externalmappings", mapping(account, externalId="cus_2"))

    assert again.status == 400
    assert "externalId" in again.json["message"]
    assert other.status == 200
    assert ExternalMapping.objects.count() == 2


def test_the_same_mapping_for_a_configuration_alone_is_another_one(api, account, organization):
    configuration = IntegrationConfiguration.objects.create(
        organization=organization, entity_type="Bill", destination="STRIPE"
    )
    api.post("externalmappings", mapping(account))
    wanted = mapping(account, integrationConfigId=str(configuration.pk))

    linked, again = (api.post("externalmappings", wanted) for _ in range(2))

    assert (linked.status, again.status) == (200, 400)
    listed = api.get(f"externalmappings?integrationConfigId={configuration.pk}").json["data"]
    assert [row["id"] for row in listed] == [linked.json["id"]]


@pytest.mark.parametrize("field", ["m3terEntity", "externalSystem", "externalTable", "externalId"])
@pytest.mark.parametrize("text", ["", " a", "a ", "a\nb", "a\tb", None, 7])
def test_a_text_that_is_empty_or_framed_by_spaces_is_refused(api, account, field, text):
    answer = api.post("externalmappings", mapping(account, **{field: text}))

    assert answer.status == 400
    assert field in answer.json["message"]
    assert not ExternalMapping.objects.exists()


def test_our_entity_must_exist_where_we_know_its_kind(api: ApiClient, account):
    missing = api.post(
        "externalmappings", mapping(account, m3terId="00000000-0000-0000-0000-000000000001")
    )
    unknown = api.post("externalmappings", mapping(account, m3terEntity="Ship", m3terId="S 1"))

    assert missing.status == 400
    assert missing.json["message"] == "m3terId: no such account"
    assert unknown.status == 200


def test_an_account_of_another_organization_does_not_exist(api: ApiClient):
    other = factories.make_account(factories.make_organization())

    answer = api.post("externalmappings", mapping(other))

    assert answer.status == 400


def test_lists_are_narrowed_by_system_name_and_by_our_ids(api: ApiClient, organization, account):
    other = factories.make_account(organization)
    api.post("externalmappings", mapping(account))
    api.post("externalmappings", mapping(other, externalId="cus_2"))
    api.post("externalmappings", mapping(other, externalSystem="Xero"))

    by_system = api.get("externalmappings?externalSystemId=STRIPE").json["data"]
    by_ids = api.get(f"externalmappings?m3terIds={other.pk}").json["data"]

    assert {row["externalId"] for row in by_system} == {"cus_1", "cus_2"}
    assert {row["m3terId"] for row in by_ids} == {str(other.pk)}
    assert len(by_ids) == 2


def test_deleting_our_entity_deletes_its_mappings(api: ApiClient, organization, account):
    other = factories.make_account(organization)
    api.post("externalmappings", mapping(account))
    kept = api.post("externalmappings", mapping(other)).json

    assert api.delete(f"accounts/{account.pk}").status == 200

    assert [str(row.pk) for row in ExternalMapping.objects.all()] == [kept["id"]]


def test_a_configuration_with_mappings_of_its_own_is_not_deleted(api, account, organization):
    configuration = IntegrationConfiguration.objects.create(
        organization=organization, entity_type="Bill", destination="STRIPE"
    )
    api.post("externalmappings", mapping(account, integrationConfigId=str(configuration.pk)))

    with pytest.raises(errors.InUse, match="1 external mapping"):
        changes.delete(configuration, by=principals.system(organization.pk))


def test_the_systems_and_tables_to_choose_from_are_told(api: ApiClient):
    told = api.get("externalmappingconfiguration").json

    systems = {system["name"]: system for system in told["externalSystems"]}
    assert "Account" in told["m3terEntities"]
    assert systems["Stripe"]["tables"] == ["Customer", "Product", "Invoice"]
    assert "Contact" in systems["Xero"]["tables"]
    assert [name for name, one in systems.items() if one["allowCustomExternalTables"]] == [
        "Salesforce"
    ]


@pytest.mark.parametrize(
    "path", ["STRIPE/Account", "Nowhere/Account", "STRIPE/Account/none?externalTable=Customer"]
)
def test_values_of_a_system_that_cannot_be_asked_are_an_empty_list(api: ApiClient, path):
    answer = api.get(f"externalmappingconfiguration/values/{path}")

    assert (answer.status, answer.json) == (200, [])
