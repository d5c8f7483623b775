"""Uploaded and generated files: rows in the database, bytes in a storage.

The storage is Django's of the name ``files``: a folder below ``BILLWRIGHT_HOME``, or a bucket.
Bytes are streamed in both directions, so a file of any size costs the same little memory. A row
names its path before the first byte is written, and is ``STORED`` when the last one is; no
transaction of ours is open meanwhile. Who may have a file is decided by whoever makes its address
(``kernel.file_addresses``).
"""

import io
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import Q
from django.utils.crypto import get_random_string

from organizations.kernel import clock
from organizations.kernel.errors import DomainError, NotFound
from organizations.models import FileState, StoredFile

logger = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
# An upload that is not complete by then is deleted.
UPLOAD_WITHIN = timedelta(days=1)
DELETED_AT_ONCE = 200

_when_stored: dict[str, Callable[[StoredFile], None]] = {}


class Body(Protocol):
    """Bytes to read, as a request has them."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes; none when there are no more."""


class AlreadyUploaded(DomainError):
    """The file is there; an address takes one upload."""

    status_code = 409
    code = "ALREADY_UPLOADED"

    def __init__(self) -> None:
        super().__init__("This file was uploaded before. Ask for a new upload address.")


class WrongLength(DomainError):
    """The body is shorter or longer than was announced; nothing of it is kept."""

    code = "WRONG_LENGTH"

    def __init__(self, *, announced: int, got: int) -> None:
        super().__init__(
            f"The file was announced with {announced:,} bytes, and {got:,} were sent. Nothing is "
            "stored."
        )


class WrongType(DomainError):
    """The bytes come with another content type than was announced."""

    status_code = 415
    code = "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self, wanted: str) -> None:
        super().__init__(f"Send the file with the header Content-Type: {wanted}.")


class Gone(NotFound):
    """The bytes are not there, or not any more."""

    def __init__(self) -> None:
        super().__init__("There is no such file (any more).")


def when_stored(kind: str, callback: Callable[[StoredFile], None]) -> None:
    """Have ``callback`` called in the transaction in which an upload of this kind is complete."""
    _when_stored[kind] = callback


# Uploads -------------------------------------------------------------------------------------


def expect(
    organization_id: UUID,
    *,
    kind: str,
    name: str,
    content_type: str,
    size: int,
    expires_at: datetime | None = None,
    by: UUID | None = None,
) -> StoredFile:
    """Save the row of a file that will be uploaded; the caller has checked size and type.

    ``expires_at`` is when the complete file is deleted; without it, it is kept.
    """
    return StoredFile.objects.create(
        organization_id=organization_id,
        kind=kind,
        name=name,
        content_type=content_type,
        size=size,
        expires_at=expires_at,
        created_by=by,
    )


def receive(file_id: UUID, body: Body, *, length: int, content_type: str = "") -> StoredFile:
    """Store the body of an upload; length and content type are what the request announces.

    An upload that stopped half-way may be repeated, of two at the same time the one that began
    later counts. Raises ``NotFound``, ``AlreadyUploaded``, ``WrongLength`` and ``WrongType``.
    """
    file = _begin(file_id, length, content_type)
    counted = _Counted(body)
    try:
        _save(file, counted)
    except FileNotFoundError as error:  # deleted by an upload that began meanwhile
        raise AlreadyUploaded from error
    if counted.count != file.size:
        _delete_bytes(file.path)
        raise WrongLength(announced=file.size or 0, got=counted.count)
    return _finish(file, counted.count)


def _begin(file_id: UUID, length: int, content_type: str) -> StoredFile:
    with transaction.atomic():
        file = StoredFile.objects.select_for_update().filter(pk=file_id).first()
        if file is None or file.state == FileState.DELETED:
            raise NotFound("There is no such file.")
        if file.state == FileState.STORED:
            raise AlreadyUploaded
        if content_type not in ("", file.content_type.partition(";")[0].strip()):
            raise WrongType(file.content_type)
        if length != file.size:
            raise WrongLength(announced=file.size or 0, got=length)
        before = file.path
        file.state, file.path = FileState.WRITING, _new_path(file)
        file.save(update_fields=["state", "path"])
    _delete_bytes(before)  # of an upload that stopped half-way
    return file


def _finish(file: StoredFile, size: int) -> StoredFile:
    """Say that every byte is there, unless another upload of the file has begun since."""
    with transaction.atomic():
        row = StoredFile.objects.select_for_update().get(pk=file.pk)
        is_ours = row.state == FileState.WRITING and row.path == file.path
        if is_ours:
            row.state, row.size, row.stored_at = FileState.STORED, size, clock.now()
            row.save(update_fields=["state", "size", "stored_at"])
            if callback := _when_stored.get(row.kind):
                callback(row)
    if not is_ours:
        _delete_bytes(file.path)
        raise AlreadyUploaded
    return row


