"""Make an organization, its first administrator and a service user with a key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from organizations import founding


class Command(BaseCommand):
    """``create_org --name N --admin-email E [--admin-password P] [--json]``."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--name", required=True)
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--admin-password")
        parser.add_argument("--json", action="store_true", help="print one JSON object, last")

    def handle(self, *args: Any, **options: Any) -> None:
        """Found the organization and print what cannot be read again."""
        name = options["name"].strip()
        if not 1 <= len(name) <= 200:
            raise CommandError("--name: 1 to 200 characters.")
        try:
            validate_email(options["admin_email"])
        except ValidationError as error:
            raise CommandError("--admin-email: not an e-mail address.") from error
        founded = founding.found(
            name=name,
            admin_email=options["admin_email"],
            admin_password=options["admin_password"],
        )
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
