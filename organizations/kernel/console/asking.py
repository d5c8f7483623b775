"""Pages that ask before they save: what follows from a change is told first.

The app that knows the consequences registers who tells them, for pages of any app below it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.admin.utils import unquote
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from organizations.kernel.console import saving
from organizations.kernel.console.confirming import CONFIRMED

# Gets the request, the stored row and what the form says; None: nothing to ask about.
Tell = Callable[[HttpRequest, Any, Mapping[str, Any]], dict[str, Any] | None]
_tellers: dict[type[models.Model], Tell] = {}


def register(model: type[models.Model], tell: Tell) -> None:
    """Have the page of a model ask; what is told names the ``template``."""
    _tellers[model] = tell


def before_saving(page: Any, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
    """Return the page that asks; ``None`` where there is nothing to ask, or it was answered.

    A form that is refused, or was loaded before somebody else saved, is none of this one's.
    """
    tell = _tellers.get(page.model)
    if tell is None or object_id is None or request.method != "POST":
        return None
    row = page.get_object(request, unquote(object_id))
    is_asked = request.POST.get(CONFIRMED) == "yes"
    if is_asked or row is None or not page.has_change_permission(request, row):
        return None
    if saving.loaded_version(request) != row.version:
        return None
    form = page.get_form(request, row, change=True)(request.POST, instance=row)
    if not form.is_valid():
        return None
    stored = page.get_object(request, unquote(object_id))
    told = tell(request, stored, form.cleaned_data)
    if told is None:
        return None
    request.console_title = page.title_of(stored)
    context = {
        **page.admin_site.each_context(request),
        "title": page.title_of(stored),
        "opts": page.opts,
        "original": stored,
        "repeated": [
            (name, value)
            for name in request.POST
            if name != "csrfmiddlewaretoken"
            for value in request.POST.getlist(name)
        ],
        "back": request.get_full_path(),
        **told,
    }
    return TemplateResponse(request, told["template"], context)
