"""Lock date and statements over the official client."""

from datetime import date

import pytest

from billing.models import Account
from tests.console.inhabited import make_bill
from tests.contract import bodies
from tests.official_client.driving import as_arguments, committed
from tests.official_client.test_access import SET_BY_SERVER

pytestmark = pytest.mark.django_db


@pytest.fixture
def bill(client):
    """A pending bill of May 2026."""
    made = client.accounts.create(**as_arguments(bodies.parent({})))
    return committed(lambda: make_bill(Account.objects.get(pk=made.id)))


def test_the_lock_date_is_read_and_set(client, bill):
    before = client.bill_config.retrieve()
    client.bills.update_status(str(bill.pk), status="APPROVED")

    after = client.bill_config.update(version=before.version, bill_lock_date="2026-05-31")

    assert (before.bill_lock_date, after.bill_lock_date) == (None, date(2026, 5, 31))
    assert client.bills.retrieve(str(bill.pk)).locked is True


def test_definitions_and_jobs_are_made_listed_and_cancelled(client, bill):
    definitions, jobs = client.statements.statement_definitions, client.statements.statement_jobs
    definition = definitions.create(aggregation_frequency="DAY", name="Daily")
    changed = definitions.update(
        definition.id, aggregation_frequency="WEEK", version=definition.version
    )
    job = jobs.create(bill_id=str(bill.pk), include_csv_format=True)
    (other,) = jobs.create_batch(bill_ids=[str(bill.pk)])

    assert changed.aggregation_frequency == "WEEK"
    assert [one.id for one in definitions.list()] == [definition.id]
    assert {one.id for one in jobs.list(bill_id=str(bill.pk))} == {job.id, other.id}
    assert jobs.retrieve(job.id).include_csv_format is True
    if jobs.retrieve(other.id).statement_job_status == "PENDING":
        assert jobs.cancel(other.id).statement_job_status == "CANCELLED"
    assert definitions.delete(definition.id).id == definition.id


def test_a_csv_statement_is_written_and_found_again(client, bill):
    definition = client.statements.statement_definitions.create(aggregation_frequency="MONTH")
    config = client.organization_config.retrieve().to_dict(mode="json")
    kept = {
        name: value
        for name, value in config.items()
        if value is not None and name not in SET_BY_SERVER
    }
    kept = {**kept, "defaultStatementDefinitionId": definition.id}
    client.organization_config.update(**as_arguments(kept), version=config["version"])

    made = client.statements.create_csv(str(bill.pk))

    assert made.download_url.startswith("http")
    assert client.statements.get_csv(str(bill.pk)).download_url
    assert client.statements.get_json(str(bill.pk)).download_url
