"""Rules over the API, and trying out a calculation (B7, B8)."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications import trying
from notifications.models import NotificationConfiguration
from organizations.kernel import ids
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, boolean, id_list
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused


class NotificationConfigurationSerializer(TenantSerializer):
    """A rule."""

    class Meta:
        model = NotificationConfiguration
        fields = [
            "name",
            "description",
            "code",
            "is_active",
            "always_fires",
            "event_name",
            "calculation",
        ]
        names = {"is_active": "active", "always_fires": "alwaysFireEvent"}


class EvaluateSerializer(serializers.Serializer):
    """A calculation, and the type of event or the event to try it with."""

    eventId = fields.TextField(required=False)
    eventName = fields.TextField(required=False)
    calculation = fields.TextField(required=False, allow_blank=True)


class EvaluationSerializer(serializers.Serializer):
    """Whether the calculation is one a rule may have, and why not."""

    success = serializers.BooleanField()
    errorMessage = serializers.CharField(required=False)


class NotificationConfigurationViewSet(TenantViewSet):
    """Rules: which events make a notification."""

    queryset = NotificationConfiguration.objects.all()
    serializer_class = NotificationConfigurationSerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "evaluate": ("config:retrieve", "config:event"),
    }
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "active": boolean("is_active"),
        "eventName": Filter("event_name"),
    }

    def get_serializer_class(self) -> Any:
        """Trying out takes a body of its own."""
        return EvaluateSerializer if self.action == "evaluate" else self.serializer_class

    @extend_schema(request=EvaluateSerializer, responses=EvaluationSerializer)
    def evaluate(self, request: Request, **kwargs: Any) -> Response:
        """Say whether a calculation may be used; nothing fires. The type wins over the event."""
        asked = self.checked().validated_data
        calculation = asked.get("calculation", "")
        if name := asked.get("eventName"):
            error = trying.for_type(self.organization_id, name, calculation)
        elif event_id := asked.get("eventId"):
            event = trying.find(self.rights, ids.parse(event_id))
            error = trying.for_event(self.organization_id, event, calculation)
        else:
            raise FieldRefused("eventName", "is needed, or eventId")
        return Response(
            {"success": True} if not error else {"success": False, "errorMessage": error}
        )


urlpatterns = [
    *routes("notifications/configurations", NotificationConfigurationViewSet),
    *routes(
        "notifications",
        NotificationConfigurationViewSet,
        collection={},
        item={},
        more={"evaluate": {"post": "evaluate"}},
    ),
]
