"""Pages of statement definitions and statement jobs (C8.2, E1)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import action, display

from billing.models import StatementDefinition, StatementJob
from billing.statements import jobs, visible
from organizations.kernel import changes, file_addresses
from organizations.kernel.console import fields, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import RangeDateFilter
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.console.pages import PageConsoleAdmin
from organizations.models import OrganizationConfig

COLOURS = {"COMPLETE": "good", "FAILED": "bad", "CANCELLED": "bad"}
METHODS = [
    ("SUM", "Sum"), ("MIN", "Smallest"), ("MAX", "Largest"), ("COUNT", "Count"),
    ("LATEST", "Latest"), ("MEAN", "Mean"), ("UNIQUE", "Different values"),
]  # fmt: skip
WORDS = {
    jobs.LATEST: ("As the bill is now", "good"),
    jobs.STALE: ("Older than the bill", "warn"),
    jobs.INVALIDATED: ("The definition was changed since", "warn"),
}


class DimensionsField(fields.RowsField):
    """Fields by whose values usage is told apart; the values are one text, with commas."""

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        texts = row.get("filter")
        joined = ", ".join(texts) if isinstance(texts, list) else texts
        return super()._shown({**row, "filter": joined})

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """Return the values of each row as a list."""
        return [
            {**row, "filter": [one.strip() for one in str(row["filter"]).split(",") if one.strip()]}
            for row in super().to_python(value)
        ]


class MeasuresField(fields.RowsField):
    """Fields that are shown beside the quantity; one method a row."""

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        methods = row.get("aggregations")
        joined = methods[0] if isinstance(methods, list) and methods else methods
        return super()._shown({**row, "aggregations": joined or "SUM"})

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """Return the method of each row as a list."""
        return [{**row, "aggregations": [row["aggregations"]]} for row in super().to_python(value)]


class DefinitionForm(ConsoleForm):
    """Dimensions and measures as tables."""

    dimensions = DimensionsField(
        required=False,
        columns=(
            fields.Column("name", "Field"),
            fields.Column("filter", "Values", default="*", help="With commas; * is every value."),
        ),
        add="Add dimension",
        help_text="By the values of these data fields usage is told apart.",
    )
    measures = MeasuresField(
        required=False,
        columns=(
            fields.Column("name", "Field", is_required=False, help="Empty: every field."),
            fields.Column("aggregations", "Method", "choice", choices=METHODS, default="SUM"),
        ),
        add="Add measure",
        help_text="Shown beside the quantity of each row.",
    )


@admin.register(StatementDefinition)
class StatementDefinitionAdmin(ConsoleModelAdmin):
    """How statements break usage down."""

    form = DefinitionForm
    tells_all = True
    list_display = ["shown_name", "aggregation_frequency", "default"]
    list_filter = ["aggregation_frequency"]
    actions = ["make_default"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "aggregation_frequency"]}),
        ("Told apart by", {"fields": ["dimensions"]}),
        ("Also shown", {"fields": ["measures", "include_price_per_unit",
                                   "generate_slim_statements"]}),
    ]  # fmt: skip
    empty_hint = (
        "A statement shows the usage behind each line of a bill by day, week or month, and by the "
        "values of fields. Accounts and the organization's configuration name the one they use."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Add whether a row is the organization's default."""
        config = OrganizationConfig.objects.filter(organization_id=OuterRef("organization_id"))
        default = config.filter(default_statement_definition_id=OuterRef("pk"))
        return super().get_queryset(request).annotate(is_default=Exists(default))

    @action(description="Make default", permissions=["view"])
    def make_default(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Let accounts without a definition of their own have this one."""
        if queryset.count() != 1:
            messages.warning(request, "Choose one: there is only one default.")
            return
        row = queryset.get()
        config = OrganizationConfig.objects.get(organization_id=row.organization_id)
        request.permissions.require("config:update", "config:organizationConfig", config.pk)
        with changes.editing(config, by=request.principal) as current:
            current.default_statement_definition_id = row.pk
        messages.success(request, f"{row} is used where an account has none of its own.")

    @display(description="Default")
    def default(self, row: StatementDefinition) -> str:
        """Whether accounts without one of their own have it."""
        return show.label("Default", "good") if row.is_default else show.NOTHING

    @display(description="Name", ordering="name")
    def shown_name(self, row: StatementDefinition) -> str:
        """The name, or what it does."""
        return str(row)


@admin.register(StatementJob)
class StatementJobAdmin(PageConsoleAdmin):
    """Statements that are written, with their files."""

    resource = "billing:statementJob"
    list_display = ["started", "account", "of_bill", "shown_status", "shown_freshness"]
    list_select_related = ["bill", "definition"]
    list_filter = ["status", ("created_at", RangeDateFilter)]
    search_fields = ["bill__account_name", "bill__account_code"]
    ordering = ("-created_at", "-pk")
    page_template = "console/statement_job.html"
    deeds = {"cancel": "cancel"}
    empty_hint = (
        "Statements are made on the page of a bill, and by themselves when one is approved."
    )

    def title_of(self, row: StatementJob) -> str:
        """Whose statement it is."""
        return f"Statement, {row.bill.account_name}, {show.day(row.bill.bill_date)}"

    def get_urls(self) -> list[URLPattern]:
        """Add the files."""
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:job_id>/file/<str:kind>/", wrap(self.file_view), name="statement_file"),
            *super().get_urls(),
        ]

    def file_view(self, request: HttpRequest, job_id: Any, kind: str) -> HttpResponse:
        """Lead to a file, for whoever may read all it shows."""
        rows = self.get_queryset(request).select_related("bill", "json_file", "csv_file")
        row = rows.filter(pk=job_id).first()
        file = getattr(row, f"{kind}_file", None) if kind in ("json", "csv") else None
        if row is None or file is None or not self.has_view_permission(request, row):
            raise Http404
        visible.require_whole(request.permissions, row.bill)
        base = request.build_absolute_uri("/")
        return HttpResponseRedirect(file_addresses.download_url(file, base=base))

    def page_context(self, request: HttpRequest, row: StatementJob) -> dict[str, Any]:
        """Add what the job is about and its files."""
        return {
            "bill_url": linking.to_row(request, row.bill),
            "state": (row.get_status_display(), COLOURS.get(row.status, "busy")),
            "freshness": WORDS[jobs.freshness(row)] if row.json_file_id else None,
            "is_active": row.status in jobs.ACTIVE,
            "files": [
                (kind.upper(), reverse("admin:statement_file", args=[row.pk, kind]))
                for kind in ("json", "csv")
                if getattr(row, f"{kind}_file_id")
            ],
        }

    def cancel(self, request: HttpRequest, row: StatementJob) -> str:
        """Stop the job."""
        jobs.cancel(row, by=request.principal)
        return "The statement is cancelled."

    @display(description="Started", ordering="created_at")
    def started(self, row: StatementJob) -> str:
        """When it was asked for."""
        return show.instant(row.created_at)

    @display(description="Account", ordering="bill__account_name")
    def account(self, row: StatementJob) -> str:
        """Whose bill it is."""
        return row.bill.account_name

    @display(description="Bill date", ordering="bill__bill_date")
    def of_bill(self, row: StatementJob) -> str:
        """The date of the bill."""
        return show.day(row.bill.bill_date)

    @display(description="Status", ordering="status")
    def shown_status(self, row: StatementJob) -> str:
        """A coloured word."""
        return show.label(row.get_status_display(), COLOURS.get(row.status, "busy"))

    @display(description="Files")
    def shown_freshness(self, row: StatementJob) -> str:
        """Whether they still say what the bill says."""
        return show.label(*WORDS[jobs.freshness(row)]) if row.json_file_id else show.NOTHING


def definition_choices(request: HttpRequest, empty: str) -> forms.TypedChoiceField:
    """Return the field in which an account or the organization names its definition."""
    rows = StatementDefinition.objects.for_organization(request.organization)
    seen = request.permissions.visible(rows, "config:retrieve", "config:statementDefinition")
    return forms.TypedChoiceField(
        choices=[("", empty), *((str(row.pk), str(row)) for row in seen.order_by("name", "pk"))],
        required=False,
        empty_value=None,
        label="Statement definition",
    )
