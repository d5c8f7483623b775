"""Decide about units of a bill of which nobody knows whether a marketplace has taken them.

A worker that dies between keeping an hour and the answer leaves it open; the next run asks again.
If none comes before the marketplace takes the hour no more, somebody has to look there.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.runs import metering
from organizations.kernel import ids, isolation


class Command(BaseCommand):
    """``settle_metered_hours --bill ID (--taken | --not-taken)``."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--bill", required=True, help="the id of the bill")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--taken", action="store_true", help="the marketplace has them")
        which.add_argument("--not-taken", action="store_true", help="it has not: send them again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Settle them and print what was settled."""
        bill_id = ids.parse(options["bill"])
        if bill_id is None:
            raise CommandError("This is no id of a bill.")
        with isolation.everywhere():
            settled = metering.settle(bill_id, taken=options["taken"])
        if not settled:
            raise CommandError("Nothing of this bill is open.")
        for row in settled:
            word = "counts as metered" if options["taken"] else "is sent with the next run"
            self.stdout.write(
                f"{row.external_system} {row.customer} {row.dimension} {row.hour:%Y-%m-%d %H:00} "
                f"UTC: {int(row.quantity):,} units, {word}."
            )
