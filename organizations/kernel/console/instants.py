"""Date and time in forms: typed and shown as clocks in the organization's timezone show it.

What is stored are instants. A time that clocks jump over is refused; one they show twice is the
first of the two. What nobody touches stays as exact as it was, also the second of the two and the
fraction of a second that a form does not show.
"""

from datetime import datetime, tzinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from organizations.kernel import clock
from organizations.kernel.console import show
from organizations.kernel.periods import local_instant


class InstantWidget(UnfoldAdminSplitDateTimeWidget):
    """A date and a time of the zone."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        super().__init__()
        # "Today" and "Now" beside the inputs are those of the zone as well.
        offset = clock.now().astimezone(zone).utcoffset()
        self.widgets[0].attrs["data-utc-offset"] = int(offset.total_seconds()) if offset else 0

    def decompress(self, value: Any) -> list[Any]:
        """Return date and time of an instant; of anything else nothing."""
        if not isinstance(value, datetime):
            return [None, None]
        local = show.local_time(value, self.zone)
        return [local.date(), local.time()]


class InstantField(forms.SplitDateTimeField):
    """An instant, typed in a timezone that stands at the field."""

    def __init__(self, *, zone: tzinfo, help_text: str = "", **options: Any) -> None:
        self.zone = zone
        told = f"{help_text} Date and time in {zone}.".strip()
        super().__init__(widget=InstantWidget(zone), help_text=told, **options)

    def compress(self, data_list: Any) -> datetime | None:
        """Return the instant; refuse a time that no clock in the zone shows."""
        if not data_list:
            return None
        for part, problem in zip(data_list, ("invalid_date", "invalid_time"), strict=True):
            if part in self.empty_values:
                raise ValidationError(self.error_messages[problem], code=problem)
        local = datetime.combine(*data_list)
        try:
            instant = local_instant(local, self.zone)
        except OverflowError:
            raise ValidationError("This date is out of range.") from None
        if instant is None:
            raise ValidationError(
                f"There is no {local:%H:%M} on {local:%Y-%m-%d} in {self.zone}: clocks "
                "go forward over it."
            )
        return instant

    def _clean_bound_field(self, bound: Any) -> Any:
        """Return what is stored, to its fraction of a second, where nobody changed what is shown.

        Django's own way to clean a field of a form; it has no public one.
        """
        stored = bound.form.initial.get(bound.name) if bound.form.instance.pk else None
        if isinstance(stored, datetime) and not self.has_changed(stored, bound.data):
            return stored
        return super()._clean_bound_field(bound)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what the form shows: whole seconds."""
        shown = initial.replace(microsecond=0) if isinstance(initial, datetime) else initial
        return super().has_changed(shown, data)
