"""What an entity of ours is called in a system outside."""

import re
from typing import Any

from django.core.validators import RegexValidator
from django.db import models

from integrations.models.configurations import IntegrationConfiguration
from organizations.kernel.tenancy import TenantModel, newest_first_index

FORM = RegexValidator(
    re.compile(
        r"\A[^\s\x00-\x1f\x7f\ud800-\udfff]([^\t\n\r\f\v\x00-\x1f\x7f\ud800-\udfff]*[^\s\x00-\x1f\x7f\ud800-\udfff])?\Z"
    ),
    "must not begin or end with a space, nor hold control characters",
)


class ExternalMapping(TenantModel):
    """An entity of ours is a record of a table in a system outside (A8).

    With a configuration it is meant for the runs of that one alone, and wins there. The names of
    entity and system are compared without letter case (``..._key``), the others with it.
    """

    entity = models.CharField("our entity", max_length=60, validators=[FORM])
    entity_identity = models.CharField("our id", max_length=80, validators=[FORM])
    external_system = models.CharField(max_length=60, validators=[FORM])
    external_table = models.CharField(max_length=100, validators=[FORM])
    external_id = models.CharField("external id", max_length=255, validators=[FORM])
    configuration = models.ForeignKey(
        IntegrationConfiguration,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="mappings",
    )
    entity_key = models.CharField(max_length=60, editable=False, default="")
    system_key = models.CharField(max_length=60, editable=False, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "organization",
                    "entity_identity",
                    "system_key",
                    "external_table",
                    "external_id",
                    "entity_key",
                    "configuration",
                ],
                name="external_mapping_unique",
                nulls_distinct=False,
            )
        ]
        indexes = [
            newest_first_index("external_mapping_newest"),
            models.Index(
                fields=["organization", "entity_identity", "entity_key"], name="mapping_of_ours"
            ),
            models.Index(
                fields=["organization", "system_key", "external_table", "external_id"],
                name="mapping_of_theirs",
            ),
            models.Index(
                fields=["organization", "configuration", "-created_at", "-id"],
                name="mapping_of_configuration",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity} as {self.external_system} {self.external_table} {self.external_id}"

    def save(self, *args: Any, **options: Any) -> None:
        """Keep the names beside themselves as they are compared."""
        self.entity_key, self.system_key = self.entity.lower(), self.external_system.lower()
        super().save(*args, **options)
