"""What Salesforce alone does: other entities, mapped fields, lines, records that are mapped."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billing.models import Contract
from integrations.models import ExternalMapping, RunLogEntry
from integrations.runs import settings as run_settings
from integrations.runs import triggers
from integrations.systems import oauth, registry
from organizations.kernel import clock, principals
from organizations.kernel.errors import FieldRefused, FieldsRefused
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.salesforce import EXTERNAL, FakeSalesforce
from tests.integrations.fakes.serving import Answered, serving

pytestmark = pytest.mark.django_db
KEY = "planted_secret_key_4711"
SECRETS = {"accessToken": KEY, "instance_url": "https://acme.my.salesforce.com"}


@pytest.fixture
def salesforce(settings):
    fake = FakeSalesforce(KEY)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"SALESFORCE": address}
        yield fake


@pytest.fixture
def account(organization):
    return factories.make_account(organization, custom_fields={"region": "Nørre"})


def bring(configuration, kind, row, account):
    configuration.entity_type = kind
    configuration.save()
    run = triggers.build(configuration, entity_type=kind, entity_id=str(row.pk),
                         account_id=account.pk, at=clock.now())  # fmt: skip
    run.next_attempt_at = clock.now()
    triggers.keep([run])
    return bills.perform(run)


def test_an_account_and_a_contract_become_records_with_the_standard_fields(
    salesforce, organization, account
):
    configuration = bills.connect(organization, "SALESFORCE", SECRETS)
    contract = Contract.objects.create(
        organization=organization, account=account, name="2026", code="c26",
        start_date=date(2026, 1, 1), end_date=date(2027, 1, 1),
    )  # fmt: skip

    runs = [bring(configuration, "Account", account, account),
            bring(configuration, "Contract", contract, account)]  # fmt: skip

    assert [(run.status, run.error) for run in runs] == [("COMPLETE", "")] * 2
    (record,) = salesforce.rows["Billwright_Account__c"].values()
    assert (record["Name"], record[EXTERNAL]) == (account.name, str(account.pk))
    (record,) = salesforce.rows["Billwright_Contract__c"].values()
    assert (record["Name"], record["End_Date__c"]) == ("2026", "2027-01-01")


def test_an_account_that_is_mapped_changes_its_own_record_with_the_mapped_fields(
    salesforce, organization, account
):
    bills.map_account(account, "Salesforce", "Account", "001000000000001")
    fields = [{"externalField": "Region__c", "expression": "account.customFields.region + '!'"}]
    configuration = bills.connect(organization, "SALESFORCE", SECRETS, fieldMappings=fields)

    run = bring(configuration, "Account", account, account)

    assert (run.status, run.error, run.external_id) == ("COMPLETE", "", "001000000000001")
    assert salesforce.rows["Account"]["001000000000001"]["Region__c"] == "Nørre!"
    assert salesforce.rows["Billwright_Account__c"] == {}


def test_lines_follow_the_bill(salesforce, organization, account):
    configuration = bills.connect(organization, "SALESFORCE", SECRETS, lineObjectName="Line__c")
    bill = bills.make_bill(account, ["0.01"] * 449 + ["-1"])
    assert bills.send(configuration, bill).status == "COMPLETE"
    lines = salesforce.rows["Line__c"].values()
    assert (len(lines), sum(Decimal(str(line["Amount__c"])) for line in lines)) == (
        450,
        Decimal("3.49"),
    )
    bills.set_lines(bill, ["5", "6"])

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    assert sorted(line["Amount__c"] for line in salesforce.rows["Line__c"].values()) == [5, 6]
    assert {line["Bill__c"] for line in salesforce.rows["Line__c"].values()} == {run.external_id}


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_worker_killed_among_the_lines_leaves_none_twice(
    salesforce, organization, account, write
):
    configuration = bills.connect(organization, "SALESFORCE", SECRETS, lineObjectName="Line__c")
    bill = bills.make_bill(account, ["5", "6", "7"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["8"])
    run = bills.send_and_be_killed(configuration, bill, after_write=write)

    bills.perform(run)

    assert [line["Amount__c"] for line in salesforce.rows["Line__c"].values()] == [8]
    assert len(salesforce.rows["Billwright_Bill__c"]) == 1


def test_a_field_that_is_no_column_is_named(salesforce, organization, account):
    fields = [{"externalField": "Nope__c", "expression": "bill.billTotal"}]
    configuration = bills.connect(organization, "SALESFORCE", SECRETS, fieldMappings=fields)

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert run.status == "ERROR"
    assert "No such column 'Nope__c'" in run.error


def test_an_expression_without_a_value_names_its_field_and_writes_nothing(
    salesforce, organization, account
):
    fields = [{"externalField": "Region__c", "expression": "bill.billTotal / 0"}]
    configuration = bills.connect(organization, "SALESFORCE", SECRETS, fieldMappings=fields)

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, salesforce.asked) == ("ERROR", [])
    assert run.error.startswith("Region__c: ")


def test_a_limit_of_requests_is_waited_for(salesforce, organization, account):
    body = b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]'
    salesforce.fail = [Answered(403, body)]
    configuration = bills.connect(organization, "SALESFORCE", SECRETS)

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    configuration.refresh_from_db()
    assert (run.status, configuration.is_enabled) == ("RATE_LIMIT_RETRY", True)
    assert bills.perform(run).status == "COMPLETE"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"objectName": "Bill; DROP"}, "objectName must be the API name"),
        ({"fieldMappings": [{"externalField": "a b", "expression": "1"}]}, "by their API names"),
        ({"fieldMappings": [{"externalField": "A", "expression": "bill."}]}, "fieldMappings"),
        ({"fieldMappings": [{"externalField": "A", "expression": "plan.x"}]}, "plan.x"),
        ({"fieldMappings": [{"externalField": "A"}]}, "1: must be an object"),
        ({"fieldMappings": [{"externalField": "A", "expression": "1"}] * 2}, "A is given twice"),
        ({"fieldMappings": "x"}, "must be a list"),
        ({"fieldMappings": ["x", {"externalField": 1, "expression": []}]}, "2: externalField"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused_by_name(data, sentence):
    with pytest.raises((FieldRefused, FieldsRefused)) as refused:
        run_settings.check(data, registry.find("SALESFORCE"))

    assert sentence in " ".join(f"{one.field} {one.message}" for one in refused.value.errors)


def test_systems_without_fields_of_ones_own_say_so():
    data = {"fieldMappings": [{"externalField": "A", "expression": "1"}]}

    with pytest.raises(FieldRefused, match="takes no fields of one's own"):
        run_settings.check(data, registry.find("XERO"))


def test_an_address_that_is_not_salesforces_is_never_called(organization, account):
    secrets = {**SECRETS, "instance_url": "https://acme.my.salesforce.com.evil.example"}
    configuration = bills.connect(organization, "SALESFORCE", secrets)

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert run.status == "ERROR"
    assert "no address of Salesforce" in run.error
    assert "evil" not in "".join(RunLogEntry.objects.values_list("text", flat=True))


def test_tokens_whose_end_nobody_tells_are_renewed_after_ten_minutes(
    organization, account, settings
):
    configuration = bills.connect(organization, "SALESFORCE", {**SECRETS, "refreshToken": "r"})
    answer = {"access_token": "new", "instance_url": "https://other.my.salesforce.com"}
    before = datetime.now(UTC)

    row = oauth._keep(
        configuration.credential, configuration.credential.secrets, answer,
        by=principals.system(organization.pk),
    )  # fmt: skip

    assert row.secrets["instance_url"] == "https://other.my.salesforce.com"
    assert timedelta(minutes=14) < row.tokens_end_at - before < timedelta(minutes=16)


def test_a_mapping_made_by_a_run_is_that_of_the_object(salesforce, organization, account):
    configuration = bills.connect(organization, "SALESFORCE", SECRETS)
    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    mapping = ExternalMapping.objects.get(entity="Bill")

    assert (mapping.external_table, mapping.external_id) == ("Billwright_Bill__c", run.external_id)
