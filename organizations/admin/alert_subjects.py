"""What an alert is about: links to the account and to the row it tells of (C10)."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest

from organizations.kernel import registry
from organizations.kernel.console import linking, show
from organizations.models import Alert

# What the types of alerts begin with, and the kind of the row behind ``resource_id``.
KINDS = {"BILL_JOB": "billing:billJob", "WEBHOOK_DESTINATION": "config:webhookDestination"}


def add(request: HttpRequest, alert: Alert) -> None:
    """Give the alert ``account_link`` and ``subject_link``; rows that are gone stay ids."""
    alert.account_link = _link(request, "config:account", alert.account_id)
    alert.subject_link = _link(request, _kind(alert.type), alert.resource_id)


def _kind(alert_type: str) -> str:
    return next((kind for start, kind in KINDS.items() if alert_type.startswith(start)), "")


def _link(request: HttpRequest, kind: str, identity: UUID | None) -> str:
    if identity is None:
        return show.NOTHING
    page = _page(kind)
    if page is None:
        return str(identity)
    rows = page.model._base_manager.filter(organization=request.organization, pk=identity)
    row = rows.first()
    if row is None or not linking.to_row(request, row):
        return str(identity)
    return linking.link(request, row, page.title_of(row))


def _page(kind: str) -> Any:
    known = (one.model for one in registry.resources() if one.name == kind)
    return admin.site._registry.get(next(known, None))
