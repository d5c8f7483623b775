"""Files of measurements: uploaded, taken in once, with a fault for each row that is not stored."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.test import Client

from billing import tasks
from billing.models import Account, IngestFailure, MeasurementUpload, UploadFault
from billing.usage import array_files, upload_rows, uploads
from config import environment
from organizations.kernel import clock, exact_json
from organizations.models import StoredFile
from tests.billing.usage.stored import gigabytes, item, stored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Store files in a folder of the test's own."""
    settings.STORAGES = {**settings.STORAGES, "files": environment.file_storage("", tmp_path)}
    return tmp_path


def ask(api: Any, content: bytes, **about: Any) -> dict[str, Any]:
    """Ask for an upload address."""
    usual = {"fileName": "june.json", "contentType": "application/json"}
    answer = api.post(
        "fileuploads/measurements/generateUploadUrl",
        {**usual, "contentLength": len(content), **about},
    )
    assert answer.status == 200, answer
    return answer.json


def send(address: dict[str, Any], content: bytes) -> int:
    """Put the bytes as a client does; returns the status."""
    kind = address["headers"]["Content-Type"]
    return Client().generic("PUT", address["url"], content, content_type=kind).status_code


def upload(api: Any, content: bytes, capture: Any) -> dict[str, Any]:
    """Upload a file, have a worker take it in, and return the job."""
    address = ask(api, content)
    with capture(execute=True):
        assert send(address, content) == 200
    tasks.take_in_upload(upload_id=address["jobId"])
    return api.get(f"fileuploads/measurements/jobs/{address['jobId']}").json


def read(api: Any, job: dict[str, Any], what: str) -> bytes:
    """Download the original or the errors of a job."""
    address = api.get(f"fileuploads/measurements/jobs/{job['id']}/{what}")
    assert address.status == 200, address
    return b"".join(Client().get(address.json["url"]).streaming_content)


def test_every_row_of_a_file_is_stored_and_counted(
    api, organization, django_capture_on_commit_callbacks
):
    gigabytes(organization)
    content = exact_json.dumps([item(uid=f"u{n}", measure={"gb": n}) for n in range(2500)])

    job = upload(api, content, django_capture_on_commit_callbacks)

    assert (job["status"], job["version"]) == ("succeeded", 1)
    assert (job["totalRows"], job["processedRows"], job["failedRows"]) == (2500, 2500, 0)
    assert job["contentLength"] == len(content)
    assert sorted(stored(organization)) == sorted(f"u{n}" for n in range(2500))
    assert read(api, job, "original") == content
    assert api.get(f"fileuploads/measurements/jobs/{job['id']}/errors").status == 400


def test_rows_that_are_wrong_stop_no_other_and_stand_in_the_file_of_errors(
    api, organization, django_capture_on_commit_callbacks
):
    gigabytes(organization)
    rows = [
        item(uid="good"),
        item(uid="late", ts="soon"),
        item(uid="lost", meter="nowhere"),
        item(uid="good"),
        5,
        item(uid="text", measure={"gb": "1"}),
        item(uid="also good", measure={"gb": 0.1}),
    ]

    job = upload(api, exact_json.dumps(rows), django_capture_on_commit_callbacks)

    assert (job["totalRows"], job["processedRows"], job["failedRows"]) == (7, 2, 5)
    assert job["status"] == "succeeded"
    assert sorted(stored(organization)) == ["also good", "good"]
    faults = exact_json.loads(read(api, job, "errors"))
    assert [(fault["row"], fault["errorType"]) for fault in faults] == [
        (2, "InvalidRow"),
        (3, "UndefinedMeter"),
        (4, "DuplicateUid"),
        (5, "InvalidRow"),
        (6, "InvalidRow"),
    ]
    assert faults[0]["message"] == "ts: must be an ISO 8601 date-time"
    assert [fault["measurement"] for fault in faults] == [rows[n] for n in (1, 2, 3, 4, 5)]
    types = IngestFailure.objects.order_by("type").values_list("type", flat=True)
    assert list(types) == ["DuplicateUid", "UndefinedMeter"]


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b'{"measurements": []}',
        b"[{}",
        b'[{"meter": "storage"} {"meter": "storage"}]',
        b'[{"a": 1},]',
        b"[] []",
        b"[" * 5000,
        b"\xff\xfe",
        b" ",
    ],
)
def test_a_file_that_is_not_a_json_array_fails_and_stores_nothing(
    api, organization, django_capture_on_commit_callbacks, content
):
    gigabytes(organization)

    job = upload(api, content, django_capture_on_commit_callbacks)

    assert (job["status"], job["totalRows"], job["processedRows"]) == ("failed", None, 0)
    assert MeasurementUpload.objects.get().failure_reason.startswith("The file ")
    assert stored(organization) == []
    assert Account.objects.count() == 0


