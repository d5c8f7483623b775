"""Files: what is stored, who reads it, and what is left when something goes wrong."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
import time_machine
from django.core import signing
from django.core.files.storage import storages
from django.test import Client
from moto import mock_aws

from config import environment
from organizations import tasks
from organizations.kernel import clock, file_addresses, files, isolation
from organizations.kernel.errors import NotFound
from organizations.models import FileState, StoredFile

pytestmark = pytest.mark.django_db
CONTENT = b'[{"meter": "m"}]'


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Store files in a folder of the test's own."""
    settings.STORAGES = {**settings.STORAGES, "files": environment.file_storage("", tmp_path)}
    yield tmp_path


def expected(organization: Any, **about: Any) -> StoredFile:
    """Return a file that is expected."""
    usual = {"kind": "test", "name": "u.json", "content_type": "application/json", "size": 16}
    return files.expect(organization.pk, **{**usual, **about})


def put(url: str, body: bytes, content_type: str = "application/json") -> Any:
    """Upload a body as a client does that has nothing but the address."""
    return Client().generic("PUT", url, body, content_type=content_type)


def bytes_stored(folder: Path) -> int:
    """Return how many files the storage holds."""
    return sum(path.is_file() for path in folder.rglob("*"))


def test_what_is_put_to_the_address_comes_back_from_the_download_address(organization, folder):
    file = expected(organization)

    answer = put(file_addresses.upload_url(file), CONTENT)
    file.refresh_from_db()
    download = Client().get(file_addresses.download_url(file))

    assert answer.status_code == 200
    assert (file.state, file.size) == (FileState.STORED, 16)
    assert b"".join(download.streaming_content) == CONTENT
    assert download["Content-Disposition"] == 'attachment; filename="u.json"'
    assert download["Content-Length"] == "16"
    assert download["X-Content-Type-Options"] == "nosniff"
    [path] = [path for path in folder.rglob("*") if path.is_file()]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("body", [b"", CONTENT[:-1], CONTENT + b" "])
def test_a_body_of_another_length_is_refused_and_nothing_is_kept(organization, folder, body):
    file = expected(organization)

    answer = put(file_addresses.upload_url(file), body)

    file.refresh_from_db()
    assert answer.status_code == 400
    assert "announced with 16 bytes" in answer.json()["message"]
    assert file.state == FileState.EXPECTED
    assert bytes_stored(folder) == 0


def test_a_body_that_ends_early_leaves_nothing_and_may_be_sent_again(organization, folder):
    file = expected(organization)

    with pytest.raises(files.WrongLength):
        files.receive(file.pk, io.BytesIO(CONTENT[:9]), length=16)
    left = bytes_stored(folder)
    files.receive(file.pk, io.BytesIO(CONTENT), length=16)

    file.refresh_from_db()
    assert left == 0
    assert file.state == FileState.STORED
    assert b"".join(files.chunks(file)) == CONTENT


def test_an_upload_that_was_killed_half_way_is_replaced_by_the_next(organization, folder):
    file = expected(organization)
    storages["files"].save("half", io.BytesIO(b"half"))
    StoredFile.objects.filter(pk=file.pk).update(state=FileState.WRITING, path="half")

    put(file_addresses.upload_url(file), CONTENT)

    file.refresh_from_db()
    assert b"".join(files.chunks(file)) == CONTENT
    assert bytes_stored(folder) == 1


def test_of_two_uploads_at_once_the_one_begun_later_counts(organization, folder):
    file = expected(organization)

    class Slow(io.BytesIO):
        """Lets the other upload happen before its first byte is read."""

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                files.receive(file.pk, io.BytesIO(CONTENT), length=16)
            return super().read(size)

    with pytest.raises(files.AlreadyUploaded):
        files.receive(file.pk, Slow(b"x" * 16), length=16)

    file.refresh_from_db()
    assert b"".join(files.chunks(file)) == CONTENT
    assert bytes_stored(folder) == 1


def test_a_second_upload_is_refused_and_changes_nothing(organization):
    file = expected(organization)
    url = file_addresses.upload_url(file)
    put(url, CONTENT)

    again = put(url, b"x" * 16)

    file.refresh_from_db()
    assert again.status_code == 409
    assert b"".join(files.chunks(file)) == CONTENT


def test_another_content_type_is_refused(organization, folder):
    file = expected(organization)

    answer = put(file_addresses.upload_url(file), CONTENT, "text/csv")

    assert answer.status_code == 415
    assert answer.json()["message"] == (
        "Send the file with the header Content-Type: application/json."
    )
    assert bytes_stored(folder) == 0


def test_an_upload_address_ends_after_a_minute_and_a_download_address_after_five(organization):
    file = expected(organization)
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        upload, download = file_addresses.upload_url(file), file_addresses.download_url(file)

    with time_machine.travel("2026-03-01T12:01:00Z", tick=False):
        late = put(upload, CONTENT)
    with time_machine.travel("2026-03-01T12:00:59Z", tick=False):
        in_time = put(upload, CONTENT)
    with time_machine.travel("2026-03-01T12:04:59Z", tick=False):
        read = Client().get(download).status_code
    with time_machine.travel("2026-03-01T12:05:00Z", tick=False):
        too_late = Client().get(download).status_code

    assert (late.status_code, in_time.status_code, read, too_late) == (403, 200, 200, 403)


