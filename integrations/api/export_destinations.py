"""Destinations of exports over the API (D1)."""

from integrations.models import ExportDestination
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes


class ExportDestinationSerializer(TenantSerializer):
    """A destination; which fields it needs depends on its type."""

    class Meta:
        model = ExportDestination
        fields = [
            "name",
            "code",
            "destination_type",
            "bucket_name",
            "prefix",
            "partition_order",
            "iam_role_arn",
            "project_number",
            "pool_id",
            "provider_id",
            "service_account_email",
        ]


class ExportDestinationViewSet(TenantViewSet):
    """Buckets that export files are copied to."""

    queryset = ExportDestination.objects.all()
    serializer_class = ExportDestinationSerializer
    page_size_limit = 200


urlpatterns = routes("dataexports/destinations", ExportDestinationViewSet)
