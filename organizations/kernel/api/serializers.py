"""The wire format of an entity, stated by its model and a list of fields.

Names are camelCase outside; ``Meta.names`` gives the exceptions. A PUT replaces: what is left
out returns to its default (B7.4). How a row looks comes from the registry, never from here.
"""

from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from organizations.kernel import registry
from organizations.kernel.api import fields
from organizations.kernel.exact_json import ExactJSONField

AUDIT_NAMES = {
    "created_at": "dtCreated",
    "modified_at": "dtLastModified",
    "created_by": "createdBy",
    "modified_by": "lastModifiedBy",
}


def camel(name: str) -> str:
    """Return ``bill_frequency_interval`` as ``billFrequencyInterval``."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


class TenantRelatedField(serializers.PrimaryKeyRelatedField):
    """A reference by id, narrowed to the organization of the request."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pk_field = fields.IdField()

    def get_queryset(self) -> Any:
        """Return the rows the caller may refer to."""
        return super().get_queryset().for_organization(self.context["organization_id"])

    def to_internal_value(self, data: Any) -> Any:
        """Return the row; an unknown id is a refusal that says so."""
        try:
            return self.get_queryset().get(pk=self.pk_field.to_internal_value(data))
        except self.get_queryset().model.DoesNotExist:
            kind = self.get_queryset().model._meta.verbose_name
            raise serializers.ValidationError(f"no such {kind}") from None


class TenantSerializer(serializers.ModelSerializer):
    """A ModelSerializer that speaks the contract's JSON."""

    serializer_related_field = TenantRelatedField
    serializer_choice_field = fields.ChoiceField
    serializer_field_mapping: ClassVar[dict[Any, Any]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: fields.TextField,
        models.TextField: fields.TextField,
        models.EmailField: fields.EmailField,
        models.DecimalField: fields.DecimalField,
        models.BooleanField: fields.FlagField,
        models.DateTimeField: fields.InstantField,
        models.DateField: fields.DayField,
        models.UUIDField: fields.IdField,
        models.IntegerField: fields.WholeField,
        models.PositiveIntegerField: fields.WholeField,
        models.PositiveSmallIntegerField: fields.WholeField,
        models.SmallIntegerField: fields.WholeField,
        models.BigIntegerField: fields.WholeField,
        ExactJSONField: serializers.JSONField,
    }

    def get_fields(self) -> dict[str, serializers.Field]:
        """Return the fields under the wire's names, between identity and audit fields."""
        names: dict[str, str] = getattr(self.Meta, "names", {})
        found: dict[str, serializers.Field] = {
            "id": fields.IdField(read_only=True),
            "version": fields.WholeField(required=False, allow_null=True, min_value=0),
        }
        for name, field in super().get_fields().items():
            if name == "custom_fields" and not isinstance(field, fields.CustomFieldsField):
                field = fields.CustomFieldsField(required=False)
            related = isinstance(field, (TenantRelatedField, serializers.ManyRelatedField))
            wire = names.get(name) or camel(name) + ("Id" if related else "")
            if wire != name and field.source is None:
                field.source = name
            found[wire] = field
        for name, wire in AUDIT_NAMES.items():
            kind = fields.InstantField if name.endswith("_at") else fields.IdField
            found[wire] = kind(read_only=True, source=name)
        return found

    def get_validators(self) -> list[Any]:
        """Leave uniqueness to the database, which names the constraint."""
        return []

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Drop nulls where null means absent, then check every field."""
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if not self._is_absent(key, value)}
        values = super().to_internal_value(data)
        values.pop("version", None)
        return values

    def _is_absent(self, key: str, value: Any) -> bool:
        field = self.fields.get(key)
        return value is None and field is not None and not field.required and not field.allow_null

    def sent_version(self) -> int | None:
        """Return the version in the body, if any."""
        version = self.initial_data.get("version") if isinstance(self.initial_data, dict) else None
        return None if version is None else self.fields["version"].to_internal_value(version)

    def replace(self, row: models.Model) -> None:
        """Set every writable field of the row: as sent, or back to its default."""
        columns = {column.name: column for column in row._meta.concrete_fields}
        columns |= {column.attname: column for column in row._meta.concrete_fields}
        for field in self._writable_fields:
            if field.source in self.validated_data:
                setattr(row, field.source, self.validated_data[field.source])
            elif field.source in columns and not isinstance(field, fields.LaterField):
                column = columns[field.source]
                if column.name != "version":
                    setattr(row, column.name, column.get_default())

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the row as the registry says it looks."""
        return registry.of(instance).represent(instance)
