"""The panel of running tasks: what is told, to whom, and where it stands (C0)."""

import pytest
from django.urls import reverse

from billing.models import BillJob, BillJobStatus
from organizations.kernel import changes, ids, principals
from organizations.models import Membership
from tests import factories
from tests.console.clients import Console, make_person


def make_job(organization, status, **fields):
    """Make a bill job of three accounts with a bill each."""
    fields = {"total": 3, "pending": 3, **fields}
    return BillJob.objects.create(
        organization=organization, status=status, created_by=ids.new_id(),
        latest_date_in_billing_period="2026-10-31",
        total_bills=fields["total"], pending_bills=fields["pending"], **fields,
    )  # fmt: skip


def running(console):
    """Return what the panel is told."""
    return console.client.get(reverse("admin:running_tasks")).json()["tasks"]


def test_what_runs_is_told_with_its_progress_and_what_is_over_is_not(console, founded):
    make_job(founded.organization, BillJobStatus.COMPLETE)
    make_job(founded.organization, BillJobStatus.CANCELLED)
    quiet = running(console)

    job = make_job(founded.organization, BillJobStatus.RUNNING, pending=1, billed=2)
    make_job(factories.make_organization(), BillJobStatus.RUNNING)

    assert quiet == []
    [task] = running(console)
    assert str(job.pk) in task["url"]
    assert task["percent"] == "66.67"
    assert "2 of 3 accounts done (2 billed)" in task["words"]


def test_who_may_not_see_bill_jobs_is_told_of_none(founded):
    make_job(founded.organization, BillJobStatus.RUNNING)

    assert running(Console(make_person(founded, None))) == []


def test_a_job_that_is_kept_from_somebody_is_not_told_of(founded):
    hidden = make_job(founded.organization, BillJobStatus.RUNNING)
    shown = make_job(founded.organization, BillJobStatus.RUNNING)
    person = make_person(founded, "Administrator")
    deny = {
        "effect": "deny", "action": ["config:retrieve"],
        "resource": [f"billing:billJob/item/{hidden.pk}"],
    }  # fmt: skip
    member = Membership.objects.get(user=person)
    with changes.editing(member, by=principals.system(founded.organization.pk)) as changed:
        changed.statements = [deny]

    [task] = running(Console(person))

    assert str(shown.pk) in task["url"]


def test_however_many_jobs_run_the_queries_are_the_same(
    console, founded, django_assert_max_num_queries
):
    for _ in range(8):
        make_job(founded.organization, BillJobStatus.PENDING)
    running(console)

    with django_assert_max_num_queries(12):
        assert len(running(console)) == 8


@pytest.mark.parametrize("page", ["admin:index", "admin:billing_account_changelist"])
def test_the_panel_is_in_the_header_of_every_page(console, page):
    shown = console.text(console.client.get(reverse(page)))

    assert f'data-running-url="{reverse("admin:running_tasks")}"' in shown
