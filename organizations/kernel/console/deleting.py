"""Deleting rows: ask first, say what stands in the way, and delete what nothing needs (B8.2)."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin

from organizations.kernel import changes, registry
from organizations.kernel.console import linking, show, telling
from organizations.kernel.errors import DomainError
from organizations.kernel.wording import counted

MOST_LINKS = 10
MOST_SELECTED = 200  # what stands in the way is looked up row by row
CONFIRMED = "confirmed"


class DeletingAdmin(ModelAdmin):
    """What pages share about deleting."""

    delete_confirmation_template = "console/delete_confirmation.html"

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """Return what would go and, instead of a cascade, what stands in the way."""
        standing = [line for row in objs for line in self.in_the_way(request, row)]
        return [self.title_of(row) for row in objs], {}, set(), standing

    def in_the_way(self, request: HttpRequest, row: Any) -> list[str]:
        """Return why a row cannot be deleted, empty when nothing stands in the way."""
        return _in_the_way(request, row)

    def going_with(self, request: HttpRequest, row: Any) -> list[str]:
        """Return sentences about what a delete changes besides the row itself."""
        return []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Ask first, and tell what else a delete changes; a refusal stays on the page."""
        row = self.get_object(request, unquote(object_id))
        context = self._deleting(request, row) if row is not None else {}
        try:
            return super().delete_view(request, object_id, {**context, **(extra_context or {})})
        except DomainError as refusal:
            telling.refused(request, refusal)
            return HttpResponseRedirect(request.path)

    def _deleting(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        request.console_title = self.title_of(row)
        request.console_told = telling.deleted(self, row)
        return {
            "going_with": self.going_with(request, row),
            "row_title": request.console_title,
            "is_back_to_row": bool(linking.to_row(request, row)),
            "back_url": linking.back_to(request, row),
        }

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row through the kernel."""
        changes.delete(obj, by=request.principal)


@admin.action(permissions=["delete"], description="Delete selected")
def delete_selected(
    page: Any, request: HttpRequest, queryset: models.QuerySet
) -> HttpResponse | None:
    """Name what can be deleted and what cannot, and why; then delete what can.

    Takes the place of Django's action, which deletes all of the selected rows or none.
    """
    rows = list(queryset[: MOST_SELECTED + 1])
    if len(rows) > MOST_SELECTED:
        messages.error(request, f"Nothing was deleted: choose at most {MOST_SELECTED} at a time.")
        return None
    standing = {row.pk: page.in_the_way(request, row) for row in rows}
    free = [row for row in rows if not standing[row.pk]]
    if request.POST.get(CONFIRMED) == "yes":
        _delete(page, request, free)
        return None
    # Those that the person may see and not delete are left out of the rows already.
    others = request.console_selected.exclude(pk__in=[row.pk for row in rows])[:MOST_SELECTED]
    refused = [(page.title_of(row), standing[row.pk]) for row in rows if standing[row.pk]]
    refused += [(page.title_of(row), ["You are not allowed to delete it."]) for row in others]
    context = {
        **page.admin_site.each_context(request),
        "title": "Delete",
        "opts": page.opts,
        "free": [page.title_of(row) for row in free],
        "ids": [row.pk for row in free],
        "refused": refused,
        "what": counted(len(free), str(page.opts.verbose_name_plural)),
        "checkbox": ACTION_CHECKBOX_NAME,
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "console/delete_selected.html", context)


def _delete(page: Any, request: HttpRequest, rows: list[Any]) -> None:
    """Delete row by row: what refuses meanwhile is named, and the others go."""
    deleted = 0
    for row in rows:
        title = page.title_of(row)
        try:
            with transaction.atomic():
                page.delete_model(request, row)
            deleted += 1
        except DomainError as refusal:
            telling.refused(request, refusal, title)
    if deleted:
        words = counted(deleted, str(page.opts.verbose_name_plural))
        messages.success(request, f"{words} deleted.")


def _in_the_way(request: HttpRequest, row: models.Model) -> list[str]:
    """Return what refers to a row, as ``3 pricings of Pro``, the first ten with links."""
    known = registry.find(type(row))
    page = admin.site._registry.get(type(row))
    title = page.title_of(row) if page is not None else str(row)
    found = ((one, one.count(row)) for one in (known.referrers if known else ()))
    return [
        format_html("{} of {}{}", counted(count, one.kind), title, _some(request, one.rows(row)))
        for one, count in found
        if count
    ]


def _some(request: HttpRequest, rows: models.QuerySet) -> str:
    """Return links to the first rows; nothing of rows this person may not see (A5.13.11)."""
    page = admin.site._registry.get(rows.model)
    if page is None:
        return ""
    seen = linking.seen(request, rows).order_by("pk")[:MOST_LINKS]
    links = [(show.link(each, page.title_of(each)),) for each in seen]
    return format_html(": {}", format_html_join(", ", "{}", links)) if links else ""
