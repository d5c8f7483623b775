"""Pages that show one row in a layout of their own instead of a form, with buttons that act."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from organizations.kernel.console import linking, show, telling
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.errors import DomainError

# A button's method gets request and row and returns the sentence to show, or a response.
Deed = Callable[[HttpRequest, Any], str | HttpResponse]


class PageConsoleAdmin(ReadOnlyConsoleAdmin):
    """A list as elsewhere; the page of a row is ``page_template`` with ``page_context``.

    ``deeds`` maps the value of a button named ``do`` to the method it calls. Each deed needs the
    permission to update the row (A5.12) and calls one domain function.
    """

    page_template: ClassVar[str] = ""
    deeds: ClassVar[dict[str, str]] = {}

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the template needs beside ``row``."""
        return {}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the page, or do what a button says."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if request.method == "POST":
            return self._do(request, row)
        request.console_title = self.title_of(row)
        context = {
            **self.admin_site.each_context(request),
            "title": str(self.opts.verbose_name).capitalize(),
            "subtitle": self.title_of(row),
            "opts": self.opts,
            "row": row,
            "original": row,
            "may_operate": self.has_operate_permission(request, row),
            "history_url": linking.to_history(request, row),
            "record": self.record_of(request, row),
            **self.page_context(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.page_template, context)

    def _do(self, request: HttpRequest, row: Any) -> HttpResponse:
        name = self.deeds.get(request.POST.get("do", ""))
        if name is None or not self.has_operate_permission(request, row):
            raise PermissionDenied
        try:
            done = getattr(self, name)(request, row)
        except DomainError as refusal:
            telling.refused(request, refusal)
            return HttpResponseRedirect(show.address(row))
        if isinstance(done, HttpResponse):
            return done
        messages.success(request, done)
        return HttpResponseRedirect(show.address(row))
