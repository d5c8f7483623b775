"""``GET /metrics`` for Prometheus, behind a token of its own; the same figures as the page.

Nothing is counted in the web processes: each scrape asks the database, so it does not matter which
of them answers.
"""

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config import operating


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the figures to who has the token; without the setting there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ").strip()
    if not secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse("A bearer token is needed.\n", status=401, content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(Figures(operating.look()))
    return HttpResponse(
        generate_latest(registry),
        content_type=CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )


class Figures(Collector):
    """What one look found, as Prometheus reads it."""

    def __init__(self, found: operating.Operation) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Yield each figure; what could not be asked is left out."""
        found = self._found
        waiting = GaugeMetricFamily(
            "billwright_work_waiting", "Work that is not done.", labels=["kind"]
        )
        oldest = GaugeMetricFamily(
            "billwright_work_oldest_seconds", "How long the oldest waits.", labels=["kind"]
        )
        for one in found.work:
            waiting.add_metric([_word(one.kind)], one.count)
            oldest.add_metric([_word(one.kind)], one.seconds)
        trouble = GaugeMetricFamily(
            "billwright_needs_somebody", "What waits for a person.", labels=["kind"]
        )
        for kind, count in found.trouble.items():
            trouble.add_metric([_word(kind)], count)
        yield from (waiting, oldest, trouble)
        good, failed = found.backups.good, found.backups.failed
        for name, words, value in (
            (
                "billwright_last_backup_timestamp_seconds",
                "When the last backup that went well ended.",
                good and good.ended_at.timestamp(),
            ),
            ("billwright_last_backup_bytes", "How large it is.", good and good.size),
            (
                "billwright_backup_failed",
                "1 when a backup failed since, or none is as young as it should be.",
                bool(failed) or found.backups.is_overdue,
            ),
            ("billwright_tasks_queued", "Tasks the broker holds.", found.queued),
            ("billwright_worker_up", "1 while a worker is at work.", found.has_worker),
            ("billwright_database_bytes", "Size of the database.", found.database_bytes),
            ("billwright_usage_bytes", "Size of the measurements.", found.usage_bytes),
            ("billwright_usage_partitions", "Partitions of measurements.", found.partitions),
            ("billwright_disk_free_bytes", "Room left where files are kept.", found.disk_free),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, words, value=float(value))


def _word(kind: str) -> str:
    return kind.replace(" ", "_")
