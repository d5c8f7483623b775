"""Choices that come from the organization's own lists."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from organizations.models import Currency


def currency_field(request: HttpRequest, db_field: Any) -> forms.ChoiceField:
    """Return a drop-down of the organization's currencies that are not archived."""
    codes = (
        Currency.objects.for_organization(request.organization)
        .filter(is_archived=False)
        .order_by("code")
        .values_list("code", "name")
    )
    empty = [("", "The organization's currency" if db_field.blank else "Select value")]
    return forms.TypedChoiceField(
        choices=[*empty, *((code, f"{code}, {name}") for code, name in codes)],
        required=not db_field.blank,
        empty_value=None if db_field.null else "",
        label="Currency",
        widget=UnfoldAdminSelectWidget(),
        help_text=db_field.help_text,
    )
