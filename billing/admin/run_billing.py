"""Run billing: ask for period, frequency and accounts, say what will happen, start a job (C8.1)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget

from billing.bills import foreseen, runs
from billing.bills.job_requests import JobRequest
from billing.models import Account
from billing.rehearsing import rehearsals
from organizations.kernel import clock, ids
from organizations.kernel.console import linking, show
from organizations.kernel.console.confirming import CONFIRMED
from organizations.kernel.console.forms import PlainForm
from organizations.kernel.errors import DomainError
from organizations.models import OrganizationConfig

FREQUENCIES = [
    ("", "All frequencies"),
    ("MONTHLY", "Monthly"),
    ("WEEKLY", "Weekly"),
    ("DAILY", "Daily"),
    ("ANNUALLY", "Annually"),
    ("AD_HOC", "Only what has a date of its own"),
]


class RunBillingForm(PlainForm):
    """What to bill."""

    wire_names = {"lastDateInBillingPeriod": "day", "billingFrequency": "frequency"}
    day = forms.DateField(
        label="A day of the period",
        widget=UnfoldAdminSingleDateWidget,
        help_text="Each plan is billed for its period that contains this day. A period that is "
        "not over yet is billed up to now. Charges and fees with a date of their own up to the day "
        "after are billed too. Proposed is the last month that is over.",
    )
    frequency = forms.ChoiceField(
        label="Frequency", choices=FREQUENCIES, required=False, widget=UnfoldAdminSelectWidget
    )
    accounts = forms.CharField(
        label="Accounts",
        required=False,
        help_text="Codes separated by commas. Empty: all accounts.",
    )

    def __init__(self, *args: Any, organization: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.organization = organization

    def clean_accounts(self) -> list[Any] | None:
        """Return the ids of the codes; unknown ones are named, and so is text without any."""
        codes = [code.strip() for code in self.cleaned_data["accounts"].split(",") if code.strip()]
        found = dict(
            Account.objects.for_organization(self.organization)
            .filter(code__in=codes)
            .values_list("code", "pk")
        )
        if unknown := [code for code in codes if code not in found]:
            raise forms.ValidationError(f"No account has the code {', '.join(unknown)}.")
        if not codes and self.cleaned_data["accounts"]:
            raise forms.ValidationError("Name accounts by their codes, or leave this empty.")
        return [found[code] for code in codes] or None


def address(request: HttpRequest, account: Account | None = None) -> str:
    """Return where to run billing, for one account or all; empty for whom may not."""
    if not _may(request):
        return ""
    url = reverse("admin:run_billing")
    return f"{url}?account={account.pk}" if account else url


def view(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the form, or start the job and show its progress."""
    if not _may(request):
        raise PermissionDenied
    form = RunBillingForm(
        request.POST or None,
        organization=request.organization,
        initial=_initial(request),
    )
    if request.method == "POST" and form.is_valid():
        if request.POST.get(CONFIRMED) != "yes":
            return _ask(page, request, form.cleaned_data)
        try:
            job = _start(request, form.cleaned_data)
        except DomainError as refusal:
            form.show_refusal(refusal)
        else:
            what = (
                "The rehearsal has started." if _is_rehearsal(request) else "Billing has started."
            )
            messages.success(request, what)
            return HttpResponseRedirect(linking.back_to(request, job))
    context = {
        **page.admin_site.each_context(request),
        "title": "Run billing",
        "opts": page.opts,
        "form": form,
        "media": form.media,
        "submit": "Run billing",
        "back": linking.to_list(request, page.model) or reverse("admin:index"),
    }
    return TemplateResponse(request, "console/form.html", context)


def _ask(page: Any, request: HttpRequest, asked: dict[str, Any]) -> HttpResponse:
    """Say what will happen, and ask."""
    at = clock.now()
    config = OrganizationConfig.objects.get(organization=request.organization)
    found = foreseen.foresee(
        config,
        asked["day"],
        at=at,
        frequency=asked["frequency"] or None,
        account_ids=asked["accounts"],
    )
    context = {
        **page.admin_site.each_context(request),
        "title": "Run billing",
        "opts": page.opts,
        "foreseen": [told(one) for one in found],
        "goes_on": any(not one.is_over for one in found),
        "proposed": show.day(foreseen.latest_finished_day(config, at)),
        "repeated": {name: request.POST.get(name, "") for name in ("day", "frequency", "accounts")},
        "back": request.get_full_path(),
        "may_rehearse": _may_rehearse(request),
    }
    return TemplateResponse(request, "console/run_billing.html", context)


def told(one: foreseen.Foreseen) -> dict[str, Any]:
    """Return a period a run will bill, as pages show it."""
    kinds = (("pending", one.pending), ("approved", one.approved), ("locked", one.locked))
    name = dict(FREQUENCIES).get(one.frequency.value, "")
    return {
        "period": f"{show.day(one.first_day)} – {show.day(one.last_day)}",
        "frequency": name if one.interval == 1 else f"{name}, every {one.interval}",
        "accounts": one.accounts,
        "existing": ", ".join(f"{count} {word}" for word, count in kinds if count) or "none yet",
        "is_over": one.is_over,
    }


def _may(request: HttpRequest) -> bool:
    return request.permissions.allows("config:create", "billing:billJob")


def _initial(request: HttpRequest) -> dict[str, Any]:
    wanted = ids.parse(request.GET.get("account"))
    account = Account.objects.for_organization(request.organization).filter(pk=wanted).first()
    config = OrganizationConfig.objects.get(organization=request.organization)
    return {
        "day": request.GET.get("day") or foreseen.latest_finished_day(config, clock.now()),
        "frequency": request.GET.get("frequency", ""),
        "accounts": account.code if wanted and account else request.GET.get("accounts", ""),
    }


def _may_rehearse(request: HttpRequest) -> bool:
    return request.permissions.allows("config:create", "config:rehearsal")


def _start(request: HttpRequest, asked: dict[str, Any]) -> Any:
    """Start the run, or its rehearsal where the person pressed that button."""
    wanted = JobRequest(
        latest_date_in_billing_period=asked["day"],
        billing_frequency=asked["frequency"] or None,
        account_ids=asked["accounts"],
    )
    if not _is_rehearsal(request):
        return runs.start(request.organization, wanted, by=request.principal, at=clock.now())
    if not _may_rehearse(request):
        raise PermissionDenied
    return rehearsals.start(request.organization, wanted, by=request.principal)


def _is_rehearsal(request: HttpRequest) -> bool:
    return request.POST.get("rehearse") == "yes"
