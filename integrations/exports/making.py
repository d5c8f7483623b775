"""Write the files of a job: one for each type of data, and what is downloaded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.exports import encoding, operational, usage
from integrations.models import ExportJob, ExportSource
from organizations.access import Rights
from organizations.kernel import clock, files
from organizations.kernel.instants import parse_instant
from organizations.models import StoredFile

KIND = "data_export"
GZIP, ZIP = "application/gzip", "application/zip"
KEPT_FOR = timedelta(hours=24)
Renew = Callable[[], None]


@dataclass
class Part:
    """One file: its word (``account``), its name, its bytes and how many rows are in it."""

    word: str
    name: str
    file: StoredFile
    row_count: int


def write(job: ExportJob, rights: Rights, renew: Renew) -> list[Part]:
    """Write a file for each type of data; none stays when one of them cannot be written."""
    parts: list[Part] = []
    try:
        for word, columns, batches in _contents(job, rights):
            parts.append(_part(job, word, columns, batches, renew))
    except BaseException:
        forget(parts)
        raise
    return parts


def _contents(
    job: ExportJob, rights: Rights
) -> Iterator[tuple[str, Sequence[str], Iterable[list[dict[str, Any]]]]]:
    settings = job.settings
    if job.source_type == ExportSource.USAGE:
        found = usage.Usage(rights, settings, at(settings, "startDate"), at(settings, "endDate"))
        yield usage.WORD, found.columns(), found.batches()
        return
    since = at(settings, "startDate") if settings.get("startDate") else None
    for kind in settings["operationalDataTypes"]:
        rows = operational.batches(rights, kind, since=since, until=clock.now())
        yield operational.KINDS[kind].word, operational.columns(kind), rows


def at(settings: dict[str, Any], name: str) -> datetime:
    """Return an instant of the settings."""
    return parse_instant(settings[name]).astimezone(UTC)


def _part(
    job: ExportJob,
    word: str,
    columns: Sequence[str],
    batches: Iterable[list[dict[str, Any]]],
    renew: Renew,
) -> Part:
    form = job.settings.get("exportFileFormat") or encoding.CSV
    count = 0

    def counted() -> Iterator[list[dict[str, Any]]]:
        nonlocal count
        for batch in batches:
            count += len(batch)
            renew()
            yield batch

    name = f"{job.pk}_{word}.{form.lower()}.gz"
    file = files.write(
        job.organization_id,
        kind=KIND,
        name=name,
        content_type=GZIP,
        chunks=encoding.packed(encoding.encoded(form, columns, counted())),
        expires_at=clock.now() + KEPT_FOR,
        by=job.run_as_id,
    )
    return Part(word, name, file, count)


def joined(job: ExportJob, parts: Sequence[Part], renew: Renew) -> StoredFile:
    """Return what is downloaded: the file, or all of them in a zip."""
    if len(parts) == 1:
        return parts[0].file

    def pieces(file: StoredFile) -> Iterator[bytes]:
        for chunk in files.chunks(file):
            renew()
            yield chunk

    return files.write(
        job.organization_id,
        kind=KIND,
        name=f"{job.pk}.zip",
        content_type=ZIP,
        chunks=encoding.zipped((part.name, pieces(part.file)) for part in parts),
        expires_at=clock.now() + KEPT_FOR,
        by=job.run_as_id,
    )


def forget(parts: Iterable[Part]) -> None:
    """Delete files that are not needed any more."""
    for part in parts:
        files.delete(part.file)