def test_a_fault_of_syntax_at_the_end_of_a_large_file_stores_nothing(
    api, organization, django_capture_on_commit_callbacks
):
    gigabytes(organization)
    rows = exact_json.dumps([item(uid=f"u{n}") for n in range(5000)])

    job = upload(api, rows[:-2] + b"]", django_capture_on_commit_callbacks)

    assert job["status"] == "failed"
    assert stored(organization) == []


def test_an_empty_array_and_a_byte_order_mark_are_fine(
    api, organization, django_capture_on_commit_callbacks
):
    gigabytes(organization)

    empty = upload(api, b" [ ] ", django_capture_on_commit_callbacks)
    marked = upload(
        api, b"\xef\xbb\xbf" + exact_json.dumps([item()]), django_capture_on_commit_callbacks
    )

    assert (empty["status"], empty["totalRows"]) == ("succeeded", 0)
    assert (marked["status"], marked["processedRows"]) == ("succeeded", 1)


def test_after_a_crash_the_next_worker_goes_on_and_counts_nothing_twice(
    api, organization, monkeypatch, django_capture_on_commit_callbacks
):
    gigabytes(organization)
    monkeypatch.setattr(array_files, "PIECE_BYTES", 65_536)
    # Without uids nothing but the position in the file keeps rows from being stored twice.
    content = exact_json.dumps([item(uid=None, measure={"gb": n}) for n in range(9000)])
    address = ask(api, content)
    send(address, content)
    calls, store = [], upload_rows.store

    def crashing(*args: Any, **options: Any) -> Any:
        calls.append(options["first"])
        found = store(*args, **options)
        if len(calls) == 3:
            raise KeyboardInterrupt  # as good as kill -9: nothing of ours catches it
        return found

    monkeypatch.setattr(upload_rows, "store", crashing)
    with pytest.raises(KeyboardInterrupt):
        tasks.take_in_upload(upload_id=address["jobId"])
    monkeypatch.setattr(upload_rows, "store", store)
    half = MeasurementUpload.objects.get()
    tasks.take_in_upload(upload_id=address["jobId"])
    while_leased = MeasurementUpload.objects.get()
    handed_out = []
    monkeypatch.setattr(uploads, "_enqueue", handed_out.append)
    tasks.sweep_uploads()
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        tasks.sweep_uploads()
        tasks.take_in_upload(upload_id=address["jobId"])

    done = MeasurementUpload.objects.get()
    assert 0 < half.handled_rows == calls[2] - 1 < 9000
    assert while_leased.handled_rows == half.handled_rows
    assert handed_out == [UUID(address["jobId"])]
    assert (done.status, done.handled_rows, done.failed_rows) == ("succeeded", 9000, 0)
    rows = stored(organization, "(fields->>'gb')::int")
    assert sorted(rows) == list(range(9000))


def test_a_crash_behind_the_last_batch_is_only_finished(
    api, organization, monkeypatch, django_capture_on_commit_callbacks
):
    gigabytes(organization)
    content = exact_json.dumps([item(), item(meter="nowhere")])
    address = ask(api, content)
    send(address, content)

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(uploads, "_finish", crash)
        tasks.take_in_upload(upload_id=address["jobId"])
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        tasks.take_in_upload(upload_id=address["jobId"])
        tasks.take_in_upload(upload_id=address["jobId"])

    done = MeasurementUpload.objects.get()
    assert (done.status, done.handled_rows, done.failed_rows) == ("succeeded", 2, 1)
    assert len(stored(organization)) == 1
    assert StoredFile.objects.filter(kind="measurement_errors").count() == 1


