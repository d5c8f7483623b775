"""Filters beside a list; those of related rows offer only the organization's own."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import DateTimeField
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.contrib.filters.admin import RangeDateFilter as UnfoldRangeDateFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm
from unfold.utils import parse_date_str

from organizations.kernel import ids
from organizations.kernel.console import linking
from organizations.models import Currency

__all__ = [
    "CurrencyFilter",
    "OwnRelatedFilter",
    "RangeDateFilter",
    "RangeInstantFilter",
    "WordFilter",
]


class SearchingForm(AutocompleteDropdownForm):
    """The drop-down that asks for rows while one types; it knows only rows one may read."""

    def __init__(self, *args: Any, rows: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.queryset = rows


class OwnRelatedFilter(AutocompleteSelectFilter):
    """A drop-down that searches among the related rows one may read, however many there are."""

    form_class = SearchingForm

    def __init__(self, field: Any, request: HttpRequest, *args: Any, **options: Any) -> None:
        related = field.remote_field.model._default_manager
        self.rows = linking.seen(request, related.filter(organization=request.organization))
        super().__init__(field, request, *args, **options)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Return the drop-down with what is chosen; what is no id has chosen nothing."""
        chosen = ids.parse(self.value())
        yield {
            "form": self.form_class(
                request=self.request,
                label=f" By {self.title} ",
                name=self.lookup_kwarg,
                choices=(),
                field=self.field,
                model_admin=self.model_admin,
                data={self.lookup_kwarg: str(chosen) if chosen else ""},
                rows=self.rows,
            )
        }


class RangeDateFilter(UnfoldRangeDateFilter):
    """Rows between two days, both included; the days of instants are those of UTC."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Compare instants with the midnights around the days."""
        if not isinstance(self.field, DateTimeField):
            return super().queryset(request, queryset)
        if first := self._midnight("from"):
            queryset = queryset.filter(**{f"{self.field_path}__gte": first})
        if last := self._midnight("to"):
            queryset = queryset.filter(**{f"{self.field_path}__lt": last + timedelta(days=1)})
        return queryset

    def _midnight(self, end: str) -> datetime | None:
        day = parse_date_str(self.used_parameters.get(f"{self.field_path}_{end}"))
        return datetime.combine(day, time(), UTC) if day else None


class RangeInstantFilter(RangeDateTimeFilter):
    """Rows between two moments in UTC; a day without a time is meant from its first to its last
    moment. What is no day narrows nothing."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Compare with the moments that were given."""
        if first := self._moment("from", time.min):
            queryset = queryset.filter(**{f"{self.field_path}__gte": first})
        if last := self._moment("to", time.max):
            queryset = queryset.filter(**{f"{self.field_path}__lte": last})
        return queryset

    def choices(self, changelist: Any) -> Any:
        """Show the times that were meant; a form that lacks one would call it wrong."""
        for end, clock in (("from", "00:00:00"), ("to", "23:59:59")):
            day, at = f"{self.field_path}_{end}_0", f"{self.field_path}_{end}_1"
            if self.used_parameters.get(day) and not self.used_parameters.get(at):
                self.used_parameters[at] = clock
        return super().choices(changelist)

    def _moment(self, end: str, otherwise: time) -> datetime | None:
        day = parse_date_str(self.used_parameters.get(f"{self.field_path}_{end}_0"))
        if day is None:
            return None
        try:
            clock = time.fromisoformat(self.used_parameters.get(f"{self.field_path}_{end}_1") or "")
        except ValueError:
            clock = otherwise
        # The second that is shown as the last one is meant to its end.
        fraction = otherwise.microsecond
        return datetime.combine(day, clock.replace(tzinfo=None, microsecond=fraction), UTC)


class WordFilter(admin.SimpleListFilter):
    """A filter whose words are given by the subclass as ``options`` and applied in ``narrow``."""

    options: tuple[tuple[str, str], ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        """Return the words."""
        return self.options

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow when a word is chosen."""
        return self.narrow(queryset, self.value()) if self.value() else queryset

    def narrow(self, queryset: Any, word: str) -> Any:
        """Return the rows the word stands for."""
        raise NotImplementedError


class CurrencyFilter(WordFilter):
    """Rows in one of the organization's currencies."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        """Return the currencies' codes."""
        rows = Currency.objects.for_organization(request.organization).order_by("code")
        return tuple((code, code) for code in rows.values_list("code", flat=True))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare the code."""
        return queryset.filter(currency=word)
