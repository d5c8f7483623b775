"""Jobs of lookup tables over the API: copies, uploads, downloads and archives (usage.md 15.5)."""

import io
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from catalog.lookups import jobs
from catalog.models import LookupRow, LookupTableJob, LookupTableRevision
from organizations.kernel import clock, files
from organizations.models import FileState
from tests.catalog.test_lookups_api import refused, revision, set_status, table

UK, US = {"country": "UK", "rate": Decimal("0.8")}, {"country": "US", "rate": Decimal("0.9")}
CSV, JSONL = "text/csv", "application/jsonl"


@pytest.fixture
def draft(api):
    """The address of a draft with two items."""
    return revision(api, table(api), items=[UK, US])[0]


def announce(api, address, text, *, content_type=CSV, version=2):
    body = {
        "fileName": "rates",
        "contentType": content_type,
        "contentLength": len(text.encode()),
        "version": version,
    }
    answer = api.post(f"{address}/data/generateuploadurl", body)
    assert answer.status == 200, answer
    return LookupTableJob.objects.select_related("file").get(pk=answer.json["jobId"])


def upload(api, address, text, **about):
    """Upload a file, have it taken in, and return how the job looks then."""
    job = announce(api, address, text, **about)
    files.receive(job.file.pk, io.BytesIO(text.encode()), length=len(text.encode()))
    jobs.work_off(job.pk)
    return api.get(f"{address}/data/jobs/{job.pk}").json


def items(api, address):
    return api.get(f"{address}/data").json["items"]


def content(job_id):
    job = LookupTableJob.objects.select_related("file").get(pk=job_id)
    return b"".join(files.chunks(job.file)).decode()


def test_a_csv_adds_items_and_replaces_those_with_the_same_keys(api, draft):
    job = upload(api, draft, "rate,country\r\n0.75,UK\r\n1e1,DE\r\n\r\n,FR\r\n")

    assert (job["status"], job["type"], job["fileName"]) == ("SUCCEEDED", "UPLOAD", "rates")
    assert job["downloadUrl"] is None
    assert items(api, draft) == [
        {"country": "DE", "rate": 10},
        {"country": "FR", "rate": None},
        {"country": "UK", "rate": Decimal("0.75")},
        US,
    ]
    assert api.get(draft).json["itemCount"] == 4
    assert api.get(f"{draft}/data").json["version"] == 3


def test_json_lines_are_taken_in_exactly_and_the_last_of_a_key_counts(api, draft):
    lines = (
        '{"country": "UK", "rate": 1}\n\n{"country": "UK", "rate": 0.123456789012345678}\n'
        '{"country": "ES"}'
    )

    assert upload(api, draft, lines, content_type=JSONL)["status"] == "SUCCEEDED"
    assert items(api, draft) == [
        {"country": "ES", "rate": None},
        {"country": "UK", "rate": Decimal("0.123456789012345678")},
        US,
    ]


@pytest.mark.parametrize(
    ("text", "content_type", "reason"),
    [
        (
            "country,rate\nDE,1\nFR,much\n,2\nES,1,1\n",
            CSV,
            "3 rows of 4 cannot be stored, so nothing is: Row 3: rate must be a number. Row 4: "
            "country is a key and must have a value. Row 5: has more than 2 cells.",
        ),
        (
            '{"country": "DE"}\n{"country": 5}\n{"land": "DE"}\n[1]\n{\n',
            JSONL,
            "4 rows of 5 cannot be stored, so nothing is: Row 2: country must be a string. Row 3: "
            "land is no field of this revision, country is a key and must have a value. Row 4: "
            "must be an object. Row 5: is not JSON.",
        ),
        ("land,rate\nDE,1\n", CSV,
         "Row 1 must name the fields, and 'land' is no field of this revision."),
        ("rate\n1\n", CSV, "Row 1 does not name country, which is a key."),
        ("rate,rate\n1,1\n", CSV, "Row 1 names a field twice."),
        ("country,rate\n", CSV, "The file has no rows."),
        ("x" * (2**20 + 1), JSONL, "Line 1 has more than 1,048,576 characters."),
        ('country,rate\n"' + "x\n" * 80_000, CSV,
         "Row 2 is not CSV: field larger than field limit (131072)."),
    ],
)  # fmt: skip
def test_a_file_with_a_fault_stores_nothing_and_the_job_names_rows(
    api, draft, text, content_type, reason
):
    job = upload(api, draft, text, content_type=content_type)

    assert (job["status"], job["failureReason"]) == ("FAILED", reason)
    assert items(api, draft) == [UK, US]
    assert api.get(f"{draft}/data").json["version"] == 2


