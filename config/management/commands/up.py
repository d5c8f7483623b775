"""``manage.py up``: the whole installation in the foreground, until Ctrl-C."""

import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import embedded, programs, supervisor


class Command(BaseCommand):
    """Start embedded servers where no address is given, migrate, then every program."""

    help = "Run all programs (and embedded PostgreSQL and Redis) until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name in ("web", "worker", "sender", "beat", "migrate"):
            parser.add_argument(f"--no-{name}", action="store_true", help=f"leave {name} out")

    def handle(self, *args: Any, **options: Any) -> None:
        makers = {
            "worker": programs.worker,
            "sender": programs.sender,
            "beat": programs.beat,
            "web": programs.web,
        }
        chosen = [make() for name, make in makers.items() if not options[f"no_{name}"]]
        # While servers start and migrations run; the supervisor has handlers of its own.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        try:
            with embedded.running(settings.HOME, say=self.stderr.write) as servers:
                self._serve(servers, chosen, migrate=not options["no_migrate"])
        except embedded.ServerTrouble as trouble:
            raise CommandError(str(trouble)) from trouble

    def _serve(
        self, servers: embedded.Servers, chosen: list[supervisor.Program], *, migrate: bool
    ) -> None:
        supervisor.kill_orphans(settings.HOME)
        serves = any(program.name == "web" for program in chosen)
        host, port = programs.address()
        if serves and not programs.is_address_free():
            raise CommandError(f"{host}:{port} is in use: stop what listens there, or set PORT.")
        if migrate and programs.migrate(servers.database_url) != 0:
            raise CommandError("The database could not be migrated; see above.")
        if serves:
            self.stdout.write(f"Billwright: http://{host}:{port}/ (Ctrl-C stops everything)")
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        check = self._server_watch(servers)
        supervisor.Supervisor(chosen, home=settings.HOME, check=check).run()

    def _server_watch(self, servers: embedded.Servers) -> Callable[[], bool]:
        """Return a check that starts a killed server again and tells whether it has moved."""
        known = servers

        def has_moved() -> bool:
            nonlocal known
            if embedded.is_alive(settings.HOME):
                return False
            try:
                before, known = known, embedded.start(settings.HOME, say=self.stderr.write)
            except embedded.ServerTrouble as trouble:
                self.stderr.write(f"{trouble} Trying again.")
                return False
            return known != before

        return has_moved
