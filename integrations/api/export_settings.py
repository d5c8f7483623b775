"""What an export asks for, as it stands in requests."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from integrations.exports import asking
from integrations.exports.encoding import CSV, JSONL
from integrations.exports.operational import KINDS
from integrations.models import ExportSource
from organizations.kernel import exact_json
from organizations.kernel.api import fields
from organizations.kernel.errors import FieldRefused

FUNCTIONS = ["SUM", "MIN", "MAX", "COUNT", "LATEST", "MEAN", "UNIQUE"]
FREQUENCIES = ["DAY", "HOUR", "WEEK", "MONTH", "QUARTER"]


class ExportDimensionFilterSerializer(serializers.Serializer):
    """Values that a field of a meter may have."""

    meterId = fields.TextField()
    fieldCode = fields.TextField()
    values = serializers.ListField(child=fields.TextField(), min_length=1, max_length=1000)


class ExportAggregationSerializer(serializers.Serializer):
    """A function of a field of a meter."""

    meterId = fields.TextField()
    fieldCode = fields.TextField()
    fieldType = fields.ChoiceField(choices=["DIMENSION", "MEASURE"])
    function = fields.ChoiceField(choices=FUNCTIONS)


class ExportGroupSerializer(serializers.Serializer):
    """What rows are grouped by."""

    groupType = fields.ChoiceField(choices=["ACCOUNT", "DIMENSION", "TIME"])
    meterId = fields.TextField(required=False)
    fieldCode = fields.TextField(required=False)
    frequency = fields.ChoiceField(choices=FREQUENCIES, required=False)


class ExportSettingsSerializer(serializers.Serializer):
    """What exports by hand and schedules have in common."""

    version = fields.WholeField(required=False, allow_null=True)
    sourceType = fields.ChoiceField(choices=ExportSource.values)
    destinationIds = serializers.ListField(child=fields.TextField(), required=False, max_length=20)
    exportFileFormat = fields.ChoiceField(choices=[CSV, JSONL], required=False)
    operationalDataTypes = serializers.ListField(
        child=fields.ChoiceField(choices=list(KINDS)), required=False, min_length=1
    )
    meterIds = serializers.ListField(child=fields.TextField(), required=False, max_length=1000)
    accountIds = serializers.ListField(child=fields.TextField(), required=False, max_length=1000)
    dimensionFilters = ExportDimensionFilterSerializer(many=True, required=False)
    aggregations = ExportAggregationSerializer(many=True, required=False)
    groups = ExportGroupSerializer(many=True, required=False)

    def to_internal_value(self, data: Any) -> Any:
        """Take null for what is left out."""
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if value is not None}
        return super().to_internal_value(data)


class AdHocSerializer(ExportSettingsSerializer):
    """An export by hand."""

    startDate = fields.InstantField(required=False)
    endDate = fields.InstantField(required=False)

    def asked(self, at: datetime) -> tuple[str, dict[str, Any]]:
        """Return the kind of data, and the settings as they are kept."""
        values = dict(self.validated_data)
        source = values.pop("sourceType")
        values.pop("version", None)
        if source == ExportSource.USAGE:
            asking.check_days(values.get("startDate"), values.get("endDate"), at)
        else:
            if "endDate" in values:
                raise FieldRefused("endDate", "is only for exports of usage")
        values.setdefault("exportFileFormat", CSV)
        kept: dict[str, Any] = exact_json.loads(exact_json.dumps(values))
        return source, kept
