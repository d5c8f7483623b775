"""Two people save one row: the second is shown both versions, and nothing is lost (C0)."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import escape

from organizations.kernel.console import merging, names, show
from organizations.kernel.console.forms import AGAIN, TYPE_AGAIN, is_secret
from organizations.kernel.errors import NotFound
from organizations.models import AuditEntry

VERSION = "_version"
LOADED = "_loaded"
REVIEW = "_review"
UNTOLD = {"csrfmiddlewaretoken", VERSION, LOADED, REVIEW, "_save", "_continue"}
REVIEWED = "These are your values on top of the newest version. Check and save them."


def loaded_version(request: HttpRequest) -> int:
    """Return the version the form was loaded with; a form without one is refused as stale."""
    sent = request.POST.get(VERSION, "")
    return int(sent) if sent.isdigit() else 0


def conflict_page(admin: Any, request: HttpRequest, object_id: str | None) -> HttpResponse:
    """Show field by field what was loaded, what is stored and what was sent, and both ways on."""
    stored = admin.get_object(request, unquote(object_id or ""))
    if stored is None:
        raise NotFound
    form = admin.get_form(request, stored, change=True)(request.POST, instance=stored)
    found = merging.differences(form, merging.unpacked(request.POST.get(LOADED, "")))
    context = {
        **admin.admin_site.each_context(request),
        "title": "Somebody else saved first",
        "opts": admin.opts,
        "original": admin.get_object(request, unquote(object_id or "")),
        "differences": found,
        "is_mine": any(one.changed_by != merging.OTHERS for one in found),
        "is_both": any(one.changed_by == merging.BOTH for one in found),
        "latest": _latest_change(stored),
        "sent_values": _sent(request, form),
        "loaded_version": loaded_version(request),
        "loaded_values": request.POST.get(LOADED, ""),
    }
    context["stored_version"] = context["original"].version
    return TemplateResponse(request, "console/conflict.html", context, status=409)


def _sent(request: HttpRequest, form: Any) -> list[tuple[str, str]]:
    """Return what was sent, to be sent again. In place of a secret: that it was typed."""
    secrets = {name for name, field in form.fields.items() if is_secret(field)}
    again = [(AGAIN, name) for name in form.fields if name in secrets and form[name].data]
    return again + [
        (name, value)
        for name in request.POST
        if name not in UNTOLD | secrets
        for value in request.POST.getlist(name)
    ]


def begin_review(admin: Any, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
    """When asked for: have the page show the newest version with one's own changes on top (C15.8).

    Nothing is saved. Returns the conflict page once more if somebody saved again meanwhile.
    """
    if request.method != "POST" or REVIEW not in request.POST:
        return None
    row = admin.get_object(request, unquote(object_id or ""))
    if row is not None:
        if not admin.has_change_permission(request, row):
            raise PermissionDenied
        if loaded_version(request) != row.version:
            return conflict_page(admin, request, object_id)
        form = admin.get_form(request, row, change=True)(request.POST, instance=row)
        found = merging.differences(form, merging.unpacked(request.POST.get(LOADED, "")))
        asked = dict.fromkeys(set(request.POST.getlist(AGAIN)) & form.fields.keys())
        request.console_on_top = {**merging.on_top(form, found), **asked}
        request.console_both = [one for one in found if one.changed_by == merging.BOTH]
        messages.warning(request, REVIEWED)
    request.method = "GET"  # what follows only shows a form
    return None


def carried(request: HttpRequest, row: Any, form: Any) -> dict[str, Any]:
    """Return the version and the values a form was loaded with, for its page to send back.

    A form that is shown again after a refusal keeps those it came with.
    """
    for name in form.typed_again if not form.is_bound else ():
        form[name].help_text = f"<strong>{TYPE_AGAIN}</strong> {form[name].help_text}"
    for one in getattr(request, "console_both", []):
        told = f"Somebody else changed this too and saved: {one.stored or show.NOTHING}"
        # Help texts are shown as they are; what somebody typed is not.
        form[one.name].help_text = f"{escape(told)}<br>{form[one.name].help_text}"
    sent = request.POST if request.method == "POST" else {}
    return {
        "loaded_version": sent.get(VERSION) or row.version,
        "loaded_values": sent.get(LOADED) or merging.packed(form),
    }


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
