"""``manage.py record_backup``: tell the installation that a backup was made, or was not."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import backups
from organizations.kernel import clock
from organizations.kernel.errors import DomainError


class Command(BaseCommand):
    """Write down how a backup ended, for the operator's page and ``/metrics``."""

    help = "Say that a backup was made (or failed); the operator's page and /metrics tell when."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what may be said of it."""
        parser.add_argument("--at", type=instant, help="when it ended, ISO 8601 (now)")
        parser.add_argument("--bytes", type=int, help="how large it is")
        parser.add_argument("--where", default="", help="where it is, as s3://bucket/name")
        parser.add_argument("--failed", metavar="REASON", help="it went wrong, and why")

    def handle(self, *args: Any, **options: Any) -> None:
        """Record it."""
        try:
            row = backups.record(
                at=options["at"] or clock.now(),
                size=options["bytes"],
                place=options["where"],
                failure=options["failed"],
            )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        word = "made" if row.is_good else "failed"
        self.stdout.write(f"Recorded: a backup {word} at {row.ended_at:%Y-%m-%d %H:%M} UTC.")


def instant(text: str) -> datetime:
    """Return an ISO 8601 date-time; without offset it is UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no ISO 8601 date-time") from error
    return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
