"""Files of lookup tables in the console: uploaded into drafts, copied, downloaded."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from catalog.lookups import data
from catalog.models import LookupTableJob, LookupTableRevision
from config import environment
from tests.catalog.lookup_rows import make_revision, make_table
from tests.console.clients import Console, make_person
from tests.factories import make_founded

pytestmark = pytest.mark.django_db(transaction=True)
SWEDEN = {"country": "SE", "rate": 25}


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Any, eager_tasks: None) -> None:
    """Store files in a folder of the test's own."""
    settings.STORAGES = {**settings.STORAGES, "files": environment.file_storage("", tmp_path)}


def act(console, revision, do, **fields):
    url = reverse("admin:lookup_files", args=[revision.pk])
    return console.client.post(url, {"do": do, **fields}, follow=True)


def upload(console, revision, text, name="rates.csv", **fields):
    revision = LookupTableRevision.objects.select_related("data").get(pk=revision.pk)
    file = SimpleUploadedFile(name, text.encode())
    return act(
        console, revision, "upload", file=file, **{"data_version": revision.data.version, **fields}
    )


def items_of(revision):
    fresh = LookupTableRevision.objects.select_related("data").get(pk=revision.pk)
    return [
        {key: str(value) for key, value in item.items()} for _, item in data.first(fresh.data, 9)
    ]


def test_a_file_replaces_rows_of_the_same_keys_and_others_stay(console, founded):
    draft = make_revision(make_table(founded.organization), [SWEDEN, {"country": "DK", "rate": 1}])

    answer = upload(console, draft, "country,rate\nSE,24.5\nNO,20\n")

    assert "“rates.csv” is uploaded" in console.text(answer)
    assert items_of(draft) == [
        {"country": "DK", "rate": "1"}, {"country": "NO", "rate": "20"},
        {"country": "SE", "rate": "24.5"},
    ]  # fmt: skip


def test_wrong_rows_are_told_by_number_and_nothing_is_stored(console, founded):
    draft = make_revision(make_table(founded.organization), [SWEDEN])

    answer = upload(console, draft, "country,rate\nNO,20\nDK,much\n")

    assert "1 row of 2 cannot be stored" in console.text(answer)
    assert "Row 3: rate" in console.text(answer)
    assert items_of(draft) == [{"country": "SE", "rate": "25"}]


@pytest.mark.parametrize(
    ("text", "name", "fields", "told"),
    [
        ("country,rate\nNO,1\n", "rates.xls", {}, "must end in .csv or .jsonl"),
        ("", "rates.csv", {}, "must have 1 to 104,857,600 bytes"),
        ("country,rate\nNO,1\n", "rates.csv", {"data_version": 999}, "changed by somebody else"),
        ("country,rate\nNO,1\n", "rates.csv", {"data_version": "x"}, "is needed"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_in_words(
    console, founded, text, name, fields, told
):
    draft = make_revision(make_table(founded.organization), [SWEDEN])

    answer = upload(console, draft, text, name, **fields)

    assert told in console.text(answer)
    assert items_of(draft) == [{"country": "SE", "rate": "25"}]
    assert not LookupTableJob.objects.exists()


def test_data_are_copied_into_a_new_draft_or_one_that_fits(console, founded):
    table = make_table(founded.organization)
    source = make_revision(table, [SWEDEN], status="PUBLISHED", name="2026")
    fits, other = (
        make_revision(table, name="Next"),
        make_revision(table, fields=(("who", "STRING"), ("rate", "NUMBER")), keys=("who",)),
    )

    act(console, source, "copy")
    act(console, source, "copy", into=fits.pk)
    refused = act(console, source, "copy", into=other.pk)

    made = LookupTableRevision.objects.get(name="2026 Copy")
    assert items_of(made) == items_of(fits) == items_of(source) == [{"country": "SE", "rate": "25"}]
    assert "choose a draft with the same fields and keys" in console.text(refused)
    assert items_of(other) == []


def test_a_download_is_written_and_linked(console, founded):
    revision = make_revision(make_table(founded.organization), [SWEDEN], name="2026")

    page = act(console, revision, "download", format="csv")
    wrong = act(console, revision, "download", format="pdf")
    job = LookupTableJob.objects.get()
    url = reverse("admin:lookup_file", args=[revision.pk, job.pk])
    lead = console.client.get(url)
    file = console.client.get(lead["Location"].removeprefix("http://testserver"))

    assert url in page.content.decode() and "2026.csv" in console.text(page)
    assert "choose CSV or JSON lines" in console.text(wrong)
    assert b"".join(file.streaming_content).decode("utf-8-sig").split() == ["country,rate", "SE,25"]


def test_a_published_revision_takes_no_file_and_offers_none(console, founded):
    revision = make_revision(make_table(founded.organization), [SWEDEN], status="PUBLISHED")

    answer = upload(console, revision, "country,rate\nNO,1\n")

    assert "File to upload" not in console.text(answer) and not LookupTableJob.objects.exists()
    assert items_of(revision) == [{"country": "SE", "rate": "25"}]


def test_readers_change_nothing_and_strangers_find_nothing(console, founded):
    revision = make_revision(make_table(founded.organization), [SWEDEN])
    act(console, revision, "download", format="csv")
    job = LookupTableJob.objects.get()
    reader = Console(make_person(founded, "ReadOnly"))
    stranger = Console(make_person(make_founded(), "Administrator"))
    at = reverse("admin:lookup_file", args=[revision.pk, job.pk])

    assert upload(reader, revision, "country,rate\nNO,1\n").status_code == 403
    assert act(reader, revision, "copy").status_code == 403
    assert [one.client.get(at).status_code for one in (reader, stranger)] == [302, 404]
    for do in ("upload", "copy", "download", "nonsense"):
        assert act(stranger, revision, do, format="csv").status_code == 404
    assert LookupTableJob.objects.count() == 1 and LookupTableRevision.objects.count() == 1