def test_of_many_faults_the_first_twenty_are_told_and_all_are_counted(api, draft):
    text = "country,rate\n" + "".join(f"c{number},x\n" for number in range(6000))

    reason = upload(api, draft, text)["failureReason"]

    assert reason.startswith("6,000 rows of 6,000 cannot be stored, so nothing is: Row 2: rate")
    assert reason.endswith("Row 21: rate must be a number. And so on.")
    assert LookupRow.objects.count() == 2


def test_a_text_in_another_encoding_is_refused(api, draft):
    job = announce(api, draft, "xxxx")
    files.receive(job.file.pk, io.BytesIO(b"\xe9\xff\xfe\xfd"), length=4)

    jobs.work_off(job.pk)

    job.refresh_from_db()
    assert (job.status, job.failure_reason) == ("FAILED", "The file is not text in UTF-8.")


def test_an_upload_into_data_that_changed_meanwhile_stores_nothing(api, draft):
    text = "country,rate\nDE,1\n"
    job = announce(api, draft, text)
    assert api.put(f"{draft}/data", {"items": [UK], "version": 2}).status == 200
    files.receive(job.file.pk, io.BytesIO(text.encode()), length=len(text))

    jobs.work_off(job.pk)

    shown = api.get(f"{draft}/data/jobs/{job.pk}").json
    assert shown["status"] == "FAILED"
    assert "changed by somebody else" in shown["failureReason"]
    assert items(api, draft) == [UK, US]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"contentType": "text/plain"}, ["contentType"]),
        ({"contentLength": 0}, ["contentLength"]),
        ({"contentLength": 100 * 1024**2 + 1}, ["contentLength"]),
        ({"fileName": ""}, ["fileName"]),
        ({"fileName": "x" * 101, "contentType": None}, ["contentType", "fileName"]),
        ({"version": None}, ["version"]),
    ],
)
def test_an_upload_that_cannot_be_is_refused_by_its_fields(api, draft, change, fields):
    body = {"fileName": "r", "contentType": CSV, "contentLength": 5, "version": 2, **change}

    refused(api.post(f"{draft}/data/generateuploadurl", body), *fields)
    assert LookupTableJob.objects.count() == 0


def test_an_upload_needs_a_draft_and_the_version_of_its_data(api, draft):
    body = {"fileName": "r", "contentType": CSV, "contentLength": 5, "version": 1}
    assert api.post(f"{draft}/data/generateuploadurl", body).status == 409
    set_status(api, draft, "PUBLISHED")

    refused(api.post(f"{draft}/data/generateuploadurl", {**body, "version": 2}), "items")
    assert LookupTableJob.objects.count() == 0


@pytest.mark.parametrize("content_type", [CSV, JSONL])
def test_what_is_downloaded_can_be_uploaded_again(api, content_type):
    owner = table(api)
    odd = [
        {"country": country, "rate": Decimal("-0.5")}
        for country in ("=1+1", "'=1", "'a", 'a "b"\n,c', "-5", "ü")
    ]
    source, _ = revision(api, owner, items=odd)
    target, _ = revision(api, owner, name="T")
    started = api.post(f"{source}/data/jobs/download", {"contentType": content_type}).json["jobId"]
    assert api.get(f"{source}/data/jobs/{started}").json["downloadUrl"] is None
    jobs.work_off(UUID(started))

    done = api.get(f"{source}/data/jobs/{started}").json
    text = content(started)
    again = upload(api, target, text, content_type=content_type, version=1)

    assert (done["status"], done["type"]) == ("SUCCEEDED", "DOWNLOAD")
    assert "/files/download/" in done["downloadUrl"]
    assert done["downloadUrlExpiry"] is not None
    assert again["status"] == "SUCCEEDED", again
    assert items(api, target) == items(api, source)


