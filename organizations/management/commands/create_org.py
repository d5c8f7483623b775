"""Make an organization, its first administrator and a service user with a key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from organizations import founding
from organizations.kernel.errors import DomainError
from organizations.models import OrganizationType


class Command(BaseCommand):
    """``create_org --name N --admin-email E [--admin-password P] [--type SANDBOX] [--json]``."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--name", required=True)
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--admin-password")
        parser.add_argument(
            "--type", choices=OrganizationType.values, default=OrganizationType.PRODUCTION
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object, last")

    def handle(self, *args: Any, **options: Any) -> None:
        """Found the organization and print what cannot be read again."""
        try:
            founded = founding.found(
                name=options["name"],
                admin_email=options["admin_email"],
                admin_password=options["admin_password"],
                kind=options["type"],
            )
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        facts = {
            "orgId": str(founded.organization.pk),
            "accessKeyId": founded.access_key_id,
            "apiSecret": founded.api_secret,
            "adminEmail": founded.admin.email,
            "adminPassword": founded.admin_password,
        }
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        for key, value in facts.items():
            self.stdout.write(f"{key:14} {value or '(as before)'}")
