"""Accounts that a bill job has parked, over the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import BillJob
from tests import factories
from tests.clients import ApiClient
from tests.organizations.api.conftest import acting  # noqa: F401


@pytest.fixture
def job(organization):
    """A job that billed one account and parked three."""
    job = BillJob.objects.create(organization=organization, status="COMPLETE")
    chunk = job.chunks.create(number=1)
    billed = factories.make_account(organization, name="Billed", code="billed")
    job.accounts.create(account=billed, chunk=chunk, status="BILLED")
    for name in ("Aurora", "Borealis", "Corona"):
        job.accounts.create(
            account=factories.make_account(organization, name=name, code=name.lower()),
            chunk=chunk, status="PARKED", reason=f"No rate for {name}.",
            finished_at="2026-06-01T00:00:00Z",
        )  # fmt: skip
    return job


def test_parked_accounts_are_told_with_their_reason_a_page_at_a_time(api, job):
    path = f"billjobs/{job.pk}/parked"

    first = api.get(path, pageSize=2).json
    rest = api.get(path, pageSize=2, nextToken=first["nextToken"]).json

    newest = job.accounts.get(account__code="corona")
    assert first["data"][0] == {
        "accountId": str(newest.account_id), "accountCode": "corona", "accountName": "Corona",
        "reason": "No rate for Corona.", "dtParked": "2026-06-01T00:00:00.000Z",
    }  # fmt: skip
    found = [row["accountCode"] for page in (first, rest) for row in page["data"]]
    assert found == ["corona", "borealis", "aurora"]
    assert rest["nextToken"] is None


def test_a_page_needs_as_many_queries_with_three_accounts_as_with_one(api, job):
    path = f"billjobs/{job.pk}/parked"
    api.get(path)

    with CaptureQueriesContext(connection) as one:
        api.get(path, pageSize=1)
    with CaptureQueriesContext(connection) as three:
        api.get(path, pageSize=3)

    assert len(three) == len(one)


def test_whoever_may_not_read_the_job_learns_nothing(acting, job):  # noqa: F811
    stranger = acting(
        {"effect": "allow", "action": ["config:retrieve"], "resource": ["config:account"]}
    )

    assert stranger.get(f"billjobs/{job.pk}/parked").status == 403


def test_a_job_of_another_organization_is_not_there(job):
    elsewhere = ApiClient(factories.make_founded())

    assert elsewhere.get(f"billjobs/{job.pk}/parked").status == 404


def test_reasons_are_of_accounts_one_may_read(acting, job):  # noqa: F811
    hidden = job.accounts.get(account__code="aurora").account_id
    reading = {"effect": "allow", "action": ["config:retrieve"]}
    nearly = acting(
        {**reading, "resource": ["billing:billJob", "config:account"]},
        {**reading, "effect": "deny", "resource": [f"config:account/item/{hidden}"]},
    )
    jobs_only = acting({**reading, "resource": ["billing:billJob"]})

    def reasons(client):
        rows = client.get(f"billjobs/{job.pk}/parked").json["data"]
        return {row["accountCode"]: row["reason"] for row in rows}

    assert reasons(nearly) == {
        "aurora": None,
        "borealis": "No rate for Borealis.",
        "corona": "No rate for Corona.",
    }
    assert reasons(jobs_only) == dict.fromkeys(("aurora", "borealis", "corona"))


def test_an_unknown_token_or_size_is_refused_by_name(api, job):
    for query in ({"pageSize": 101}, {"nextToken": "x"}):
        answer = api.get(f"billjobs/{job.pk}/parked", **query)
        assert answer.status == 400
        assert next(iter(query)) in answer.json["message"]
