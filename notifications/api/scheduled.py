"""Scheduled event configurations over the API (B6)."""

from typing import ClassVar

from notifications.models import ScheduledEventConfiguration
from organizations.kernel.api.filters import Filter, id_list
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes


class ScheduledEventConfigurationSerializer(TenantSerializer):
    """A scheduled event configuration; every field is required."""

    class Meta:
        model = ScheduledEventConfiguration
        fields = ["name", "entity", "field", "offset"]


class ScheduledEventConfigurationViewSet(TenantViewSet):
    """Events some days before or after a date."""

    queryset = ScheduledEventConfiguration.objects.all()
    serializer_class = ScheduledEventConfigurationSerializer
    filters: ClassVar[dict[str, Filter]] = {"ids": id_list()}


urlpatterns = routes("scheduledevents/configurations", ScheduledEventConfigurationViewSet)
