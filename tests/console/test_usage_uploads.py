"""Uploads in the console: a table of one meter, and the files that were sent over the API."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import IngestFailure, MeasurementUpload
from billing.usage import uploads
from config import environment
from organizations.kernel import files, principals
from tests.billing.usage.stored import gigabytes, stored
from tests.console.clients import Console
from tests.factories import make_founded

pytestmark = pytest.mark.django_db
PAGE = "/admin/billing/measurementupload/csv/"
HEADER = "uid,meter,account,ts,ets,measure.gb\n"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Store files in a folder of the test's own."""
    settings.STORAGES = {**settings.STORAGES, "files": environment.file_storage("", tmp_path)}
    return tmp_path


def send(console: Console, meter: Any, text: str, **more: Any) -> Any:
    """Upload a table."""
    file = SimpleUploadedFile("usage.csv", text.encode(), content_type="text/csv")
    return console.client.post(PAGE, {"meter": meter.pk, "file": file, **more}, follow=True)


def test_a_table_without_faults_is_stored_at_once(console, founded):
    meter = gigabytes(founded.organization)

    answer = send(console, meter, HEADER + "u1,storage,acme,2026-06-01,,1\n")

    assert "Stored: 1 measurement." in console.text(answer)
    assert stored(founded.organization) == ["u1"]


def test_one_fault_and_nothing_is_stored(console, founded):
    meter = gigabytes(founded.organization)
    good = "u1,storage,acme,2026-06-01,,1\n"

    answer = send(console, meter, HEADER + good + "u2,storage,acme,2026-06-01,,much\n")

    text = console.text(answer)
    assert "Nothing was stored: 1 fault" in text
    assert "<td>3</td><td>measure.gb</td>" in text
    assert stored(founded.organization) == []
    assert not IngestFailure.objects.exists()


def test_what_was_sent_before_is_told_and_counted_once(console, founded):
    meter = gigabytes(founded.organization)
    table = HEADER + "u1,storage,acme,2026-06-01,,1\n"
    send(console, meter, table)

    answer = send(console, meter, table)

    assert "Not stored: 1 measurement." in console.text(answer)
    assert stored(founded.organization) == ["u1"]


def test_the_template_of_a_meter_is_a_file(console, founded):
    meter = gigabytes(founded.organization)

    answer = console.client.post(PAGE, {"meter": meter.pk, "do": "template"})

    assert answer["Content-Disposition"] == 'attachment; filename="storage.csv"'
    assert answer.content.decode() == HEADER.replace("\n", "\r\n")


def test_a_meter_of_another_organization_and_no_file_are_refused(console, founded):
    meter = gigabytes(founded.organization)
    theirs = gigabytes(make_founded().organization)

    foreign = send(console, theirs, HEADER + "u1,storage,acme,2026-06-01,,1\n")
    empty = console.client.post(PAGE, {"meter": meter.pk})

    assert "Select a valid choice" in console.text(foreign)
    assert "Choose a file." in console.text(empty)
    assert stored(founded.organization) == stored(theirs.organization) == []


def test_the_page_of_a_file_shows_its_faults_and_leads_to_both_files(console, founded):
    gigabytes(founded.organization)
    by = principals.system(founded.organization.pk)
    content = b'[{"meter": "storage"}]'
    upload = uploads.expect(
        founded.organization.pk,
        file_name="june.json",
        content_type="text/json",
        size=len(content),
        by=by,
    )
    files.receive(upload.file_id, io.BytesIO(content), length=len(content))
    uploads.take_in(upload.pk)

    listed = console.text(console.get(MeasurementUpload))
    page = console.text(console.get(MeasurementUpload, "change", upload))
    base = f"/admin/billing/measurementupload/{upload.pk}/file"
    original = console.client.get(f"{base}/original/", follow=True)
    errors = console.client.get(f"{base}/errors/", follow=True)

    assert "june.json" in listed
    assert "1 of 1" in page
    assert "account: is required" in page
    assert b"".join(original.streaming_content) == content
    assert b'"errorType":"InvalidRow"' in b"".join(errors.streaming_content)
    assert console.client.get(f"{base}/secret/").status_code == 404
