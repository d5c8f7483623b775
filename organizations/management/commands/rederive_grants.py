"""Rebuild what guardian grants from permission policies: ``manage.py rederive_grants``."""

from typing import Any

from django.core.management.base import BaseCommand

from organizations import grants
from organizations.kernel import isolation


class Command(BaseCommand):
    """Nothing changes when every grant is as the policies say already."""

    help = "Rebuild the object permissions of every organization from its permission policies."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebuild, and say for how many organizations."""
        with isolation.everywhere():
            count = grants.rederive_all()
        self.stdout.write(f"Permissions of {count} organizations rebuilt from their policies.")
