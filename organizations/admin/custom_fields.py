"""The page of custom fields: names and default values by kind of entity, one document (A8, C12)."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from organizations.admin.settings import OneRowAdmin
from organizations.kernel.console import fields
from organizations.models import CustomFieldDefaults

MOST, LONGEST_NAME = 25, 200
KINDS = {
    "for_organization": ("Organization", "Read by calculations under the organization."),
    "for_account": ("Accounts", ""),
    "for_account_plan": ("Account plans", ""),
    "for_meter": ("Meters", "In compound aggregations always this value, never a meter's own."),
    "for_product": ("Products", ""),
    "for_plan_template": ("Plan templates", ""),
    "for_plan": ("Plans", ""),
    "for_aggregation": ("Aggregations", ""),
    "for_compound_aggregation": ("Compound aggregations", ""),
    "for_contract": ("Contracts", ""),
}


class DefaultsField(fields.CustomFieldsField):
    """At most 25 names of 1 to 200 printable characters (A8.3, A8.8)."""

    def to_python(self, value: Any) -> Any:
        """Return the map, or refuse what the API refuses."""
        found = super().to_python(value)
        if len(found) > MOST:
            raise ValidationError(f"At most {MOST} fields.")
        for name in found:
            if len(name) > LONGEST_NAME or not name.isprintable():
                raise ValidationError(f"Names have 1 to {LONGEST_NAME} printable characters.")
        return found


@admin.register(CustomFieldDefaults)
class CustomFieldDefaultsAdmin(OneRowAdmin):
    """What entities of each kind may carry beside their own fields."""

    fieldsets = [
        (
            None,
            {
                "fields": list(KINDS),
                "description": "A name given here is a custom field of that kind of entity, and "
                "its value is the default: an entity's own value wins. Calculations may use only "
                "fields that are named here.",
            },
        )
    ]

    def title_of(self, row: CustomFieldDefaults) -> str:
        """It is called the same everywhere."""
        return "Custom fields"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Edit each kind as a table."""
        if db_field.name in KINDS:
            label, help_text = KINDS[db_field.name]
            return DefaultsField(required=False, label=label, help_text=help_text)
        return super().formfield_for_dbfield(db_field, request, **options)
