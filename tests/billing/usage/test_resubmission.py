"""Failed usage that is sent again: stored once, with its uid, or refused anew."""

from typing import Any

import pytest

from billing import tasks
from billing.models import Account, IngestFailure
from billing.usage import resubmission
from organizations.kernel import clock, principals
from organizations.models import Event
from tests.billing.usage.stored import accept, gigabytes, item, stored
from tests.factories import make_account, make_founded

pytestmark = pytest.mark.django_db


def again(organization: Any, *rows: IngestFailure) -> resubmission.Report | None:
    """Send failures again."""
    by = principals.system(organization.pk)
    return resubmission.request(organization.pk, [row.pk for row in rows], by=by)


def test_usage_of_a_missing_meter_is_stored_with_its_uid_once_the_meter_is_there(organization):
    accept(organization, item(uid="early", measure={"gb": 1.25}))
    failure = IngestFailure.objects.get()
    gigabytes(organization)

    report = again(organization, failure)

    failure.refresh_from_db()
    assert report == resubmission.Report(stored=1)
    assert stored(organization, "uid, fields") == [("early", '{"gb": 1.25}')]
    assert failure.outcome == "STORED"
    assert failure.actioned_at is not None
    assert Event.objects.get(pk=failure.event_id).actioned_at == failure.actioned_at


def test_what_is_refused_again_is_a_new_failure_and_the_old_one_is_done_with(organization):
    accept(organization, item(uid="early"))
    old = IngestFailure.objects.get()

    report = again(organization, old)

    old.refresh_from_db()
    new = IngestFailure.objects.exclude(pk=old.pk).get()
    assert report == resubmission.Report(refused=1)
    assert old.outcome == "REFUSED"
    assert (new.type, new.uids, new.actioned_at) == ("UndefinedMeter", ["early"], None)
    assert stored(organization) == []


def test_a_failure_is_sent_again_once(organization):
    accept(organization, item(uid=None))
    failure = IngestFailure.objects.get()
    gigabytes(organization)

    again(organization, failure)
    report = again(organization, failure)

    assert report == resubmission.Report(left=1)
    assert len(stored(organization)) == 1


def test_what_came_another_way_meanwhile_is_not_counted_twice(organization):
    accept(organization, item(uid="early"))
    failure = IngestFailure.objects.get()
    gigabytes(organization)
    accept(organization, item(uid="early"), at=clock.now())

    report = again(organization, failure)

    assert report == resubmission.Report(refused=1)
    assert stored(organization) == ["early"]


def test_duplicates_are_left_as_they_are(organization):
    gigabytes(organization)
    accept(organization, item(uid="a"), item(uid="a"))
    failure = IngestFailure.objects.get()

    report = again(organization, failure)

    assert report == resubmission.Report(left=1)
    assert stored(organization) == ["a"]
    assert not failure.may_be_resubmitted


def test_a_near_match_is_stored_once_its_account_is_made(organization):
    gigabytes(organization)
    make_account(organization, code="ACME")
    accept(organization, item(account="acme"))
    failure = IngestFailure.objects.get()
    Account.objects.filter(organization=organization, code="ACME").update(code="acme")

    report = again(organization, failure)

    assert failure.type == "InvalidAccountCode"
    assert report == resubmission.Report(stored=1)


def test_very_many_are_sent_in_the_background(
    organization, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(resubmission, "AT_ONCE", 2)
    accept(organization, *[item() for _ in range(5)])
    gigabytes(organization)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.resubmit_failures, "delay", lambda **about: sent.append(about))

    with django_capture_on_commit_callbacks(execute=True):
        report = again(organization, *IngestFailure.objects.order_by("pk"))
    for about in sent:
        tasks.resubmit_failures(**about)
        tasks.resubmit_failures(**about)

    assert report is None
    assert [len(about["failure_ids"]) for about in sent] == [2, 2, 1]
    assert len(stored(organization)) == 5
    assert not IngestFailure.objects.filter(actioned_at=None).exists()


def test_another_organizations_failures_are_not_touched(organization):
    accept(make_founded().organization, item())
    failure = IngestFailure.objects.get()

    report = again(organization, failure)

    failure.refresh_from_db()
    assert report == resubmission.Report(left=1)
    assert failure.resubmitted_at is None
