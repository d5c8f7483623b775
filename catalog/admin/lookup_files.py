"""Data of lookup table revisions as files in the console (usage.md 15.5)."""

from datetime import tzinfo
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from catalog.lookups import formats, jobs, rules
from catalog.lookups.registration import DATA
from catalog.models import LookupJobStatus, LookupTableJob, LookupTableRevision, RevisionStatus
from organizations.kernel import file_addresses, files, ids
from organizations.kernel.console import choices, linking, show, telling
from organizations.kernel.errors import DomainError, FieldRefused

MOST_JOBS = 10
MOST_DRAFTS = 100
TYPES = {ending: kind for kind, ending in formats.ENDINGS.items()}
WORDS = {formats.CSV: "CSV", formats.JSONL: "JSON lines"}
COLOURS = {"SUCCEEDED": "good", "FAILED": "bad", "PENDING": "busy"}


def offered(request: HttpRequest, revision: LookupTableRevision) -> dict[str, Any]:
    """Return what may be done with the data of a revision, and the newest jobs."""
    data, allows, zone = revision.data, request.permissions.allows, choices.zone(request)
    may_read = allows("config:retrieve", DATA, data.pk)
    is_draft = revision.status == RevisionStatus.DRAFT
    return {
        "may_upload": is_draft and allows("config:update", DATA, data.pk),
        "may_copy": may_read,
        "may_add": linking.to_form(request, LookupTableRevision) != "",
        "formats": [(formats.ENDINGS[one], WORDS[one]) for one in formats.CONTENT_TYPES],
        "drafts": _targets(request, revision) if may_read else [],
        "version": data.version,
        "count": revision.item_count,
        "url": reverse("admin:lookup_files", args=[revision.pk]),
        "jobs": [_shown(revision, job, zone) for job in _jobs(revision)[:MOST_JOBS]]
        if may_read
        else [],
    }


def _jobs(revision: LookupTableRevision) -> Any:
    rows = LookupTableJob.objects.filter(revision=revision).select_related("file", "destination")
    return rows.order_by("-created_at", "-pk")


def _targets(request: HttpRequest, revision: LookupTableRevision) -> list[LookupTableRevision]:
    """Return the drafts that can take the data: those with the same fields and keys."""
    drafts = linking.seen(request, LookupTableRevision.objects.filter(
        organization=request.organization, status=RevisionStatus.DRAFT
    ).exclude(pk=revision.pk)).select_related("lookup_table", "data")  # fmt: skip
    schema, allows = rules.schema_of(revision), request.permissions.allows
    return [
        one
        for one in drafts.order_by("lookup_table__name", "name", "pk")[:MOST_DRAFTS]
        if rules.schema_of(one) == schema and allows("config:update", DATA, one.data.pk)
    ]


def _shown(revision: LookupTableRevision, job: LookupTableJob, zone: tzinfo) -> dict[str, Any]:
    is_written = job.type in {"DOWNLOAD", "ARCHIVE"} and job.status == LookupJobStatus.SUCCEEDED
    has_file = is_written and job.file is not None and files.is_readable(job.file)
    return {
        "type": job.get_type_display(),
        "name": job.file_name or (f"into {job.destination.name}" if job.destination else ""),
        "status": show.label(job.get_status_display(), COLOURS[job.status]),
        "reason": job.failure_reason,
        "at": show.zoned(job.created_at, zone),
        "url": reverse("admin:lookup_file", args=[revision.pk, job.pk]) if has_file else "",
    }


@require_POST
def act_view(request: HttpRequest, page: Any, revision_id: Any) -> HttpResponse:
    """Upload a file into a draft, copy the data, or have them written to a file."""
    revision = _revision(page, request, revision_id)
    act = {"upload": _upload, "copy": _copy, "download": _download}.get(request.POST.get("do", ""))
    if act is None:
        raise Http404
    try:
        text = act(request, revision)
    except DomainError as refusal:
        telling.refused(request, refusal)
    else:
        messages.success(request, text)
    return HttpResponseRedirect(f"{show.address(revision)}#data")


def file_view(request: HttpRequest, page: Any, revision_id: Any, job_id: Any) -> HttpResponse:
    """Lead to a file that a job has written."""
    revision = _revision(page, request, revision_id)
    _require(request, "config:retrieve", revision)
    job = _jobs(revision).filter(pk=job_id, type__in=["DOWNLOAD", "ARCHIVE"]).first()
    if job is None or job.file is None or not files.is_readable(job.file):
        raise Http404
    base = request.build_absolute_uri("/")
    return HttpResponseRedirect(file_addresses.download_url(job.file, base=base))


def _revision(page: Any, request: HttpRequest, identity: Any) -> LookupTableRevision:
    row = page.get_object(request, str(identity))
    if row is None:
        raise Http404
    if not page.has_view_permission(request, row):
        raise PermissionDenied
    found: LookupTableRevision = row
    return found


def _require(request: HttpRequest, action: str, revision: LookupTableRevision) -> None:
    if not request.permissions.allows(action, DATA, revision.data.pk):
        raise PermissionDenied


def _upload(request: HttpRequest, revision: LookupTableRevision) -> str:
    _require(request, "config:update", revision)
    sent = request.FILES.get("file")
    version = request.POST.get("data_version", "")
    if sent is None:
        raise FieldRefused("file", "choose one")
    kind = TYPES.get((sent.name or "").rpartition(".")[2].lower())
    if kind is None:
        raise FieldRefused("file", "its name must end in .csv or .jsonl")
    if not 0 < (sent.size or 0) <= jobs.MOST_BYTES:
        raise FieldRefused("file", f"must have 1 to {jobs.MOST_BYTES:,} bytes")
    job = jobs.expect(
        revision,
        file_name=_short(sent.name or ""),
        content_type=kind,
        size=sent.size or 0,
        version=int(version) if version.isascii() and version.isdigit() else None,
        by=request.principal,
    )
    files.receive(job.file.pk, sent, length=sent.size or 0)
    return f"“{job.file_name}” is uploaded. Its rows are taken in now, all of them or none."


def _short(name: str) -> str:
    """Return a name of at most 100 characters, with its ending."""
    name = name.replace("\0", "")
    start, _, ending = name.rpartition(".")
    return f"{start[:90]}.{ending}"


def _copy(request: HttpRequest, revision: LookupTableRevision) -> str:
    _require(request, "config:retrieve", revision)
    target, wanted = None, request.POST.get("into", "")
    if wanted:
        known = ids.parse(wanted)
        target = next((one for one in _targets(request, revision) if one.pk == known), None)
        if target is None:
            raise FieldRefused("into", "choose a draft with the same fields and keys")
    elif not linking.to_form(request, LookupTableRevision):
        raise PermissionDenied
    job = jobs.copy(revision, target, by=request.principal)
    return f"The data are copied into “{job.destination.name}” now."


def _download(request: HttpRequest, revision: LookupTableRevision) -> str:
    _require(request, "config:retrieve", revision)
    kind = TYPES.get(request.POST.get("format", ""))
    if kind is None:
        raise FieldRefused("format", "choose CSV or JSON lines")
    jobs.download(revision, kind, by=request.principal)
    return "The file is being written. Its link stands below when it is ready."
