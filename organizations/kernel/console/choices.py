"""Choices that come from the organization's own lists."""

from datetime import date, datetime, tzinfo
from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from organizations.kernel import clock
from organizations.kernel.periods import local_midnight
from organizations.kernel.zones import zone_of
from organizations.models import Currency


def today(request: HttpRequest) -> date:
    """Return the day it is in the organization's timezone."""
    return clock.now().astimezone(zone(request)).date()


def month_begins(request: HttpRequest) -> datetime:
    """Return when this month began in the organization's timezone."""
    return local_midnight(today(request).replace(day=1), zone(request))


def zone(request: HttpRequest) -> tzinfo:
    """Return the organization's timezone; the database is asked once a request."""
    if not hasattr(request, "console_zone"):
        request.console_zone = zone_of(request.organization.pk)
    return request.console_zone


def note_zone(request: HttpRequest, rows: list[Any]) -> None:
    """Give the rows of a list the timezone their columns show days in."""
    for row in rows:
        row.zone = zone(request)


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
