"""The catalogue as code: write it into a file, see what a file would change, apply the file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.as_code import applying, diff, files, stored
from catalog.as_code.applying import Planned
from organizations.kernel import ids, isolation, principals
from organizations.kernel.wording import counted
from organizations.kernel.zones import zone_of
from organizations.models import Organization


class Command(BaseCommand):
    """``catalogue export|plan|apply --organization ID FILE [--prune]``."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("action", choices=["export", "plan", "apply"])
        parser.add_argument("file", help="the file")
        parser.add_argument("--organization", required=True, help="the id of the organization")
        parser.add_argument(
            "--prune", action="store_true", help="delete what the file does not hold"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do one of the three and print what happened."""
        organization_id = ids.parse(options["organization"])
        if organization_id is None:
            raise CommandError("--organization has to be the id of an organization.")
        with isolation.within(organization_id):
            if not Organization.objects.filter(pk=organization_id).exists():
                raise CommandError("There is no such organization.")
            try:
                getattr(self, options["action"])(organization_id, options)
            except files.FileRefused as refused:
                count = counted(len(refused.faults), "faults")
                raise CommandError(f"{refused}\n{count}. Nothing is changed.") from refused

    def export(self, organization_id: Any, options: dict[str, Any]) -> None:
        """Write the file."""
        text = files.written(stored.read(organization_id).catalogue)
        try:
            Path(options["file"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be written: {error.strerror}") from error
        self.stdout.write(f"Written to {options['file']}.")
        if bespoke := stored.counted_bespoke(organization_id):
            self.stdout.write(
                f"Left out: {bespoke:,} of plans and plan groups, those of single accounts."
            )

    def plan(self, organization_id: Any, options: dict[str, Any]) -> None:
        """Tell what the file would change."""
        wanted, by = self.wanted(organization_id, options), principals.system(organization_id)
        self.tell(applying.plan(wanted, by=by, prunes=options["prune"]))

    def apply(self, organization_id: Any, options: dict[str, Any]) -> None:
        """Change it and tell what was changed."""
        wanted, by = self.wanted(organization_id, options), principals.system(organization_id)
        planned = applying.apply(wanted, by=by, prunes=options["prune"])
        self.tell(planned)
        if planned.difference.changes:
            self.stdout.write("Applied.")

    def wanted(self, organization_id: Any, options: dict[str, Any]) -> Any:
        """Read the file."""
        try:
            text = Path(options["file"]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}") from error
        return files.read(text, zone=zone_of(organization_id))

    def tell(self, planned: Planned) -> None:
        """Print each change with the accounts it is billed to, then the sums."""
        difference = planned.difference
        for change, accounts in zip(difference.changes, planned.accounts, strict=True):
            for line in diff.lines(change):
                self.stdout.write(line)
            if accounts:
                count = counted(len(accounts), "accounts")
                self.stdout.write(f"    touches the next bills of {count}")
        if difference.left:
            self.stdout.write("Not in the file and left as they are (--prune deletes them):")
            for item in difference.left:
                self.stdout.write(f"  {item.label}")
        if not difference.changes:
            self.stdout.write("No changes.")
            return
        touched = counted(len(planned.all_accounts), "accounts")
        self.stdout.write(
            f"{diff.summary(difference.changes)}. The next bills of {touched} may differ."
        )
