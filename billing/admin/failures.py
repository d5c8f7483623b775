"""The page of usage that could not be stored: why, what was sent, and sending it again (C4)."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import content_disposition_header
from unfold.decorators import action, display

from billing.models import Account, IngestFailure, IngestFailureType
from billing.usage import failures, resubmission
from billing.usage.reception import MAPS
from catalog.models import Meter
from organizations.kernel import exact_json
from organizations.kernel.console import linking, show
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.confirming import confirmed
from organizations.kernel.console.filters import RangeDateFilter
from organizations.kernel.wording import counted

NEXT_STEP = {
    "UndefinedMeter": "Make a meter with this code, then send the measurements again.",
    "MissingField": "Send the field, or take it out of the meter, then send the "
    "measurements again.",
    "DuplicateUid": "Nothing to do when these were sent twice: the first ones are counted.",
    "DuplicateField": "Send each field once.",
    "CalculationError": "The measurement is stored without the derived field. Check "
    "its calculation.",
    "InvalidAccountCode": "Make an account with this code, or use the code of an account, then "
    "send the measurements again.",
}
COLOURS = {"STORED": "good", "REFUSED": "bad"}


class OpenFilter(admin.SimpleListFilter):
    """Open failures only, unless asked for others."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what is done with, and everything."""
        return [("done", "Actioned"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        """Call the first choice what it is."""
        first, *others = super().choices(changelist)
        yield {**first, "display": "Open"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow the list."""
        if self.value() == "all":
            return queryset
        return queryset.filter(actioned_at__isnull=self.value() != "done")


@admin.register(IngestFailure)
class IngestFailureAdmin(ReadOnlyConsoleAdmin):
    """Measurements that were refused, with the reason."""

    resource = "data:measurement"
    view_action = "measurements:retrieve"
    list_display = ["shown_type", "short_message", "meter_code", "account_code", "created_at",
                    "shown_outcome"]  # fmt: skip
    list_display_links = ["short_message"]
    list_filter = [OpenFilter, "type", "outcome", ("created_at", RangeDateFilter)]
    search_fields = ["meter_code", "account_code", "message"]
    fields = ["shown_type", "message", "what_to_do", "meter_code", "account_code", "created_at",
              "shown_outcome", "resubmitted_at", "actioned_at", "event_id",
              "original"]  # fmt: skip
    readonly_fields = ["shown_type", "what_to_do", "original", "shown_outcome"]
    change_form_template = "console/ingest_failure.html"
    actions = ["resubmit", "mark_actioned"]
    empty_hint = "Usage that cannot be stored shows up here with its reason. None has."

    def title_of(self, row: IngestFailure) -> str:
        """What it is, and when it was: ids say nothing to people."""
        return f"{row.get_type_display()}, {show.instant(row.created_at)}"

    def get_urls(self) -> list[URLPattern]:
        """Add the download of what was sent."""
        view = self.admin_site.admin_view(self.log_view)
        again = self.admin_site.admin_view(self.resubmit_view)
        return [
            path("<uuid:failure_id>/log/", view, name="ingest_failure_log"),
            path("<uuid:failure_id>/resubmit/", again, name="ingest_failure_resubmit"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: Any, **options: Any) -> Any:
        """Offer what helps: the log, the account or meter that is missing, sending again."""
        row = options.get("obj")
        if row is not None:
            context["ways_on"] = _ways_on(request, row)
            context["may_resubmit"] = row.may_be_resubmitted and _may_resubmit(request, row)
        return super().render_change_form(request, context, **options)

    def resubmit_view(self, request: HttpRequest, failure_id: Any) -> HttpResponse:
        """Send one failure again."""
        row = self.get_queryset(request).filter(pk=failure_id).first()
        if row is None:
            raise Http404
        if request.method != "POST" or not self.has_view_permission(request, row):
            raise PermissionDenied
        if not _may_resubmit(request, row):
            raise PermissionDenied
        _tell(request, resubmission.request(row.organization_id, [row.pk], by=request.principal))
        return HttpResponseRedirect(show.address(row))

    def log_view(self, request: HttpRequest, failure_id: Any) -> HttpResponse:
        """Send the log of a failure as a file."""
        row = self.get_queryset(request).filter(pk=failure_id).first()
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        response = HttpResponse(
            exact_json.dumps(failures.log(row)), content_type="application/json"
        )
        name = failures.file_name(row.pk)
        response["Content-Disposition"] = str(content_disposition_header(True, name))
        return response

    @action(description="Send again", permissions=["operate"])
    @confirmed(
        "Send again",
        "Each measurement is taken in as it was received, with its uid. What is refused again "
        "becomes a new failure. Duplicates, and what is stored without a derived field, are left "
        "as they are.",
    )
    def resubmit(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Send what is selected again, or all that the filters leave."""
        rows = request.permissions.visible(queryset, "measurements:upload", self.resource)
        chosen = list(rows.order_by("created_at", "pk").values_list("pk", flat=True))
        if not chosen:
            raise PermissionDenied
        _tell(request, resubmission.request(request.organization.pk, chosen, by=request.principal))

    @action(description="Mark as actioned", permissions=["operate"])
    @confirmed(
        "Mark as actioned",
        "They leave the list of open failures, and their events the list of events. Nothing is "
        "sent or deleted.",
    )
    def mark_actioned(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Take them out of the list of what is to be done."""
        chosen = list(queryset.values_list("pk", flat=True))
        marked = resubmission.mark_actioned(request.organization.pk, chosen, by=request.principal)
        messages.success(request, f"Marked as actioned: {counted(marked, 'failures')}.")

    @display(description="Type", ordering="type")
    def shown_type(self, row: IngestFailure) -> str:
        """A coloured word."""
        kind = "warn" if row.type in {"DuplicateUid", "CalculationError"} else "bad"
        return show.label(row.get_type_display(), kind)

    @display(description="Sent again", ordering="outcome")
    def shown_outcome(self, row: IngestFailure) -> str:
        """What came of sending it again."""
        if not row.outcome:
            return "-"
        return show.label(row.get_outcome_display(), COLOURS[row.outcome])

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


def _may_resubmit(request: HttpRequest, row: IngestFailure) -> bool:
    return request.permissions.allows("measurements:upload", "data:measurement", row.pk)


def _tell(request: HttpRequest, report: resubmission.Report | None) -> None:
    """Say what came of it."""
    if report is None:
        messages.success(request, "They are being sent again in the background.")
        return
    if report.stored:
        messages.success(request, f"Stored: {counted(report.stored, 'measurements')}.")
    if report.refused:
        text = f"Refused again: {counted(report.refused, 'measurements')}. See the new failures."
        messages.warning(request, text)
    if report.left:
        text = f"Left as they are: {counted(report.left, 'failures')} stored or sent again before."
        messages.info(request, text)


def _ways_on(request: HttpRequest, row: IngestFailure) -> list[tuple[str, str]]:
    """Return texts and addresses of what helps and the person may do."""
    sent = row.measurements[0] if row.measurements else {}
    ways = []
    if row.type == IngestFailureType.UndefinedMeter and row.meter_code:
        fields = ",".join(
            f"{category}.{code}" for category in MAPS for code in sent.get(category) or {}
        )
        about = {"name": row.meter_code, "code": row.meter_code, "fields": fields}
        ways.append(("Make this meter", linking.to_form(request, Meter, **about)))
    if row.type == IngestFailureType.InvalidAccountCode and row.account_code:
        about = {"name": row.account_code, "code": row.account_code}
        ways.append(("Make this account", linking.to_form(request, Account, **about)))
    ways.append(("Download", reverse("admin:ingest_failure_log", args=[row.pk])))
    return [(text, url) for text, url in ways if url]
