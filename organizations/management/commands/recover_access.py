"""Let a person in again who is locked out: temporary password, no second factor, no lockout."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from organizations.models import User
from organizations.signin import recovery


class Command(BaseCommand):
    """``recover_access --email E [--keep-password] [--keep-second-factor] [...]``."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--email", required=True)
        parser.add_argument("--keep-password", action="store_true")
        parser.add_argument("--keep-second-factor", action="store_true")
        parser.add_argument(
            "--unlink", action="store_true", help="forget whom sign-in providers take for them"
        )
        parser.add_argument(
            "--without-provider",
            action="store_true",
            help="let passwords into their organizations that ask for a sign-in provider",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and print what cannot be read again; every organization's audit trail tells."""
        user = User.objects.filter(email__iexact=options["email"].strip()).first()
        if user is None:
            raise CommandError("Nobody has this e-mail address.")
        done = recovery.recover(
            user,
            password=not options["keep_password"],
            factor=not options["keep_second_factor"],
            unlink=options["unlink"],
            provider=options["without_provider"],
        )
        if done.password:
            self.stdout.write(f"Temporary password, for 30 days: {done.password}")
        if done.is_second_factor_removed:
            self.stdout.write("The second factor is removed.")
        if done.unlinked:
            self.stdout.write("The next sign-in through a provider goes by the e-mail address.")
        for name in done.opened:
            self.stdout.write(f"{name} takes passwords again.")
        self.stdout.write("Lockouts are ended.")
        if not user.is_superuser and not user.current_organization_ids():
            self.stdout.write("Their access to every organization has ended, though.")