# Generated files -----------------------------------------------------------------------------


def write(
    organization_id: UUID,
    *,
    kind: str,
    name: str,
    content_type: str,
    chunks: Iterable[bytes],
    expires_at: datetime | None = None,
    by: UUID | None = None,
) -> StoredFile:
    """Store what ``chunks`` yields and return its row; when they raise, nothing is kept.

    Not for use inside of a transaction: the row has to outlive a process that is killed, and a
    bucket may be slow.
    """
    file = StoredFile(
        organization_id=organization_id,
        kind=kind,
        name=name,
        content_type=content_type,
        state=FileState.WRITING,
        expires_at=expires_at,
        created_by=by,
    )
    file.path = _new_path(file)
    file.save(force_insert=True)
    counted = _Counted(_Joined(chunks))
    try:
        _save(file, counted)
    except BaseException:
        StoredFile.objects.filter(pk=file.pk).update(state=FileState.DELETED)
        raise
    return _finish(file, counted.count)


# Reading and deleting ------------------------------------------------------------------------


def is_readable(file: StoredFile) -> bool:
    """Return whether the file is complete and may still be read."""
    is_kept = file.expires_at is None or file.expires_at > clock.now()
    return file.state == FileState.STORED and is_kept


@contextmanager
def opened(file: StoredFile) -> Iterator[File]:
    """Open a stored file for reading bytes; raises ``NotFound`` when it is not there (any more)."""
    if not is_readable(file):
        raise Gone
    try:
        found = _storage().open(file.path, "rb")
    except FileNotFoundError as error:
        logger.error("File %s is not in the storage: %s", file.pk, file.path)
        raise Gone from error
    with found:
        yield found


def chunks(file: StoredFile) -> Iterator[bytes]:
    """Yield the bytes of a stored file, a quarter of a mebibyte each."""
    with opened(file) as found:
        while chunk := found.read(CHUNK_BYTES):
            yield chunk


def delete(file: StoredFile) -> None:
    """Let nobody read the file from now on, and delete its bytes after the commit.

    The row stays. Should the process die before the bytes are deleted, the sweep does it.
    """
    file.expires_at = clock.now()
    StoredFile.objects.filter(pk=file.pk).update(expires_at=file.expires_at)
    transaction.on_commit(lambda: _delete_now(file))


def delete_old(at: datetime) -> int:
    """Delete what is kept no longer and uploads that were never complete; return how many."""
    old = StoredFile.objects.filter(
        Q(state=FileState.STORED, expires_at__lte=at)
        | Q(state__in=[FileState.EXPECTED, FileState.WRITING], created_at__lte=at - UPLOAD_WITHIN)
    ).order_by("pk")
    deleted = 0
    while found := list(old[:DELETED_AT_ONCE]):
        for file in found:
            _delete_now(file)
        deleted += len(found)
    return deleted


def _delete_now(file: StoredFile) -> None:
    _delete_bytes(file.path)  # first: when the bucket is away, the sweep tries again
    StoredFile.objects.filter(pk=file.pk).update(state=FileState.DELETED)


# The storage ---------------------------------------------------------------------------------


def _storage() -> Storage:
    return storages["files"]


def _new_path(file: StoredFile) -> str:
    return f"{file.organization_id}/{file.kind}/{file.pk}-{get_random_string(8)}"


def _save(file: StoredFile, body: "_Counted") -> None:
    """Write the bytes to the path of the row; what was written is deleted when that fails."""
    try:
        _storage().save(file.path, File(body, name=file.path))
    except BaseException:
        _delete_bytes(file.path)
        raise


def _delete_bytes(path: str) -> None:
    if path:
        _storage().delete(path)  # one that is not there is no error


class _Counted(io.RawIOBase):
    """A body that counts what was read of it; it cannot be read twice."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = self.body.read(CHUNK_BYTES if size is None or size < 0 else size)
        self.count += len(chunk)
        return chunk


class _Joined:
    """Chunks of any size as a body."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = iter(chunks)
        self.rest = b""

    def read(self, size: int = -1, /) -> bytes:
        parts, missing = [self.rest], size - len(self.rest)
        while missing > 0 and (chunk := next(self.chunks, None)) is not None:
            parts.append(chunk)
            missing -= len(chunk)
        joined = b"".join(parts)
        self.rest = joined[size:]
        return joined[:size]