def test_of_very_many_faults_only_the_first_stay_as_rows(
    api, organization, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr("billing.usage.upload_faults.MOST_SHOWN", 10)
    monkeypatch.setattr("billing.usage.upload_faults.DELETED_AT_ONCE", 7)
    content = exact_json.dumps([item(ts="x") for _ in range(50)])

    job = upload(api, content, django_capture_on_commit_callbacks)

    assert job["failedRows"] == 50
    assert len(exact_json.loads(read(api, job, "errors"))) == 50
    rows = UploadFault.objects.order_by("row").values_list("row", flat=True)
    assert list(rows) == list(range(1, 11))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"fileName": ""}, "fileName"),
        ({"fileName": "x" * 101}, "fileName"),
        ({"contentType": "text/csv"}, "contentType"),
        ({"contentLength": 0}, "contentLength"),
        ({"contentLength": 1024**3 + 1}, "contentLength"),
        ({"contentLength": "many"}, "contentLength"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_by_name_and_makes_no_job(api, wrong, field):
    body = {"fileName": "a", "contentType": "text/json", "contentLength": 5, **wrong}

    answer = api.post("fileuploads/measurements/generateUploadUrl", body)

    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert not MeasurementUpload.objects.exists()
    assert not StoredFile.objects.exists()


def test_a_job_waits_for_its_file_and_refuses_one_of_another_length(api, organization):
    address = ask(api, b"[]")

    status = send(address, b"[ ]")

    job = api.get(f"fileuploads/measurements/jobs/{address['jobId']}").json
    original = api.get(f"fileuploads/measurements/jobs/{address['jobId']}/original")
    assert status == 400
    assert job == {
        "id": address["jobId"],
        "version": 1,
        "fileName": "june.json",
        "uploadDate": None,
        "contentLength": 2,
        "status": "notUploaded",
        "totalRows": None,
        "processedRows": 0,
        "failedRows": 0,
    }
    assert original.status == 400


def test_jobs_are_listed_newest_first_and_by_the_day_they_were_made(api):
    made = []
    for day in (1, 2, 3):
        address = ask(api, b"[]")
        made.append(address["jobId"])
        at = f"2026-05-0{day}T00:00:00Z"
        MeasurementUpload.objects.filter(pk=address["jobId"]).update(created_at=at)

    def listed(**query: Any) -> list[str]:
        answer = api.get("fileuploads/measurements/jobs", **query)
        assert answer.status == 200, answer
        return [job["id"] for job in answer.json["data"]]

    assert listed() == made[::-1]
    assert listed(
        dateCreatedStart="2026-05-02T00:00:00Z", dateCreatedEnd="2026-05-03T00:00:00Z"
    ) == [made[1]]
    assert listed(fileKey="whatever", pageSize=1) == [made[2]]
    assert api.get("fileuploads/measurements/jobs", dateCreatedStart="May").status == 400


# Cutting ---------------------------------------------------------------------------------------


def cut(content: bytes, begin: int = 0) -> list[array_files.Piece]:
    """Return the pieces of a file."""
    return list(array_files.pieces(io.BytesIO(content), begin=begin))


def test_a_file_is_cut_between_items_whatever_they_hold(monkeypatch):
    monkeypatch.setattr(array_files, "PIECE_BYTES", 64)
    awkward = [
        {"a": "}, {"},
        {"b": [{"c": 1}, {"d": '"}, {"'}]},
        {"e": "\\"},
        7,
        {"f": {"g": {"h": "x" * 200}}},
        [{"i": 1}, {"j": 2}],
        {"k": "é}\n, {"},
    ] * 20
    content = b"\n".join([b"[", exact_json.dumps(awkward)[1:-1].replace(b",", b" , "), b"]"])
    expected = exact_json.loads(content)

    pieces = cut(content)

    assert len(pieces) > 20
    assert [exact_json.loads(one) for piece in pieces for one in piece.items] == expected
    for number, piece in enumerate(pieces[:-1], 1):
        rest = [exact_json.loads(one) for each in cut(content, piece.ends_at) for one in each.items]
        done = sum(len(each.items) for each in pieces[:number])
        assert rest == expected[done:]


def test_an_item_longer_than_a_mebibyte_is_refused():
    with pytest.raises(array_files.NotAnArray, match="mebibyte"):
        cut(b'[{"a": "' + b"x" * 2_000_000 + b'"}]')
