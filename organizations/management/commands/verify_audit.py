"""Verify the seals of the audit trail against its entries."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from organizations import seals
from organizations.kernel import isolation


class Command(BaseCommand):
    """Prints what is sealed and what is not yet; fails when a seal does not fit its entries."""

    help = "Verify that no sealed audit entry was changed, added or removed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute every seal again."""
        with isolation.everywhere():
            report = seals.verify()
        if report.broken is not None:
            raise CommandError(
                f"Seal {report.broken.pk} does not fit its entries: something up to entry "
                f"{report.broken.last_entry_id} was changed. {report.entries} entries before it "
                f"are as they were sealed."
            )
        self.stdout.write(
            f"{report.entries} entries in {report.seals} seals are as they were written; "
            f"{report.unsealed} newer ones are not sealed yet.\n"
            f"Latest hash: {report.latest_hash}"
        )
