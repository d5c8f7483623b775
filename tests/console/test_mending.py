"""The dashboard names what stands in the way, each with the page that mends it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from billing.models import Account, BillJob, BillJobAccount, BillJobChunk, IngestFailure
from organizations.kernel import ids
from organizations.kernel.money import MissingConversionRate
from organizations.models import OrganizationConfig
from tests import factories
from tests.console.clients import Console, address
from tests.console.test_every_page import somebody

NOW = datetime.now(UTC)
NO_PRICE = "The plan has no price for the time."


def mending(console):
    """Open the dashboard and return what it says is to be mended."""
    return console.client.get(reverse("admin:index")).context["mending"]


def run(account, status, reason="", *, days=0):
    """Make a job of some days ago, with its outcome for the account."""
    job = BillJob.objects.create(
        organization_id=account.organization_id, status="COMPLETE", total=1,
        parked=int(status == "PARKED"),
    )  # fmt: skip
    BillJob.objects.filter(pk=job.pk).update(created_at=NOW - timedelta(days=days))
    chunk = BillJobChunk.objects.create(bill_job=job, number=1)
    BillJobAccount.objects.create(
        bill_job=job, account=account, chunk=chunk, status=status, reason=reason
    )
    return job


def fail(organization, kind, *, days=0, **fields):
    """Make a failure of some days ago."""
    row = IngestFailure.objects.create(
        organization=organization, event_id=ids.new_id(), type=kind, message="m", **fields
    )
    IngestFailure.objects.filter(pk=row.pk).update(created_at=NOW - timedelta(days=days))


def test_nothing_is_said_where_nothing_is_to_be_mended(console, founded):
    factories.make_account(founded.organization)

    assert mending(console) == {}
    assert "To mend" not in console.text(console.client.get(reverse("admin:index")))


def test_accounts_that_the_latest_run_parked_are_named_with_the_reason(console, founded):
    stays, billed, waits, retried = (
        factories.make_account(founded.organization, name=name)
        for name in ("Aurora", "Borealis", "Corona", "Dawn")
    )
    job = run(stays, "PARKED", NO_PRICE, days=1)
    run(billed, "PARKED", NO_PRICE, days=2)
    run(billed, "BILLED", days=1)
    run(waits, "PARKED", NO_PRICE, days=3)
    run(waits, "PENDING", days=1)
    run(retried, "BILLED", days=1)
    run(factories.make_account(factories.make_organization()), "PARKED", NO_PRICE)

    found = mending(console)["parked"]

    assert (found["count"], found["more"]) == ("2", 0)
    assert [row["name"] for row in found["accounts"]] == ["Aurora", "Corona"]
    assert found["accounts"][0] == {
        "name": "Aurora",
        "url": address(Account, "change", stays),
        "reason": NO_PRICE,
        "job_url": address(BillJob, "change", job),
        "rates_url": "",
    }


def test_a_missing_rate_leads_to_the_configuration(console, founded):
    account = factories.make_account(founded.organization)
    run(account, "PARKED", MissingConversionRate("USD", "EUR", account.code).message)

    [row] = mending(console)["parked"]["accounts"]

    assert row["rates_url"] == address(OrganizationConfig, "changelist")
    page = console.client.get(row["rates_url"], follow=True)
    assert page.status_code == 200
    assert "conversion" in console.text(page).lower()


def test_five_accounts_are_named_and_the_others_counted(console, founded):
    for number in range(7):
        account = factories.make_account(founded.organization, name=f"Account {number}")
        run(account, "PARKED", NO_PRICE, days=number)

    found = mending(console)["parked"]

    assert (found["count"], found["more"], len(found["accounts"])) == ("7", 2, 5)


def test_accounts_made_from_usage_are_counted_until_they_have_a_plan(console, founded):
    organization = founded.organization
    made = [factories.make_account(organization, is_autocreated=True) for _ in range(3)]
    factories.make_account(organization)
    factories.make_account(factories.make_organization(), is_autocreated=True)
    plan = factories.make_plan(factories.make_plan_template(factories.make_product(organization)))
    factories.make_account_plan(made[0], plan)

    found = mending(console)["autocreated"]
    listed = console.client.get(found["url"]).context["cl"]

    assert found["count"] == "2"
    assert {row.pk for row in listed.result_list} == {made[1].pk, made[2].pk}


def test_failed_usage_is_counted_by_reason_as_the_list_it_leads_to(console, founded):
    organization = founded.organization
    for days in (0, 1, 8):
        fail(organization, "MissingField", days=days)
    fail(organization, "UndefinedMeter")
    fail(organization, "UndefinedMeter", actioned_at=NOW)
    fail(factories.make_organization(), "DuplicateUid")

    found = mending(console)["failures"]
    listed = [console.client.get(one["url"]).context["cl"].result_count for one in found]

    assert {one["words"]: one["count"] for one in found} == {
        "Undefined meter": "1",
        "Missing field": "2",
    }
    assert [str(count) for count in listed] == [one["count"] for one in found]
    ways = {one["words"]: one["way"][0] for one in found}
    assert ways == {"Undefined meter": "Make a meter", "Missing field": "Meters"}


@pytest.mark.parametrize(
    ("resource", "part"),
    [
        ("config:account", "autocreated"),
        ("billing:billJob", None),  # without the account nobody is named
        ("data:measurement", "failures"),
    ],
)
def test_each_part_is_shown_to_whom_may_read_it(founded, resource, part):
    account = factories.make_account(founded.organization, is_autocreated=True, name="Aurora")
    run(account, "PARKED", NO_PRICE)
    fail(founded.organization, "MissingField")
    allowed = {
        "effect": "allow", "action": ["config:retrieve", "measurements:retrieve"],
        "resource": [resource],
    }  # fmt: skip
    narrow, _ = somebody(founded, [allowed])

    found = mending(narrow)

    assert {name for name, rows in found.items() if rows} == ({part} if part else set())


def test_a_job_that_is_kept_from_the_person_names_no_account(founded):
    account = factories.make_account(founded.organization, name="Aurora")
    job = run(account, "PARKED", NO_PRICE)
    everything = {"effect": "allow", "action": ["all"], "resource": ["*"]}
    deny = {
        "effect": "deny", "action": ["config:retrieve"],
        "resource": [f"billing:billJob/item/{job.pk}"],
    }  # fmt: skip
    narrow, _ = somebody(founded, [everything, deny])

    assert mending(narrow) == {}
    assert mending(Console(founded.admin))["parked"]["count"] == "1"