def test_an_address_is_good_for_one_purpose_and_cannot_be_changed(organization):
    file = expected(organization)
    upload = file_addresses.upload_url(file)
    swapped = upload.replace("/upload/", "/download/")
    changed = upload[:-1] + ("A" if upload[-1] != "A" else "B")

    answers = [Client().get(swapped), put(changed, CONTENT), Client().get(upload)]

    assert [answer.status_code for answer in answers] == [403, 403, 405]
    file.refresh_from_db()
    assert file.state == FileState.EXPECTED


def test_an_address_survives_a_change_of_the_secret_key(organization, settings):
    file = expected(organization)
    url = file_addresses.upload_url(file)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [settings.SECRET_KEY]

    assert put(url, CONTENT).status_code == 200

    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(file_addresses.AddressExpired):
        file_addresses.read(url.rpartition("/")[2], file_addresses.UPLOAD)


def test_an_address_opens_nothing_of_another_organization(organization):
    file = expected(organization)
    ends = clock.now().timestamp() + 60
    salt = file_addresses.SALT + file_addresses.UPLOAD
    token = signing.dumps([uuid4().hex, file.pk.hex, ends], salt=salt)

    with isolation.nothing():
        answer = put(f"/files/upload/{token}", CONTENT)

    assert answer.status_code == 404


def test_what_is_waiting_for_an_upload_is_called_in_its_transaction(organization, monkeypatch):
    seen = []
    monkeypatch.setattr(files, "_when_stored", {})
    files.when_stored("test", lambda file: seen.append((file.pk, file.state)))
    file, other = expected(organization), expected(organization, kind="other")

    put(file_addresses.upload_url(file), CONTENT)
    put(file_addresses.upload_url(other), CONTENT)

    assert seen == [(file.pk, FileState.STORED)]


def test_a_generated_file_is_written_as_it_is_made(organization):
    file = files.write(
        organization.pk,
        kind="test",
        name="lines.csv",
        content_type="text/csv",
        chunks=(b"%d\n" % number for number in range(100_000)),
    )

    assert b"".join(files.chunks(file)) == b"".join(b"%d\n" % n for n in range(100_000))
    assert file.size == 588_890
    assert StoredFile.objects.get(pk=file.pk).state == FileState.STORED


def test_a_generated_file_that_fails_leaves_no_bytes(organization, folder):
    def broken() -> Iterator[bytes]:
        yield b"a" * 100_000
        raise ZeroDivisionError

    about = {"kind": "test", "name": "l", "content_type": "text/csv"}
    with pytest.raises(ZeroDivisionError):
        files.write(organization.pk, chunks=broken(), **about)

    assert StoredFile.objects.get().state == FileState.DELETED
    assert bytes_stored(folder) == 0


def test_the_sweep_deletes_what_is_kept_no_longer_and_what_was_never_complete(organization, folder):
    now = clock.now()
    about = {"kind": "test", "name": "l", "content_type": "text/csv", "chunks": [b"text"]}
    old = files.write(organization.pk, **about, expires_at=now - timedelta(seconds=1))
    kept = files.write(organization.pk, **about, expires_at=now + timedelta(hours=1))
    for_ever = files.write(organization.pk, **about)
    never = expected(organization)
    StoredFile.objects.filter(pk=never.pk).update(created_at=now - timedelta(hours=25))
    waiting = expected(organization)

    tasks.delete_old_files()

    states = {file.pk: file.state for file in StoredFile.objects.all()}
    assert states == {
        old.pk: "DELETED",
        kept.pk: "STORED",
        for_ever.pk: "STORED",
        never.pk: "DELETED",
        waiting.pk: "EXPECTED",
    }
    assert bytes_stored(folder) == 2


def test_a_deleted_file_is_not_read_any_more(
    organization, folder, django_capture_on_commit_callbacks
):
    about = {"kind": "test", "name": "l", "content_type": "text/csv", "chunks": [b"text"]}
    file = files.write(organization.pk, **about)
    url = file_addresses.download_url(file)

    with django_capture_on_commit_callbacks(execute=True):
        files.delete(file)
        files.delete(file)

    assert Client().get(url).status_code == 404
    with pytest.raises(NotFound):
        list(files.chunks(StoredFile.objects.get()))
    assert bytes_stored(folder) == 0


def test_bytes_that_are_missing_in_the_storage_are_a_404(organization, folder):
    about = {"kind": "test", "name": "l", "content_type": "text/csv", "chunks": [b"text"]}
    file = files.write(organization.pk, **about)
    storages["files"].delete(file.path)

    assert Client().get(file_addresses.download_url(file)).status_code == 404


def test_a_bucket_is_used_like_the_folder(organization, settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    address = "s3://billing-files/some/where?region=eu-west-1"
    settings.STORAGES = {**settings.STORAGES, "files": environment.file_storage(address, Path())}
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        where = {"LocationConstraint": "eu-west-1"}
        client.create_bucket(Bucket="billing-files", CreateBucketConfiguration=where)
        big = b"0123456789abcdef" * 1_000_000
        file = expected(organization, size=len(big))

        answer = put(file_addresses.upload_url(file), big)
        file.refresh_from_db()
        read = b"".join(files.chunks(file))
        [listed] = client.list_objects_v2(Bucket="billing-files")["Contents"]
        files._delete_now(file)
        left = client.list_objects_v2(Bucket="billing-files").get("Contents", [])

    assert answer.status_code == 200
    assert read == big
    assert listed["Key"].startswith(f"some/where/{organization.pk}/test/{file.pk}-")
    assert left == []
