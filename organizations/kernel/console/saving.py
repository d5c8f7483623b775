"""Two people save one row: the second is shown both versions, and nothing is lost (C0)."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join

from organizations.kernel import registry
from organizations.kernel.console import names, show
from organizations.kernel.errors import DomainError, NotFound
from organizations.models import AuditEntry

VERSION = "_version"
REVIEW = "_review"
MOST_LINKS = 10
UNTOLD = {"csrfmiddlewaretoken", VERSION, REVIEW, "_save", "_continue"}


class Review(DomainError):
    """Your values are in the form again, on top of the newest version, and wait for Save."""

    def __init__(self) -> None:
        super().__init__("These are your values on top of the newest version. Check and save them.")


def loaded_version(request: HttpRequest) -> int:
    """Return the version the form was loaded with; a form without one is refused as stale."""
    sent = request.POST.get(VERSION, "")
    return int(sent) if sent.isdigit() else 0


def conflict_page(admin: Any, request: HttpRequest, object_id: str | None) -> HttpResponse:
    """Show field by field what is stored now and what was sent, with both ways on."""
    stored = admin.get_object(request, unquote(object_id or ""))
    if stored is None:
        raise NotFound
    form = admin.get_form(request, stored, change=True)(request.POST, instance=stored)
    current = admin.get_form(request, stored, change=True)(instance=stored)
    differences = [
        (field.label, shown_value(current[name], stored=True), shown_value(form[name]))
        for name, field in form.fields.items()
        if field.has_changed(current[name].initial, form[name].data)
    ]
    context = {
        **admin.admin_site.each_context(request),
        "title": "Somebody else saved first",
        "opts": admin.opts,
        "original": admin.get_object(request, unquote(object_id or "")),
        "differences": differences,
        "latest": _latest_change(stored),
        "sent_values": [
            (name, value)
            for name in request.POST
            if name not in UNTOLD
            for value in request.POST.getlist(name)
        ],
        "loaded_version": loaded_version(request),
    }
    context["stored_version"] = context["original"].version
    return TemplateResponse(request, "console/conflict.html", context, status=409)


def shown_value(bound: Any, *, stored: bool = False) -> str:
    """Return a form field's value as people read it."""
    value = bound.initial if stored else bound.data
    if isinstance(bound.field, _choice_fields()):
        value = getattr(value, "pk", value)
        labels = {str(key): str(label) for key, label in bound.field.choices}
        return labels.get(str(value or ""), str(value or ""))
    if isinstance(value, list):
        return " ".join(str(part) for part in value if part)
    return str(bound.field.prepare_value(value) if value is not None else "")


def _choice_fields() -> tuple[type, ...]:
    from django import forms

    return (forms.ChoiceField, forms.ModelChoiceField)


def _latest_change(row: models.Model) -> dict[str, Any] | None:
    entry = (
        AuditEntry.objects.filter(organization_id=row.organization_id, entity_id=row.pk)
        .order_by("-id")
        .first()
    )
    if entry is None:
        return None
    name = names.of([entry.principal_id]).get(entry.principal_id, "Somebody")
    return {"name": name, "at": entry.at, "fields": sorted(entry.difference)}


def in_the_way(request: HttpRequest, row: models.Model) -> list[str]:
    """Return what refers to a row, as ``3 pricings of Pro``, the first ten with links."""
    try:
        referrers = registry.of(row).referrers
    except KeyError:
        return []
    counted = ((referrer, referrer.count(row)) for referrer in referrers)
    return [
        format_html("{} {} of {}{}", count, referrer.kind, row, _some(request, referrer.rows(row)))
        for referrer, count in counted
        if count
    ]


def _some(request: HttpRequest, rows: models.QuerySet) -> str:
    """Return links to the first rows; nothing of rows this person may not see (A5.13.11)."""
    page = admin.site._registry.get(rows.model)
    resource = registry.find(rows.model)
    if page is None or resource is None:
        return ""
    seen = request.permissions.visible(rows, "config:retrieve", resource.name)
    links = [show.link(each, page.title_of(each)) for each in seen.order_by("pk")[:MOST_LINKS]]
    if not links:
        return ""
    return format_html(": {}", format_html_join(", ", "{}", ((link,) for link in links)))
