"""Saving a price from a grid: the ordinary form of the page of prices, answered as JSON.

What is not sent is filled in as the form shows it, so that a grid may send a few fields.
"""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, JsonResponse, QueryDict
from django.utils.html import strip_tags

from organizations.kernel import ids
from organizations.kernel.errors import DomainError, VersionMismatch

STALE = "Somebody else saved this first. Reload the page to see what is stored now."
GONE = "This is no longer there."


def save(page: Any, request: HttpRequest) -> JsonResponse:
    """Save one price; a refusal comes back as sentences by field, and nothing is changed."""
    identity = request.POST.get("id", "")
    row = page.get_object(request, identity) if ids.parse(identity) else None
    if identity and row is None:
        return JsonResponse({"errors": {"": [GONE]}})
    is_allowed = page.has_change_permission(request, row) if row else page.has_add_permission(
        request
    )  # fmt: skip
    if not is_allowed:
        raise PermissionDenied
    form_class = page.get_form(request, row, change=row is not None)
    request.POST = filled(form_class(instance=row, initial=_initial(page, request, row)), request)
    try:
        errors = _saved(page, request, form_class, row)
    except VersionMismatch:
        errors = {"": [STALE]}
    except DomainError as refusal:
        form_class.refusal = refusal
        fresh = page.get_object(request, identity) if row else None
        errors = _told(form_class(request.POST, instance=fresh))
    return JsonResponse({"errors": errors})


def delete(page: Any, request: HttpRequest) -> JsonResponse:
    """Delete the price one has seen, as its own page would; a refusal deletes nothing."""
    identity = request.POST.get("id", "")
    row = page.get_object(request, identity) if ids.parse(identity) else None
    if row is None:
        return JsonResponse({"errors": {"": [GONE]}})
    if not page.has_delete_permission(request, row):
        raise PermissionDenied
    if request.POST.get("_version") != str(row.version):
        return JsonResponse({"errors": {"": [STALE]}})
    standing = [f"In the way: {strip_tags(line)}" for line in page.in_the_way(request, row)]
    try:
        if not standing:
            with transaction.atomic():
                page.delete_model(request, row)
    except DomainError as refusal:
        standing = [refusal.message]
    return JsonResponse({"errors": {"": standing} if standing else {}})


def _initial(page: Any, request: HttpRequest, row: Any) -> dict[str, Any]:
    return {} if row else page.get_changeform_initial_data(request)


def _saved(page: Any, request: HttpRequest, form_class: Any, row: Any) -> dict[str, list[str]]:
    form = form_class(request.POST, instance=row)
    if not form.is_valid():
        return _told(form)
    with transaction.atomic():
        page.save_model(request, form.save(commit=False), form, change=row is not None)
    return {}


def _told(form: Any) -> dict[str, list[str]]:
    return {
        "" if name == "__all__" else name: [
            sentence if name in {"__all__", "bands"} else f"{form.fields[name].label}: {sentence}"
            for sentence in sentences
        ]
        for name, sentences in form.errors.items()
    }


def filled(form: forms.BaseForm, request: HttpRequest) -> QueryDict:
    """Return what was sent with every field that was not, as the form shows it."""
    data = request.POST.copy()
    for bound in form:
        widget, name = bound.field.widget, bound.html_name
        value = bound.field.prepare_value(bound.value())
        parts = (
            {f"{name}_{at}": one for at, one in enumerate(widget.decompress(value))}
            if isinstance(widget, forms.MultiWidget)
            else {name: value}
        )
        if parts.keys() & data.keys():
            continue
        for key, one in parts.items():
            if isinstance(one, bool):
                # An empty tick box is not sent; a choice of yes, no or neither always is.
                if one or isinstance(widget, forms.NullBooleanSelect):
                    data[key] = "true" if one else "false"
            elif one is not None:
                data[key] = str(one)
    return data
