"""What every page of the console shares: scope, permission, versioned saving, search, CSV."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db import models
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseRedirect,
)
from django.urls import reverse

from organizations.kernel import changes, ids, registry
from organizations.kernel.console import (
    asking,
    exporting,
    linking,
    names,
    paging,
    reading,
    readonly,
    returning,
    saving,
    telling,
)
from organizations.kernel.console.deleting import DeletingAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.console.offering import OfferingAdmin
from organizations.kernel.errors import DomainError, VersionMismatch
from organizations.models import AuditEntry

readonly.install()


class ConsoleModelAdmin(OfferingAdmin, DeletingAdmin):
    """A page of one entity, for the organization of the request.

    ``resource`` names the entity for policies; without it the registry's name is used.
    ``empty_hint`` tells what to do on an empty list. With ``tells_all`` a form asks the rules of
    the entity even if a field is refused.
    ``read_only_as`` names what shows a field that exists in the form alone to whom may only read.
    """

    form = ConsoleForm
    paginator = paging.BoundedPaginator
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count every row of a list for every filter
    list_fullwidth = True
    list_filter_sheet = True
    compressed_fields = True
    warn_unsaved_form = True
    ordering: Sequence[str] = ("-created_at", "-pk")
    change_list_template = "console/change_list.html"
    change_form_template = "console/change_form.html"
    resource: ClassVar[str] = ""
    view_action: ClassVar[str] = "config:retrieve"
    empty_hint: ClassVar[str] = ""
    # What an action on selected rows does to them, where that is not to change them.
    action_verbs: ClassVar[dict[str, str]] = {"delete_selected": "delete"}
    # Columns of the CSV, where they are not those of the list.
    csv_display: ClassVar[Sequence[str]] = ()
    # There is one row, and the page has its name.
    is_single: ClassVar[bool] = False
    strict_code: ClassVar[bool] = False
    tells_all: ClassVar[bool] = False
    read_only_as: ClassVar[dict[str, str]] = {}

    # Scope -------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """Return the rows of the request's organization: the one place that scopes pages."""
        rows = super().get_queryset(request).filter(organization=request.organization)
        if request.resolver_match and "object_id" in request.resolver_match.kwargs:
            return rows  # the permission is asked for the row of the address
        return self.narrowed(request, rows, self.view_action)

    def narrowed(self, request: HttpRequest, rows: models.QuerySet, action: str) -> models.QuerySet:
        """Return only the rows a policy allows the action on (A5.13.10)."""
        return request.permissions.visible(rows, action, self.resource_name())

    def response_action(self, request: HttpRequest, queryset: models.QuerySet) -> Any:
        """Run an action of the list on those of its rows it is allowed on."""
        verb = self.action_verbs.get(request.POST.get("action", ""), "update")
        allowed = self.narrowed(request, queryset, f"config:{verb}")
        ticked = map(ids.parse, request.POST.getlist(ACTION_CHECKBOX_NAME))
        is_all = request.POST.get("select_across") == "1"
        request.console_selected = (
            queryset if is_all else queryset.filter(pk__in=[one for one in ticked if one])
        )
        try:
            return super().response_action(request, allowed)
        except DomainError as refusal:
            telling.refused(request, refusal, "Nothing was changed")
            return HttpResponseRedirect(request.get_full_path())

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        """Search name and code; an id finds its row."""
        if (wanted := ids.parse(search_term.strip().lower())) is not None:
            return queryset.filter(pk=wanted), False
        return super().get_search_results(request, queryset, search_term)

    # Permission --------------------------------------------------------------------------------
    def resource_name(self) -> str:
        """Return the name policies use for the entity of this page."""
        return self.resource or registry.of(self.model).name

    def _allows(self, request: HttpRequest, verb: str, row: Any = None) -> bool:
        return request.permissions.allows_verb(verb, self.resource_name(), _item_id(row))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the rows, or one of them, may be read."""
        if obj is None:
            return request.permissions.allows_some(self.view_action, self.resource_name())
        return request.permissions.allows(self.view_action, self.resource_name(), _item_id(obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether rows may be created."""
        return self._allows(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the rows, or one of them, may be changed: a form shows what is stored."""
        return self.has_view_permission(request, obj) and self._allows(request, "change", obj)

    def has_view_or_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether rows may be shown; whoever may only change them changes them over the API."""
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the rows, or one of them, may be deleted."""
        return self._allows(request, "delete", obj)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether actions that change state (approve, lock, retry) may be used (A5.12)."""
        return self.has_view_permission(request, obj) and self._allows(request, "change", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Hide the area of whom may do nothing in it."""
        return self.has_view_permission(request) or self.has_add_permission(request)

    # Form --------------------------------------------------------------------------------------
    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Return the form; after a refusal it carries the sentence to show."""
        form = super().get_form(request, obj, change, **o)
        # Fields a form class declares are shared with it: a page that narrows one to its
        # organization would narrow it for every request that runs at the same time.
        form.base_fields = deepcopy(form.base_fields)
        form.refusal = getattr(request, "console_refusal", None)
        form.rules_of = request.organization if self.tells_all else None
        form.on_top = getattr(request, "console_on_top", {})
        form.read_by = request
        if not change and {"name", "code"} <= form.base_fields.keys():
            form.base_fields["code"].widget.attrs["data-code-from"] = "name"
            grammar = "strict" if self.strict_code else "relaxed"
            form.base_fields["code"].widget.attrs["data-grammar"] = grammar
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the groups of fields; tables and lines where they can only be read."""
        groups = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return groups
        return reading.fieldsets(self, request, groups)

    def record_of(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return identity, version and who made and changed the row when, never edited."""
        if not hasattr(row, "version"):
            return {"id": row.pk}
        known = names.linked(request, [row.created_by, row.modified_by])
        return {
            "id": row.pk,
            "version": row.version,
            "created": (row.created_at, known.get(row.created_by, "")),
            "modified": (row.modified_at, known.get(row.modified_by, "")),
        }

    # Saving ------------------------------------------------------------------------------------
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **options: Any
    ) -> HttpResponse:
        """Show or save; a refusal is shown in the form, a stale version on the conflict page."""
        if conflict := saving.begin_review(self, request, object_id):
            return conflict
        if asked := asking.before_saving(self, request, object_id):
            return asked
        try:
            return super().changeform_view(request, object_id, *args, **options)
        except VersionMismatch:
            return saving.conflict_page(self, request, object_id)
        except DomainError as refusal:
            request.console_refusal = refusal
            return super().changeform_view(request, object_id, *args, **options)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change the row through the kernel, with the version the form was loaded."""
        if not change:
            obj.organization = request.organization
            self.prepare(request, obj, form)
            self.create_row(request, obj, form)
        elif form.has_changed():
            self.update_row(request, obj, form)

    def prepare(self, request: HttpRequest, row: Any, form: Any) -> None:
        """Fill what follows from other fields; before create and before update."""

    def create_row(self, request: HttpRequest, row: Any, form: Any) -> None:
        """Create the row; a page with a domain function of its own calls that instead."""
        changes.create(row, by=request.principal)

    def update_row(self, request: HttpRequest, row: Any, form: Any) -> None:
        """Change the stored row as the form says."""
        version = saving.loaded_version(request)
        with changes.editing(row, by=request.principal, version=version) as stored:
            for field in self.model._meta.concrete_fields:
                if field.name in form.cleaned_data:
                    setattr(stored, field.name, getattr(row, field.name))
            self.prepare(request, stored, form)
        row.version = stored.version

    def history_address(self, request: HttpRequest, row: Any) -> str:
        """Return the address of what happened to a row, for whom may read the audit trail."""
        return linking.to_history(request, row)

    def title_of(self, row: Any) -> str:
        """Return what a row is called in the head of its page."""
        return str(row)

    def render_change_form(self, request: HttpRequest, context: Any, **options: Any) -> Any:
        """Give the template what the form was loaded with, to send back."""
        row = options.get("obj")
        if row is not None and hasattr(row, "version"):
            context.update(saving.carried(request, row, context["adminform"].form))
        context["back_to"] = returning.place(request)
        context["typed_again"] = context["adminform"].form.typed_again
        context["history_url"] = self.history_address(request, row) if row is not None else ""
        if row is not None:
            request.console_title = context["subtitle"] = self.title_of(row)
            context["record"] = self.record_of(request, row)
        else:
            request.console_adding = f"Add {self.opts.verbose_name}"
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, **options)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Tell it in the words of the page."""
        request.console_told = telling.done(request, self, obj, "added")
        return returning.keep(request, super().response_add(request, obj, post_url_continue))

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        """Tell it in the words of the page."""
        request.console_told = telling.done(request, self, obj, "changed")
        return returning.keep(request, super().response_change(request, obj))

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> Any:
        """Lead back to the page that the form was opened from, else to the list."""
        return returning.response(request) or super().response_post_save_add(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> Any:
        """Lead back to the page that the form was opened from, else to the list."""
        return returning.response(request) or super().response_post_save_change(request, obj)

    def message_user(
        self, request: HttpRequest, message: Any, level: Any = messages.INFO, *more: Any, **o: Any
    ) -> None:
        """Say what was done to a row under its title, where Django would say its identity."""
        if level == messages.SUCCESS:
            message = getattr(request, "console_told", message)
        super().message_user(request, message, level, *more, **o)

    # Lists -------------------------------------------------------------------------------------
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, or send it as CSV with ``?export=csv``."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        if not self._selection_exists(request):
            return HttpResponseBadRequest("The selection could not be read.")
        if "export" in request.GET:
            request.GET = request.GET.copy()
            request.GET.pop("export")
            return exporting.response(self, request)
        title = str(self.opts.verbose_name_plural).capitalize()
        context = {"title": title, **self.list_context(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the template of the list needs beside the list."""
        return {}

    def _selection_exists(self, request: HttpRequest) -> bool:
        """Say whether what is selected are ids; Django would ask the database for anything."""
        try:
            for identity in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(identity)
        except ValidationError:
            return False
        return True

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Count once: the number of rows without filters is not asked for."""
        changelist = super().get_changelist_instance(request)
        changelist.full_result_count = changelist.result_count
        changelist.result_list = list(changelist.result_list)
        self.complete(request, changelist.result_list)
        return changelist

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Add to the rows of a list what its columns need from other tables, for all at once."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Show the audit entries of the row."""
        return HttpResponseRedirect(f"{_audit_list()}?{urlencode({'entity': object_id})}")

    # Audit entries take the place of Django's own log.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Do nothing: ``changes`` has written the audit entry."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Do nothing: ``changes`` has written the audit entry."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """Do nothing: ``changes`` has written the audit entry."""


class ReadOnlyConsoleAdmin(ConsoleModelAdmin):
    """A page of rows the system owns: looked at, acted on, never edited."""

    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows here."""
        return False


def _item_id(row: Any) -> Any:
    """Return the id policies know a row by."""
    is_known = isinstance(row, models.Model) and registry.find(type(row)) is not None
    return registry.item_id(row) if is_known else getattr(row, "pk", row)


def _audit_list() -> str:
    meta = AuditEntry._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
