"""Pages of lookup tables and of their revisions: status, data, files."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from catalog.admin import lookup_files
from catalog.lookups import data, items, statuses
from catalog.lookups.registration import DATA
from catalog.models import LookupTable, LookupTableRevision
from organizations.kernel.console import choices, linking, show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.confirming import confirmed
from organizations.kernel.console.fields import Column, RowsField
from organizations.kernel.console.filters import OwnRelatedFilter
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.kernel.ids import is_strict_code

COLOURS = {"PUBLISHED": "good", "DRAFT": "busy", "ARCHIVED": ""}
MOST_SHOWN = 100
LONGEST_NAME = 256
TYPES = (("STRING", "Text"), ("NUMBER", "Number"))


@admin.register(LookupTable)
class LookupTableAdmin(ConsoleModelAdmin):
    """Lookup tables, each with its revisions."""

    list_display = ["name", "shown_code", "modified_at"]
    search_fields = ["name", "code"]
    fields = ["name", "code", "custom_fields"]
    change_form_outer_after_template = "console/lookup_revisions.html"
    empty_hint = (
        "A lookup table holds values that calculations find by a key, such as the rate of a GPU "
        "type or a discount by country."
    )

    @display(description="Code", ordering="code")
    def shown_code(self, row: LookupTable) -> str:
        """The code that calculations name."""
        return show.code(row.code)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the revisions."""
        extra = {**(options.pop("extra_context", None) or {})}
        table = self.get_object(request, object_id)
        if table is not None and linking.to_list(request, LookupTableRevision):
            extra["lookup_revisions"] = revisions_of(request, table)
            extra["lookup_revisions_add"] = linking.to_form(
                request, LookupTableRevision, lookup_table=table.pk
            )
        return super().change_view(request, object_id, *args, extra_context=extra, **options)


def revisions_of(request: HttpRequest, table: LookupTable) -> list[dict[str, Any]]:
    """Return the revisions of a table that one may read, newest first."""
    seen = linking.seen(request, table.revisions.all()).select_related("data")
    zone = choices.zone(request)
    return [
        {
            "name": row.name,
            "status": show.label(row.get_status_display(), COLOURS[row.status]),
            "keys": ", ".join(row.keys),
            "count": f"{row.item_count:,}",
            "start": show.day(row.start_date, zone) if row.start_date else "",
            "url": show.address(row),
        }
        for row in seen.order_by("-created_at", "-pk")[:MOST_SHOWN]
    ]


class RevisionForm(ConsoleForm):
    """A revision; its fields are a table, its keys are named in order."""

    fields = RowsField(
        columns=(
            Column("name", "Name"),
            Column("type", "Type", "choice", TYPES, default="STRING"),
        ),
        add="Add field",
        help_text="Between 2 and 10. They cannot change any more once there are data.",
    )
    keys = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Names, separated by commas"}),
        help_text="The fields by which a row is found, in the order in which a calculation gives "
        "their values.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.keys:
            self.initial["keys"] = ", ".join(self.instance.keys)

    def clean_keys(self) -> list[str]:
        """Return the names as a list."""
        return [part.strip() for part in self.cleaned_data["keys"].split(",") if part.strip()]

    def clean_fields(self) -> list[dict[str, Any]]:
        """Refuse names that no calculation could write."""
        rows: list[dict[str, Any]] = self.cleaned_data["fields"]
        for row in rows:
            if not is_strict_code(row["name"]) or len(row["name"]) > LONGEST_NAME:
                raise forms.ValidationError(
                    f"{row['name'][:80]}: a name may hold only letters, the digits 0 to 9, _ and "
                    "$, and must not begin with a digit."
                )
        return rows


@admin.register(LookupTableRevision)
class LookupTableRevisionAdmin(ConsoleModelAdmin):
    """Revisions of lookup tables."""

    form = RevisionForm
    tells_all = True
    list_display = ["name", "lookup_table", "shown_status", "shown_count", "modified_at"]
    list_select_related = ["lookup_table", "data"]
    list_filter = ["status", ("lookup_table", OwnRelatedFilter)]
    search_fields = ["name", "lookup_table__name", "lookup_table__code"]
    autocomplete_fields = ["lookup_table"]
    fields = ["lookup_table", "name", "fields", "keys", "start_date", "custom_fields"]
    actions = ["publish", "archive"]
    change_form_outer_after_template = "console/lookup_data.html"
    empty_hint = (
        "A revision holds the data of a lookup table. It is a draft until it is published; "
        "measurements that arrive from then on look values up in it."
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave a revision in the table in which it was made."""
        return [*super().get_readonly_fields(request, obj), *(["lookup_table"] if obj else [])]

    def get_urls(self) -> list[URLPattern]:
        """Add moving the data: upload, copy, download."""
        wrap = self.admin_site.admin_view
        act, file = (
            partial(one, page=self) for one in (lookup_files.act_view, lookup_files.file_view)
        )
        at = "<uuid:revision_id>/data/"
        return [
            path(at, wrap(act), name="lookup_files"),
            path(f"{at}<uuid:job_id>/", wrap(file), name="lookup_file"),
            *super().get_urls(),
        ]

    def title_of(self, row: LookupTableRevision) -> str:
        """Table and revision."""
        return f"{row.lookup_table}: {row.name}"

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the status and the first rows of the data."""
        extra = {**(options.pop("extra_context", None) or {})}
        row = self.get_object(request, object_id)
        if row is not None:
            extra["lookup_data"] = shown_data(request, row)
            extra["lookup_files"] = lookup_files.offered(request, row)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    @display(description="Status", ordering="status")
    def shown_status(self, row: LookupTableRevision) -> str:
        """A coloured word."""
        return show.label(row.get_status_display(), COLOURS[row.status])

    @display(description="Items", ordering="data__item_count")
    def shown_count(self, row: LookupTableRevision) -> str:
        """How many rows its data have."""
        return show.right(f"{row.item_count:,}")

    @action(description="Publish selected", permissions=["change"])
    @confirmed(
        "Publish",
        "Measurements that arrive from now on look values up in them. What is stored stays as it "
        "is, the revision of the same table that is published now is archived, and the data "
        "cannot be changed any more.",
        is_final=True,
    )
    def publish(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Publish drafts."""
        self._set(request, queryset, statuses.PUBLISHED, "Published")

    @action(description="Archive selected", permissions=["change"])
    @confirmed(
        "Archive",
        "Lookups in a table without a published revision find nothing: calculations take their "
        "default.",
        is_final=True,
    )
    def archive(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Archive drafts and published ones."""
        self._set(request, queryset, statuses.ARCHIVED, "Archived")

    def _set(self, request: HttpRequest, rows: QuerySet, status: str, done: str) -> None:
        for row in rows.order_by("created_at", "pk"):
            try:
                statuses.change(row, status, by=request.principal)
            except DomainError as refusal:
                telling.refused(request, refusal, row.name)
            else:
                messages.success(request, f"{done}: {row.name}.")


def shown_data(request: HttpRequest, revision: LookupTableRevision) -> dict[str, Any] | None:
    """Return the first rows of a revision's data, for whom may read them."""
    if not request.permissions.allows("config:retrieve", DATA, revision.data.pk):
        return None
    names = [field["name"] for field in revision.fields]
    rows = data.first(revision.data, MOST_SHOWN)
    return {
        "status": show.label(revision.get_status_display(), COLOURS[revision.status]),
        "names": names,
        "rows": [["" if item.get(name) is None else items.plain(item[name]) for name in names]
                 for _, item in rows],
        "count": revision.item_count,
        "more": revision.item_count - len(rows),
    }  # fmt: skip
