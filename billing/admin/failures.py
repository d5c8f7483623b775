"""The page of usage that could not be stored: why, and what was sent (C4)."""

from django.contrib import admin
from unfold.decorators import display

from billing.models import IngestFailure
from organizations.kernel.console import show
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.filters import RangeDateFilter

NEXT_STEP = {
    "UndefinedMeter": "Make a meter with this code, then send the measurements again.",
    "MissingField": "Send the field, or take it out of the meter, then send the "
    "measurements again.",
    "DuplicateUid": "Nothing to do when these were sent twice: the first ones are counted.",
    "DuplicateField": "Send each field once.",
    "CalculationError": "The measurement is stored without the derived field. Check "
    "its calculation.",
    "InvalidAccountCode": "Use the code of an account, or one that a new account may have.",
}


@admin.register(IngestFailure)
class IngestFailureAdmin(ReadOnlyConsoleAdmin):
    """Measurements that were refused, with the reason."""

    resource = "data:measurement"
    view_action = "measurements:retrieve"
    list_display = ["shown_type", "short_message", "meter_code", "account_code", "created_at"]
    list_display_links = ["short_message"]
    list_filter = ["type", ("created_at", RangeDateFilter)]
    search_fields = ["meter_code", "account_code", "message"]
    fields = ["shown_type", "message", "what_to_do", "meter_code", "account_code", "created_at",
              "event_id", "original"]  # fmt: skip
    readonly_fields = ["shown_type", "what_to_do", "original"]
    empty_hint = "Usage that cannot be stored shows up here with its reason. None has."

    @display(description="Type", ordering="type")
    def shown_type(self, row: IngestFailure) -> str:
        """A coloured word."""
        kind = "warn" if row.type in {"DuplicateUid", "CalculationError"} else "bad"
        return show.label(row.get_type_display(), kind)

    @display(description="Reason")
    def short_message(self, row: IngestFailure) -> str:
        """The first words."""
        return row.message if len(row.message) < 120 else f"{row.message[:117]}..."

    @display(description="What to do")
    def what_to_do(self, row: IngestFailure) -> str:
        """One sentence for whoever has to mend it."""
        return NEXT_STEP.get(row.type, "")

    @display(description="What was sent")
    def original(self, row: IngestFailure) -> str:
        """The measurements as received; of duplicates, their uids."""
        return show.json_block(row.measurements or row.uids)
