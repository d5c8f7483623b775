"""Failed usage in the console: what is offered, sent again, marked and downloaded."""

from datetime import timedelta

import pytest

from billing.models import IngestFailure
from billing.usage import uploads
from organizations.kernel import principals
from tests.billing.usage.stored import NOON, accept, gigabytes, item, stored
from tests.console.clients import Console, make_person

pytestmark = pytest.mark.django_db


def test_the_page_offers_the_missing_meter_filled_in_and_sends_again(console, founded):
    accept(founded.organization, item(meter="gpu", measure={"hours": 2}, who={"user": "u"}))
    failure = IngestFailure.objects.get()

    page = console.text(console.get(IngestFailure, "change", failure))
    form = console.text(
        console.client.get(
            "/admin/catalog/meter/add/?name=gpu&code=gpu&fields=who.user%2Cmeasure.hours"
        )
    )
    gigabytes(founded.organization, code="gpu", data_fields=[
        {"category": "MEASURE", "code": "hours", "name": "Hours", "unit": "h"}
    ])  # fmt: skip
    answer = console.client.post(
        f"/admin/billing/ingestfailure/{failure.pk}/resubmit/", follow=True
    )

    assert "/admin/catalog/meter/add/?name=gpu&amp;code=gpu&amp;fields=who.user" in page
    assert "&quot;hours&quot;" in form
    assert "Stored: 1 measurement." in console.text(answer)
    assert len(stored(founded.organization)) == 1


def test_all_of_a_filter_are_sent_again_and_leave_the_list(console, founded):
    accept(founded.organization, item(), item(), at=NOON)
    accept(founded.organization, item(meter="other"), at=NOON + timedelta(minutes=1))
    gigabytes(founded.organization)
    some = IngestFailure.objects.first()
    about = {"action": "resubmit", "_selected_action": [some.pk], "select_across": "1"}

    asked = console.client.post("/admin/billing/ingestfailure/?q=storage", about)
    done = console.client.post(
        "/admin/billing/ingestfailure/?q=storage", {**about, "confirmed": "yes"}, follow=True
    )

    assert "Each measurement is taken in as it was received" in console.text(asked)
    assert "Stored: 2 measurements." in console.text(done)
    assert len(stored(founded.organization)) == 2
    assert IngestFailure.objects.get(actioned_at=None).meter_code == "other"


def test_marked_failures_leave_the_list_and_their_events_the_api(console, founded, api):
    accept(founded.organization, item(uid="one"))
    failure = IngestFailure.objects.get()
    about = {"action": "mark_actioned", "_selected_action": [failure.pk], "confirmed": "yes"}

    answer = console.client.post("/admin/billing/ingestfailure/", about, follow=True)

    text = console.text(answer)
    assert "Marked as actioned: 1 failure." in text
    assert str(failure.pk) not in text
    assert str(failure.pk) in console.text(console.get(IngestFailure, "changelist", state="done"))
    assert api.get("events", eventName="ingest.validation.failure").json["data"] == []


def test_the_log_is_downloaded_as_a_file(console, founded):
    accept(founded.organization, item(uid="one"))
    failure = IngestFailure.objects.get()

    answer = console.client.get(f"/admin/billing/ingestfailure/{failure.pk}/log/")

    assert answer["Content-Disposition"] == f'attachment; filename="{failure.pk}.json"'
    assert answer.json()["measurements"][0]["uid"] == "one"


def test_whom_no_policy_lets_see_or_send_usage_gets_neither_log_nor_file_nor_sends(founded):
    accept(founded.organization, item(uid="one"))
    failure = IngestFailure.objects.get()
    gigabytes(founded.organization)
    stranger = Console(make_person(founded, None))
    job = uploads.expect(
        founded.organization.pk,
        file_name="f",
        content_type="text/json",
        size=2,
        by=principals.system(founded.organization.pk),
    )
    page = f"/admin/billing/ingestfailure/{failure.pk}"

    answers = [
        stranger.client.get(f"{page}/log/"),
        stranger.client.post(f"{page}/resubmit/"),
        stranger.client.get(f"/admin/billing/measurementupload/{job.pk}/file/original/"),
        stranger.client.get("/admin/billing/measurementupload/csv/"),
    ]

    failure.refresh_from_db()
    assert {answer.status_code for answer in answers} <= {403, 404}
    assert failure.resubmitted_at is None
    assert stored(founded.organization) == []
