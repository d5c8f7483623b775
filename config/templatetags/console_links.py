"""Links of the console's head, only where they open."""

from typing import Any

from django import template
from django.db.models import Model
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from organizations.kernel.console import linking

register = template.Library()


@register.filter
def crumb(part: dict[str, Any], request: HttpRequest) -> str:
    """Return where a part of the head leads to: a list or a row the person may see."""
    if not part.get("link"):
        return ""
    if isinstance(part["title"], Model):
        return linking.to_row(request, part["title"])
    try:
        page = getattr(resolve(str(part["link"])).func, "model_admin", None)
    except Resolver404:
        return ""
    return linking.to_list(request, page.model) if page is not None else str(part["link"])
