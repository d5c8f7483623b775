"""Copy the files of a job to its destinations (D1)."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import IO

from integrations.exports import s3
from integrations.exports.making import Part
from integrations.exports.stores import Refused
from integrations.models import (
    DestinationType,
    ExportDestination,
    ExportJob,
    PartitionOrder,
)
from organizations.kernel import files

logger = logging.getLogger(__name__)
Send = Callable[[ExportDestination, str, IO[bytes], Callable[[], None]], None]


def _to_gcs(
    destination: ExportDestination, key: str, body: IO[bytes], renew: Callable[[], None]
) -> None:
    # Google's libraries take 30 MB of a process that never uses them.
    from integrations.exports import gcs

    gcs.send(destination, key, body, renew)


SENDERS: dict[str, Send] = {DestinationType.S3: s3.send, DestinationType.GCS: _to_gcs}


class NotCopied(Exception):
    """Some destinations did not take a file; the others did, and the download is there."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))


def path_of(destination: ExportDestination, part: Part, at: datetime) -> str:
    """Return where in the bucket a file goes; date and hour are those of the job, in UTC."""
    moment = at.astimezone(UTC)
    time = [f"date={moment:%Y-%m-%d}", f"hour={moment:%H}"]
    kind = [f"type={part.word}"]
    is_type_first = destination.partition_order == PartitionOrder.TYPE_FIRST
    folders = kind + time if is_type_first else time + kind
    prefix = [step for step in (destination.prefix or "").split("/") if step]
    return "/".join([*prefix, f"orgId={destination.organization_id}", *folders, part.name])


def copy(job: ExportJob, parts: Sequence[Part], renew: Callable[[], None]) -> list[str]:
    """Copy every file to every destination; return what went wrong, in words."""
    rows = ExportDestination.objects.for_organization(job.organization_id)
    found = {str(row.pk): row for row in rows.filter(pk__in=job.destination_ids)}
    problems = []
    for destination_id in job.destination_ids:
        destination = found.get(destination_id)
        if destination is None:
            problems.append("A destination was deleted meanwhile.")
        elif problem := _sent(destination, job, parts, renew):
            problems.append(problem)
    return problems


def _sent(
    destination: ExportDestination,
    job: ExportJob,
    parts: Sequence[Part],
    renew: Callable[[], None],
) -> str | None:
    send = SENDERS[destination.destination_type]
    for part in parts:
        try:
            with files.opened(part.file) as body:
                send(destination, path_of(destination, part, job.slot_at or job.created_at),
                     body, renew)  # fmt: skip
        except Refused as refusal:
            return f"{destination.name}: {refusal}"
    return None
