"""Alerts: their state, what they are about, and how many of them wait (C10)."""

import uuid

from django.urls import reverse

from billing.models import Account, BillJob
from organizations.models import Alert
from tests import factories
from tests.console.clients import Console, address, make_person
from tests.console.test_every_page import somebody


def make_alert(organization, **overrides):
    """Make an alert."""
    fields = {"severity": "ERROR", "type": "T", "description": "Account aurora was not billed."}
    return Alert.objects.create(organization=organization, **{**fields, **overrides})


def test_the_state_is_changed_on_the_page_of_an_alert(console, founded):
    alert = make_alert(founded.organization)

    page = console.text(console.get(Alert, "change", alert))
    answer = console.post(Alert, "change", alert, mark="IN_PROGRESS")

    alert.refresh_from_db()
    assert alert.status == "IN_PROGRESS"
    assert answer["Location"] == address(Alert, "change", alert)
    assert 'value="RESOLVED"' in page
    assert 'value="NEW"' not in page


def test_no_other_state_is_taken_and_nothing_of_readers(console, founded):
    alert = make_alert(founded.organization)
    reader = Console(make_person(founded, "ReadOnly"))

    unknown = console.post(Alert, "change", alert, mark="DONE")
    refused = reader.post(Alert, "change", alert, mark="RESOLVED")
    page = reader.text(reader.get(Alert, "change", alert))

    alert.refresh_from_db()
    assert (unknown.status_code, refused.status_code, alert.status) == (400, 403, "NEW")
    assert 'name="mark"' not in page


def test_an_alert_leads_to_its_job_and_account_where_they_open(console, founded):
    organization = founded.organization
    job = BillJob.objects.create(organization=organization)
    account = factories.make_account(organization, name="Aurora")
    alert = make_alert(
        organization, type="BILL_JOB_ACCOUNT_PARKED", account_id=account.pk, resource_id=job.pk
    )
    gone = make_alert(organization, type="BILL_JOB_COMPLETE", resource_id=uuid.uuid4())
    reading = {"effect": "allow", "action": ["config:retrieve"], "resource": ["config:event"]}
    narrow, _ = somebody(founded, [reading])

    page = console.text(console.get(Alert, "change", alert))
    without = console.text(console.get(Alert, "change", gone))
    closed = narrow.text(narrow.get(Alert, "change", alert))

    assert address(BillJob, "change", job) in page
    assert address(Account, "change", account) in page
    assert str(gone.resource_id) in without
    assert address(BillJob, "change", job) not in closed
    assert "Aurora" not in closed


def test_the_dashboard_counts_alerts_as_their_list_does(console, founded):
    for status in ("NEW", "NEW", "IN_PROGRESS", "RESOLVED"):
        make_alert(founded.organization, status=status)
    make_alert(factories.make_organization())

    counts = console.client.get(reverse("admin:index")).context["alert_counts"]
    listed = [console.client.get(each["url"]).context["cl"].result_count for each in counts]

    assert [each["words"] for each in counts] == ["2 new", "1 in progress"]
    assert listed == [2, 1]
