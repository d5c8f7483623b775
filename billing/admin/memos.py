"""Writing a credit or a debit on a bill, changing it, taking it off (billing.md 11.2)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from billing.bills import memos
from billing.bills.memos import Memo
from billing.models import Bill, LineItem, LineItemType
from catalog.models import Product
from organizations.kernel.console import show
from organizations.kernel.console.forms import PlainForm
from organizations.kernel.errors import DomainError

LINE = "billing:billLineItem"
WORDS = {"credit": LineItemType.CREDIT_MEMO.value, "debit": LineItemType.DEBIT_MEMO.value}


class MemoForm(PlainForm):
    """What is written on the bill."""

    wire_names = {
        "amountToApplyOnBill": "amount",
        "creditReasonId": "reason",
        "debitReasonId": "reason",
        "productId": "product",
    }
    amount = forms.DecimalField(
        max_digits=38, decimal_places=18, min_value=0, widget=UnfoldAdminDecimalFieldWidget,
        help_text="In the bill's currency, without a sign.",
    )  # fmt: skip
    description = forms.CharField(max_length=2000, widget=UnfoldAdminTextInputWidget)
    product = forms.ModelChoiceField(
        Product.objects.none(), required=False, widget=UnfoldAdminSelectWidget
    )
    reason = forms.ModelChoiceField(
        Product.objects.none(), required=False, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, bill: Bill, line_type: str, **options: Any) -> None:
        super().__init__(*args, **options)
        reasons = memos.REASONS[line_type].objects.for_organization(bill.organization_id)
        self.fields["reason"].queryset = reasons.filter(is_archived=False).order_by("name")
        products = Product.objects.for_organization(bill.organization_id)
        self.fields["product"].queryset = products.order_by("name")

    def memo(self) -> Memo:
        """Return what was written."""
        asked = self.cleaned_data
        return Memo(
            amount=asked["amount"],
            description=asked["description"],
            product=asked["product"],
            reason=asked["reason"],
        )


def add_view(page: Any, request: HttpRequest, bill: Bill, word: str) -> HttpResponse:
    """Ask for a credit or a debit, and write it on the bill."""
    if word not in WORDS or not may_add(request, bill):
        raise PermissionDenied
    line_type = WORDS[word]
    form = MemoForm(request.POST or None, bill=bill, line_type=line_type)
    if request.method == "POST" and form.is_valid():
        try:
            memos.add(bill, line_type, form.memo(), by=request.principal)
        except DomainError as refusal:
            form.show_refusal(refusal)
        else:
            messages.success(request, f"The {word} is on the bill.")
            return HttpResponseRedirect(show.address(bill))
    context = {
        **page.admin_site.each_context(request),
        "title": f"Add a {word}",
        "opts": page.opts,
        "form": form,
        "media": form.media,
        "submit": f"Add {word}",
        "back": show.address(bill),
    }
    return TemplateResponse(request, "console/form.html", context)


def remove(request: HttpRequest, bill: Bill) -> str:
    """Take the credit or debit of the button off the bill."""
    line = bill.line_items.filter(
        pk=request.POST.get("line") or None, line_item_type__in=memos.REASONS
    ).first()
    if line is None or not request.permissions.allows("config:delete", LINE, line.pk):
        raise PermissionDenied
    memos.remove(line, by=request.principal)
    return "Taken off the bill."


def may_add(request: HttpRequest, bill: Bill) -> bool:
    """Whether somebody may write on a bill, which is not locked."""
    return not bill.is_locked and request.permissions.allows("config:create", LINE)


def add_urls(request: HttpRequest, bill: Bill) -> list[tuple[str, str]]:
    """Return the buttons of the bill's page, by name."""
    if not may_add(request, bill):
        return []
    return [(f"Add {word}", reverse("admin:bill_memo", args=[bill.pk, word])) for word in WORDS]


def removable(bill: Bill, line: LineItem) -> str:
    """Return the id of a line that can be taken off, else nothing."""
    is_written = line.line_item_type in memos.REASONS
    return str(line.pk) if is_written and not bill.is_locked else ""
