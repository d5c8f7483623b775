"""How bills look and how they are sent: one form, with a picture of a bill beside it (C12)."""

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from billing.bills import documents, mail_texts
from billing.bills.document import content, locales, logos
from billing.models import Account, Bill, LineItem
from organizations import mail
from organizations.kernel import changes, clock, files
from organizations.kernel.console import telling
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.models import DocumentLanguage, Organization

RESOURCE = "config:organizationConfig"
FIELDS = (
    "document_language", "bank_details", "document_footer", "bills_by_email",
    "bill_email_subject", "bill_email_text",
)  # fmt: skip
_NAMES = ", ".join(f"{{{name}}}" for name in mail_texts.NAMES)


class DocumentsForm(forms.Form):
    """What is the same on every bill."""

    document_language = forms.ChoiceField(
        label="Language", choices=DocumentLanguage.choices, widget=UnfoldAdminSelectWidget
    )
    logo = forms.FileField(
        required=False,
        help_text="PNG, JPEG or WebP, at most 1 MB. It stands in place of the initials. After a "
        "preview choose it again.",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    remove_logo = forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget)
    bank_details = forms.CharField(
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Below the charges, line by line: bank, IBAN, what to name.",
    )
    document_footer = forms.CharField(
        label="Closing words",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    bills_by_email = forms.BooleanField(
        label="Send bills by e-mail when they are approved",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="An account may say otherwise, and to which addresses. A bill of a period that "
        "is not over is not sent by itself.",
    )
    bill_email_subject = forms.CharField(
        label="Subject", required=False, max_length=200, widget=UnfoldAdminTextInputWidget
    )
    bill_email_text = forms.CharField(
        label="Text",
        required=False,
        max_length=4000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=f"May name {_NAMES}. Without subject or text, ours in the bill's language.",
    )

    def clean_logo(self) -> bytes | None:
        """Check the picture and make it anew."""
        sent = self.cleaned_data["logo"]
        if not sent:
            return None
        return self._asked(lambda: logos.renewed(sent.read(logos.MOST_BYTES + 1)))

    def clean_bill_email_subject(self) -> str:
        """Refuse names that there are not."""
        return self._template("bill_email_subject")

    def clean_bill_email_text(self) -> str:
        """Refuse names that there are not."""
        return self._template("bill_email_text")

    def _template(self, name: str) -> str:
        template = str(self.cleaned_data[name])
        self._asked(lambda: mail_texts.check(name, template))
        return template

    @staticmethod
    def _asked(rule: Any) -> Any:
        try:
            return rule()
        except FieldRefused as refusal:
            raise forms.ValidationError(refusal.errors[0].message) from refusal


def view(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the settings with a preview; try or save what was typed."""
    own = request.organization.pk
    if not request.permissions.allows("config:retrieve", RESOURCE, own):
        raise PermissionDenied
    may_change = request.permissions.allows("config:update", RESOURCE, own)
    if request.method == "POST" and not may_change:
        raise PermissionDenied
    stored = Organization.objects.select_related("logo_file").get(pk=own)
    initial = {name: getattr(stored, name) for name in FIELDS}
    form = DocumentsForm(request.POST or None, request.FILES or None, initial=initial)
    if form.is_bound and form.is_valid():
        if request.POST.get("do") != "preview":
            try:
                _save(request, stored, form.cleaned_data)
            except DomainError as refusal:
                telling.refused(request, refusal)
            else:
                messages.success(request, "Saved.")
                return HttpResponseRedirect(reverse("admin:bill_documents"))
        for name in FIELDS:
            setattr(stored, name, form.cleaned_data[name])
    logo = logos.of_organization(stored)
    if form.is_bound and not form.errors:
        logo = form.cleaned_data["logo"] or (None if form.cleaned_data["remove_logo"] else logo)
    context = {
        **page.admin_site.each_context(request),
        **_preview(stored, logo),
        "title": "Bill documents",
        "opts": page.opts,
        "form": form,
        "may_change": may_change,
        "has_logo": stored.logo_file_id is not None,
        "is_mail_set_up": mail.is_set_up(),
    }
    return TemplateResponse(request, "console/bill_documents.html", context)


def _save(request: HttpRequest, stored: Organization, typed: dict[str, Any]) -> None:
    """Save the settings; a logo is stored before, outside of the transaction."""
    before = stored.logo_file
    file = None
    if typed["logo"]:
        file = files.write(
            stored.pk,
            kind=logos.KIND,
            name="logo.png",
            content_type="image/png",
            chunks=[typed["logo"]],
            by=request.principal.id,
        )
    with changes.editing(stored, by=request.principal) as row:
        for name in FIELDS:
            setattr(row, name, typed[name])
        if file is not None or typed["remove_logo"]:
            row.logo_file = file
            if before is not None:
                files.delete(before)


def _preview(organization: Organization, logo: bytes | None) -> dict[str, Any]:
    """Return a bill that there is not as a picture, and the e-mail that would go with it."""
    locale = locales.find(organization.document_language)
    bill, lines = _sample(organization)
    said = content.build(
        content.Material(
            bill=bill, line_items=lines, supplier=organization, places={}, locale=locale, logo=logo
        )
    )
    subject, text = mail_texts.filled(bill, organization, locale)
    picture = base64.b64encode(documents.picture(said)).decode()
    return {"picture": picture, "mail_subject": subject, "mail_text": text}


def _sample(organization: Organization) -> tuple[Bill, list[LineItem]]:
    begin, end = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)
    account = Account(organization=organization, name="Acme Robotics Ltd", code="acme")
    bill = Bill(
        organization=organization, account=account, account_code="acme",
        account_name=account.name, account_email="ap@acme.example",
        account_address={"addressLine1": "1 Foundry Lane", "locality": "Sheffield"},
        status="APPROVED", start_date=begin.date(), end_date=end.date(), start_at=begin,
        end_at=end, bill_date=end.date(), due_date=date(2024, 7, 31), timezone="UTC",
        currency="USD", total=Decimal("145"), latest_calculated_at=clock.now(),
        invoice_reference="INV-0042",
    )  # fmt: skip
    shared = {"bill": bill, "currency": "USD", "service_period_start": begin,
              "service_period_end": end, "conversion_rate": Decimal(1),
              "product_name": "Inference", "calculation": {}}  # fmt: skip
    lines = [
        LineItem(
            **shared, line_item_type="USAGE", description="Input tokens", units=Decimal(1250),
            unit="1,000 tokens", subtotal=Decimal(125), converted_subtotal=Decimal(125),
            band_usage=[
                {"lowerLimit": "0", "unitPrice": "0.1", "bandUnits": "1250", "bandSubtotal": "125"}
            ],
        ),
        LineItem(
            **shared, line_item_type="STANDING_CHARGE", description="Standing Charge",
            units=Decimal(1), subtotal=Decimal(20), converted_subtotal=Decimal(20), band_usage=[],
        ),
    ]  # fmt: skip
    return bill, lines
