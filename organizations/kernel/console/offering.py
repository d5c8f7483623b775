"""What the form of a page offers: a field for each column, and rows of one's own organization."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminNullBooleanSelectWidget

from organizations.kernel import ids, registry
from organizations.kernel.console import choices, fields, instants

INHERITED = (("unknown", "As inherited"), ("true", "Yes"), ("false", "No"))


class OfferingAdmin(ModelAdmin):
    """Exact fields, and choices among rows a person may read.

    ``choice_related`` names what ``choice_of`` reads of other tables.
    """

    choice_related: ClassVar[Sequence[str]] = ()

    def choice_of(self, row: Any) -> str:
        """Return what a row is called where one is chosen: names repeat, codes do not."""
        code = getattr(row, "code", None)
        return f"{row} ({code})" if code and code != str(row) else str(row)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer, and accept, only rows of the same organization."""
        related = options.get("queryset", db_field.remote_field.model._base_manager.all())
        page = self.admin_site._registry.get(related.model)
        if page is not None:
            related = related.select_related(*page.choice_related)
        options["queryset"] = self._offered(
            request, db_field, related.filter(organization=request.organization)
        )
        field = super().formfield_for_foreignkey(db_field, request, **options)
        if page is not None:
            field.label_from_instance = page.choice_of
        return field

    def _offered(
        self, request: HttpRequest, db_field: Any, rows: models.QuerySet
    ) -> models.QuerySet:
        """Return the rows this person may read, and the one that is chosen already (A5.13.11)."""
        known = registry.find(rows.model)
        if known is None or request.permissions.allows_all("config:retrieve", known.name):
            return rows
        readable = request.permissions.visible(rows, "config:retrieve", known.name)
        place = request.resolver_match.kwargs if request.resolver_match else {}
        row_id = ids.parse(place.get("object_id", ""))
        stored = self.model._base_manager.filter(pk=row_id).values(db_field.attname)
        return rows.filter(Q(pk__in=readable.values("pk")) | Q(pk__in=stored))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill in what the address says; ids that are none are left out."""
        initial = super().get_changeform_initial_data(request)
        references = {one.name for one in self.opts.fields if one.is_relation}
        return {
            name: value
            for name, value in initial.items()
            if name not in references or ids.parse(value) is not None
        }

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Use exact fields for decimals and JSON, and a table for custom fields."""
        if isinstance(db_field, models.DateTimeField):
            return db_field.formfield(form_class=instants.InstantField, zone=choices.zone(request))
        if isinstance(db_field, models.DecimalField):
            return db_field.formfield(form_class=fields.ExactDecimalField)
        if db_field.name == "custom_fields":
            return fields.CustomFieldsField(required=False, label="Custom fields")
        if isinstance(db_field, models.JSONField):
            return fields.ExactJSONFormField(
                required=not db_field.blank,
                label=db_field.verbose_name.capitalize(),
                help_text=db_field.help_text,
                empty=db_field.get_default(),
            )
        return super().formfield_for_dbfield(db_field, request, **options)

    def formfield_for_nullboolean_field(
        self, db_field: Any, request: HttpRequest, **options: Any
    ) -> Any:
        """Call the third state what it means: a level above decides (PLN-3)."""
        options["widget"] = UnfoldAdminNullBooleanSelectWidget()
        options["widget"].choices = INHERITED
        return db_field.formfield(**options)