def test_a_copy_without_target_makes_a_draft_of_the_same_schema_and_data(api, draft):
    set_status(api, draft, "PUBLISHED")

    answer = api.post(f"{draft}/data/copy", {}).json
    jobs.work_off(UUID(answer["jobId"]))

    copied = f"{draft.rpartition('/')[0]}/{answer['revisionId']}"
    shown = api.get(copied).json
    assert (shown["name"], shown["status"], shown["itemCount"]) == ("R Copy", "DRAFT", 2)
    assert shown["keys"] == ["country"]
    assert items(api, copied) == [UK, US]
    job = api.get(f"{draft}/data/jobs/{answer['jobId']}").json
    assert (job["type"], job["status"]) == ("COPY", "SUCCEEDED")
    assert job["destinationLookupTableRevisionId"] == answer["revisionId"]


def test_a_copy_into_a_draft_replaces_what_has_the_same_keys(api, draft):
    target, row = revision(
        api,
        table(api, "other"),
        items=[{"country": "US", "rate": 3}, {"country": "ZA", "rate": 4}],
        fields=[("rate", "NUMBER"), ("country", "STRING")],
    )

    answer = api.post(f"{draft}/data/copy", {"revisionId": row["id"]}).json
    jobs.work_off(UUID(answer["jobId"]))
    jobs.work_off(UUID(answer["jobId"]))

    assert answer["revisionId"] == row["id"]
    assert items(api, target) == [UK, US, {"country": "ZA", "rate": 4}]
    assert api.get(target).json["itemCount"] == 3
    assert api.get(f"{target}/data").json["version"] == 3


def test_a_copy_into_what_cannot_take_it_is_refused(api, draft):
    owner = table(api, "other")
    _, other = revision(api, owner, fields=[("country", "STRING"), ("rate", "STRING")])
    address, frozen = revision(api, owner)
    set_status(api, address, "PUBLISHED")
    itself = draft.rpartition("/")[2]

    for target in (other["id"], frozen["id"], itself, str(UUID(int=5)), "nonsense"):
        refused(api.post(f"{draft}/data/copy", {"revisionId": target}), "revisionId")
    assert LookupTableJob.objects.count() == 0
    assert LookupTableRevision.objects.count() == 3


def test_archived_data_have_an_address_and_one_file_for_all_who_ask(api, draft):
    refused(api.post(f"{draft}/data/archived", {"contentType": CSV}), "revisionId")
    set_status(api, draft, "ARCHIVED")

    first = api.post(f"{draft}/data/archived", {"contentType": CSV})
    again = api.post(f"{draft}/data/archived", {"contentType": CSV})

    assert (first.status, again.status) == (200, 200)
    assert set(first.json) == {"url", "expiry"}
    job = LookupTableJob.objects.get()
    assert (job.type, job.status) == ("ARCHIVE", "SUCCEEDED")
    assert content(job.pk) == "\ufeffcountry,rate\r\nUK,0.8\r\nUS,0.9\r\n"


def test_a_deleted_job_takes_its_file_along(api, draft, django_capture_on_commit_callbacks):
    job = announce(api, draft, "xxxx")

    with django_capture_on_commit_callbacks(execute=True):
        answer = api.delete(f"{draft}/data/jobs/{job.pk}")

    assert answer.json["id"] == str(job.pk)
    assert api.get(f"{draft}/data/jobs/{job.pk}").status == 404
    job.file.refresh_from_db()
    assert job.file.state == FileState.DELETED


def test_the_sweep_hands_out_what_waits_and_ends_what_never_came(
    api, draft, monkeypatch, django_capture_on_commit_callbacks
):
    handed: list[UUID] = []
    monkeypatch.setattr(jobs, "_enqueue", handed.append)
    started = UUID(api.post(f"{draft}/data/jobs/download", {"contentType": CSV}).json["jobId"])
    never = announce(api, draft, "xxxx")
    at_work = announce(api, draft, "xxxx")
    LookupTableJob.objects.filter(pk=at_work.pk).update(ready_at=clock.now() + jobs.LEASE)
    old = clock.now() - jobs.WITHIN - timedelta(minutes=1)
    LookupTableJob.objects.filter(pk=never.pk).update(created_at=old)

    jobs.sweep()

    assert handed == [started]
    never.refresh_from_db()
    assert (never.status, at_work.status) == ("FAILED", "PENDING")


def test_a_job_another_worker_is_at_is_left_alone(api, draft):
    started = UUID(api.post(f"{draft}/data/jobs/download", {"contentType": CSV}).json["jobId"])
    LookupTableJob.objects.filter(pk=started).update(ready_at=clock.now() + jobs.LEASE)

    jobs.work_off(started)

    assert LookupTableJob.objects.get(pk=started).status == "PENDING"
