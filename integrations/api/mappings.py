"""External mappings over the API (A8)."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.mappings import rules, values
from integrations.models import ExternalMapping
from integrations.systems import known
from organizations.kernel.api.filters import Filter, related, word
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes


class ExternalMappingSerializer(TenantSerializer):
    """A mapping."""

    class Meta:
        model = ExternalMapping
        fields = [
            "entity",
            "entity_identity",
            "external_system",
            "external_table",
            "external_id",
            "configuration",
        ]
        names = {
            "entity": "m3terEntity",
            "entity_identity": "m3terId",
            "configuration": "integrationConfigId",
        }


class ExternalSystemSerializer(serializers.Serializer):
    """A system, and the tables a mapping may name."""

    name = serializers.CharField()
    tables = serializers.ListField(child=serializers.CharField())
    allowCustomExternalTables = serializers.BooleanField()


class MappingConfigurationSerializer(serializers.Serializer):
    """What mappings can be made of."""

    m3terEntities = serializers.ListField(child=serializers.CharField())
    externalSystems = ExternalSystemSerializer(many=True)


# A list that is no page.
EXTERNAL_ENTITIES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["externalId", "externalName"],
        "properties": {"externalId": {"type": "string"}, "externalName": {"type": "string"}},
    },
}


def _lower(name: str, text: str) -> str:
    return word(name, text).lower()


class ExternalMappingViewSet(TenantViewSet):
    """What entities of ours are called in systems outside."""

    queryset = ExternalMapping.objects.all()
    serializer_class = ExternalMappingSerializer
    page_size_limit = 200
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "of_ours": ("config:retrieve", None),
        "of_theirs": ("config:retrieve", None),
        "configuration": ("config:retrieve", None),
        "live_values": ("config:retrieve", "config:integrationConfiguration"),
    }
    page_actions = ("of_ours", "of_theirs")
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "live_values": {"externalTable": Filter(None)}
    }
    filters: ClassVar[dict[str, Filter]] = {
        "externalSystemId": Filter("system_key", _lower),
        "m3terIds": Filter("entity_identity", many=True),
        "integrationConfigId": related("configuration_id"),
    }

    def of_ours(self, request: Request, **kwargs: Any) -> Response:
        """Return all that one entity of ours is called outside."""
        rows = self.get_queryset().filter(
            entity_key=_storable(kwargs["entity"]).lower(),
            entity_identity=_storable(kwargs["m3terId"]),
        )
        return self.page(rows)

    def of_theirs(self, request: Request, **kwargs: Any) -> Response:
        """Return which entities of ours one record of a system is."""
        rows = self.get_queryset().filter(
            system_key=_storable(kwargs["system"]).lower(),
            external_table=_storable(kwargs["externalTable"]),
            external_id=_storable(kwargs["externalId"]),
        )
        return self.page(rows)

    @extend_schema(responses=MappingConfigurationSerializer)
    def configuration(self, request: Request, **kwargs: Any) -> Response:
        """Return the entities and tables that mappings are usually made of."""
        return Response(
            {
                "m3terEntities": list(rules.ENTITIES),
                "externalSystems": [
                    {
                        "name": system.name,
                        "tables": list(system.tables),
                        "allowCustomExternalTables": system.takes_own_tables,
                    }
                    for system in known.SYSTEMS
                ],
            }
        )

    @extend_schema(
        responses={200: EXTERNAL_ENTITIES},
        parameters=[OpenApiParameter("externalTable", str)],
    )
    def live_values(self, request: Request, **kwargs: Any) -> Response:
        """Return the records there are in a system; none where it cannot be asked."""
        asked = self.action_filters["live_values"]["externalTable"].read(
            "externalTable", request.query_params.getlist("externalTable")
        )
        found = values.records(
            self.organization_id,
            destination=kwargs["destination"],
            entity=kwargs["entityType"],
            table=asked,
            credential=kwargs.get("integrationCredentialsId"),
        )
        return Response(
            [{"externalId": record.identity, "externalName": record.name} for record in found]
        )


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd")


VALUES = "values/<str:destination>/<str:entityType>"

urlpatterns = [
    *routes(
        "externalmappings",
        ExternalMappingViewSet,
        more={
            "external/<str:entity>/<str:m3terId>": {"get": "of_ours"},
            "externalid/<str:system>/<str:externalTable>/<path:externalId>": {"get": "of_theirs"},
        },
    ),
    *routes(
        "externalmappingconfiguration",
        ExternalMappingViewSet,
        collection={"get": "configuration"},
        item={},
        more={
            VALUES: {"get": "live_values"},
            f"{VALUES}/<str:integrationCredentialsId>": {"get": "live_values"},
        },
    ),
]
