"""Schedules of exports over the API (D2)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.export_settings import ExportSettingsSerializer
from integrations.exports import asking, schedules
from integrations.exports.encoding import CSV
from integrations.exports.slots import PERIODS
from integrations.models import ExportSchedule
from organizations.kernel import changes, exact_json, ids
from organizations.kernel.api import fields
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused

COLUMNS = {
    "name": "name",
    "code": "code",
    "sourceType": "source_type",
    "scheduleType": "schedule_type",
    "period": "period",
    "offset": "offset",
    "cronExpression": "cron_expression",
}


class ExportScheduleSerializer(ExportSettingsSerializer):
    """A schedule; which settings it may have depends on the kind of data."""

    id = fields.IdField(read_only=True)
    name = fields.TextField(max_length=200)
    code = fields.TextField(max_length=80, validators=[ids.relaxed_code])
    scheduleType = fields.ChoiceField(choices=["MINUTE", "HOUR", "DAY"], required=False)
    period = fields.WholeField(required=False, min_value=1, max_value=10**6)
    offset = fields.WholeField(required=False, min_value=1, max_value=10**6)
    cronExpression = fields.TextField(required=False, max_length=200)
    timePeriod = fields.ChoiceField(choices=list(PERIODS), required=False)
    dtCreated = fields.InstantField(read_only=True)
    dtLastModified = fields.InstantField(read_only=True)
    createdBy = fields.IdField(read_only=True)
    lastModifiedBy = fields.IdField(read_only=True)

    def put(self, row: ExportSchedule) -> None:
        """Set every field of the row: as sent, or empty."""
        values = dict(self.validated_data)
        values.pop("version", None)
        for wire, column in COLUMNS.items():
            setattr(row, column, values.pop(wire, None))
        row.destination_ids = values.pop("destinationIds", [])
        values.setdefault("exportFileFormat", CSV)
        row.settings = exact_json.loads(exact_json.dumps(values))

    def to_representation(self, instance: Any) -> Any:
        """Return the row as the registry says it looks."""
        from organizations.kernel import registry

        return registry.of(instance).represent(instance)


class ExportScheduleViewSet(TenantViewSet):
    """Exports that repeat."""

    queryset = ExportSchedule.objects.all()
    serializer_class = ExportScheduleSerializer

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make a schedule; its first job runs at once."""
        row = ExportSchedule(organization_id=self.organization_id)
        serializer = self.checked()
        serializer.put(row)
        asking.require(self.rights, row.source_type)
        return self.answer(schedules.create(row, by=self.principal))

    def update(self, request: Request, **kwargs: Any) -> Response:
        """Replace a schedule; from now on the rights of whoever did count."""
        row = self.get_object()
        serializer = self.checked(row)
        version = serializer.validated_data.get("version")
        if version is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        asking.require(self.rights, serializer.validated_data["sourceType"])
        with changes.editing(row, by=self.principal, version=version) as locked:
            serializer.put(locked)
            schedules.take_over(locked, self.principal)
            schedules.check(locked)
            schedules.moved(locked)
        return self.answer(locked)


urlpatterns = routes("dataexports/schedules", ExportScheduleViewSet)
