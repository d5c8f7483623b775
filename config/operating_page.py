"""The operator's page: how the installation is doing, over all organizations."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.views.decorators.http import require_GET

from config import operating
from config.backups import LastBackups
from organizations.installation import pages
from organizations.kernel import clock
from organizations.kernel.console import show

# Longer than this nothing should wait, and less room than this is little.
LONG_SECONDS = 900
LITTLE_ROOM = 0.1


@pages.for_operators
@require_GET
def view(request: HttpRequest) -> HttpResponse:
    """Show what waits, what needs somebody, which servers are there and how much room is left."""
    found = operating.look()
    return pages.page(
        request,
        "console/operating.html",
        title="Operation",
        at=show.instant(clock.now()),
        work=[_waiting(one) for one in found.work],
        trouble=[
            {"kind": kind, "count": count, "is_some": count > 0}
            for kind, count in found.trouble.items()
        ],
        servers=_servers(found),
    )


def _waiting(one: operating.Waiting) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "count": one.count,
        "since": show.instant(one.oldest) if one.oldest else "",
        "is_long": one.seconds > LONG_SECONDS,
    }


def _servers(found: operating.Operation) -> list[dict[str, Any]]:
    is_little = found.disk_free < found.disk_total * LITTLE_ROOM
    free, total = filesizeformat(found.disk_free), filesizeformat(found.disk_total)
    workers = {None: "the broker does not answer", True: "at work", False: "none at work"}
    return [
        {"name": "Workers", "words": workers[found.has_worker], "is_bad": not found.has_worker},
        {
            "name": "Tasks the broker holds",
            "words": "unknown" if found.queued is None else f"{found.queued:,}",
            "is_bad": found.queued is None,
        },
        {"name": "Database", "words": filesizeformat(found.database_bytes), "is_bad": False},
        {
            "name": "Measurements",
            "words": f"{filesizeformat(found.usage_bytes)} in {found.partitions} partitions",
            "is_bad": False,
        },
        {"name": "Room for files", "words": f"{free} of {total} free", "is_bad": is_little},
        *_backups(found.backups),
    ]


def _backups(found: LastBackups) -> list[dict[str, Any]]:
    words = "none is recorded; see manage.py record_backup"
    if found.good is not None:
        size = "" if found.good.size is None else filesizeformat(found.good.size)
        said = (show.instant(found.good.ended_at), size, found.good.place)
        words = ", ".join(word for word in said if word)
    rows = [{"name": "Last backup", "words": words, "is_bad": found.is_overdue}]
    if found.failed is not None:
        said = f"{show.instant(found.failed.ended_at)}: {found.failed.failure}"
        rows.append({"name": "A later backup failed", "words": said, "is_bad": True})
    return rows
