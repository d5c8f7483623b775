"""What the installation knows of its backups: whoever makes them says so, and how it ended.

Billwright makes none itself: the script or the service that does runs ``manage.py record_backup``.
Then the operator's page and ``/metrics`` can say when the last one was, and that none came.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from config.models import Backup
from organizations.kernel import clock
from organizations.kernel.errors import FieldRefused, check_each

KEPT_FOR = timedelta(days=400)
PLACE_LENGTH, REASON_LENGTH = 500, 1000
MOST_BYTES = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LastBackups:
    """The last one that went well, and the one that failed after it, if one did."""

    good: Backup | None
    failed: Backup | None

    @property
    def is_overdue(self) -> bool:
        """Whether there is none as young as it should be."""
        if self.good is None:
            return True
        return clock.now() - self.good.ended_at > timedelta(hours=settings.BACKUP_WITHIN_HOURS)


def record(
    *, at: datetime, size: int | None = None, place: str = "", failure: str | None = None
) -> Backup:
    """Write down a backup that ended at ``at``; with ``failure`` it went wrong.

    The same one recorded twice, by a script that was run again, is one. Forgets old ones.
    """
    now = clock.now()

    def ended() -> None:
        if at > now + timedelta(minutes=5):
            raise FieldRefused("at", "must not lie in the future")

    def counted() -> None:
        if size is not None and not 0 <= size <= MOST_BYTES:
            raise FieldRefused("bytes", "must be a number of bytes, 0 or more")

    def texts() -> None:
        for name, text, most in (
            ("where", place, PLACE_LENGTH), ("failed", failure or "", REASON_LENGTH),
        ):  # fmt: skip
            if len(text) > most or "\x00" in text:
                raise FieldRefused(name, f"must have at most {most} characters and no NUL")
        if failure is not None and not failure.strip():
            raise FieldRefused("failed", "must say what went wrong")

    check_each(ended, counted, texts)
    row, _ = Backup.objects.update_or_create(
        ended_at=at,
        place=without_password(place),
        defaults={"size": size, "is_good": failure is None, "failure": failure or ""},
    )
    Backup.objects.filter(ended_at__lt=now - KEPT_FOR).exclude(pk=row.pk).delete()
    return row


def last() -> LastBackups:
    """Return the last backups."""
    good = Backup.objects.filter(is_good=True).order_by("-ended_at").first()
    failed = Backup.objects.filter(is_good=False).order_by("-ended_at").first()
    if failed is not None and good is not None and failed.ended_at <= good.ended_at:
        failed = None
    return LastBackups(good, failed)


def without_password(place: str) -> str:
    """Return an address without who logs in there: the page shows it."""
    try:
        parts = urlsplit(place)
    except ValueError:
        return place.rpartition("@")[2]
    if "@" not in parts.netloc:
        return place
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
