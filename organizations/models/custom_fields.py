"""Default values of custom fields, one document per organization (A8)."""

from django.db import models

from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel


class CustomFieldDefaults(TenantModel):
    """Name and default value of each custom field, by the kind of entity that has it."""

    for_organization = ExactJSONField(default=dict, blank=True)
    for_account = ExactJSONField(default=dict, blank=True)
    for_account_plan = ExactJSONField(default=dict, blank=True)
    for_meter = ExactJSONField(default=dict, blank=True)
    for_product = ExactJSONField(default=dict, blank=True)
    for_plan_template = ExactJSONField(default=dict, blank=True)
    for_plan = ExactJSONField(default=dict, blank=True)
    for_aggregation = ExactJSONField(default=dict, blank=True)
    for_compound_aggregation = ExactJSONField(default=dict, blank=True)
    for_contract = ExactJSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "custom field defaults"
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], name="custom_fields_one_per_organization"
            )
        ]

    def __str__(self) -> str:
        return f"custom fields of {self.organization_id}"
