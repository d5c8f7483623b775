"""``manage.py demo``: an invented company with usage and bills, then its console."""

import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config import embedded, programs
from config.demonstration import bill_runs, company, loading, loopback, printing, worker
from config.demonstration.progress import Progress
from config.models import Demonstration
from organizations.kernel import clock, isolation, row_security

# The organization's billing periods begin in 2022, and some customers came two years ago.
EARLIEST = datetime(2024, 4, 1, tzinfo=UTC)


class Command(BaseCommand):
    """Load the demonstration as far as it is not loaded, print its bills, serve the console.

    What it makes stays: the next run finds it and only prints. With another ``--now`` a second
    organization is made beside the first.
    """

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options; environment: SERVE=0, NOW, DEMO_SCALE."""
        parser.add_argument(
            "--serve",
            action=BooleanOptionalAction,
            default=os.environ.get("SERVE", "1").lower() not in {"0", "no", "false"},
            help="serve the console afterwards, until Ctrl-C",
        )
        parser.add_argument(
            "--now",
            type=instant,
            default=os.environ.get("NOW") or None,
            help="ISO 8601: figures are as of this instant (the present one)",
        )
        parser.add_argument(
            "--scale",
            type=positive,
            default=os.environ.get("DEMO_SCALE") or "1",
            help="measurements relative to the full 300,000",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Have servers, then make, print and serve."""
        as_of, scale, serves = options["now"], options["scale"], options["serve"]
        if as_of is not None and not EARLIEST <= as_of <= clock.now():
            raise CommandError(f"--now: from {EARLIEST:%Y-%m-%d} to the present.")
        if serves and not programs.is_address_free():
            host, port = programs.address()
            raise CommandError(f"{host}:{port} is in use: stop what listens there, or set PORT.")
        if not settings.DATABASE_URL or not embedded.is_alive(settings.HOME):
            _begin_again_with_servers()
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        try:
            with embedded.running(settings.HOME, say=self.stderr.write):
                self._make_and_print(as_of, scale)
                if serves:
                    self._serve()
        except embedded.ServerTrouble as trouble:
            raise CommandError(str(trouble)) from trouble

    def _serve(self) -> None:
        """Print the login and run what ``make up`` runs; its logs must not push that away."""
        printing.print_login(self.stdout.write)
        os.environ.setdefault("LOG_LEVEL", "WARNING")
        connection.close()
        call_command("up", no_migrate=True, stdout=self.stdout, stderr=self.stderr)

    def _make_and_print(self, as_of: datetime | None, scale: Decimal) -> None:
        progress = Progress(self._write_piece, is_terminal=self.stdout.isatty())
        _migrate(progress)
        said: list[str] = []
        with company.one_at_a_time():
            with isolation.everywhere():
                found = company.find(as_of, scale)
            if found is None or found.finished_at is None:
                found, said = self._make(found, as_of, scale, progress)
            else:
                self.stdout.write(
                    f"{found.organization.name} is loaded already: {found.measurements:,} "
                    f"measurements as of {found.as_of:%Y-%m-%d %H:%M} UTC."
                )
        with isolation.within(found.organization_id):
            printing.print_bills(found, self.stdout.write)
        printing.print_outside(said, self.stdout.write)

    def _make(
        self,
        found: Demonstration | None,
        as_of: datetime | None,
        scale: Decimal,
        progress: Progress,
    ) -> tuple[Demonstration, list[str]]:
        """Make the demonstration, or go on where an earlier run ended."""
        with (
            loopback.open_outside() as world,
            worker.at_work(settings.HOME, world.environ) as workers,
        ):
            if found is None:
                with progress.step(f"Founding {company.NAME}, its price lists and customers"):
                    found = company.found(as_of or clock.now(), scale)
            with isolation.within(found.organization_id):
                loading.load(found, progress)
                try:
                    said = bill_runs.bill(found, world, workers, progress)
                except bill_runs.BillRunStuck as stuck:
                    raise CommandError(str(stuck)) from stuck
                found.refresh_from_db()
        return found, said

    def _write_piece(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()


def instant(text: str) -> datetime:
    """Return an ISO 8601 date or date-time; without offset it is UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no ISO 8601 date or date-time") from error
    return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)


def positive(text: str) -> Decimal:
    """Return a number from 0.001 to 10."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text} is no number") from error
    if not Decimal("0.001") <= number <= 10:
        raise ArgumentTypeError("must be from 0.001 to 10")
    return number


def _begin_again_with_servers() -> None:
    """Replace this process: the settings are read anew once there are addresses."""
    command = [sys.executable, str(programs.CHECKOUT / "manage.py"), *sys.argv[1:]]
    words = [sys.executable, "-m", "config.embedded", "run", "--", *command]
    sys.stdout.flush()
    os.chdir(programs.CHECKOUT)
    os.execv(sys.executable, words)


def _migrate(progress: Progress) -> None:
    """Bring the database up to date, when it is not."""
    with isolation.as_owner():
        executor = MigrationExecutor(connection)
        is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        if is_migrated and row_security.are_roles_made():
            return
    with progress.step("Migrating the database", is_silent=False):
        if programs.migrate(settings.DATABASE_URL) != 0:
            raise CommandError("The database could not be migrated; see above.")
