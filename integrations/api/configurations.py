"""Integration configurations over the API (A2, A3)."""

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import OuterRef, Subquery
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import connections, credentials
from integrations.api.runs import IntegrationRunSerializer
from integrations.models import IntegrationConfiguration, IntegrationCredential, IntegrationRun
from integrations.runs import enabling
from integrations.systems import available, values
from organizations.kernel import changes, registry
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, related, word
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused, NotFound

WORD = serializers.RegexField


class CredentialSerializer(serializers.Serializer):
    """A credential of a kind; what the kind consists of stands beside ``type``. Never answered."""

    type = fields.ChoiceField(choices=sorted(credentials.KINDS))
    name = fields.TextField(required=False, allow_null=True, max_length=200)
    destination = fields.ChoiceField(
        choices=credentials.DESTINATIONS, required=False, allow_null=True
    )
    empty = fields.FlagField(required=False, allow_null=True)
    version = fields.WholeField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the known fields, and the details as they were sent."""
        values = super().to_internal_value(data)
        names = {detail.key for detail in credentials.details(values["type"])}
        return {**{key: data[key] for key in names & data.keys()}, **values}


class IntegrationConfigurationSerializer(TenantSerializer):
    """A configuration."""

    entity_type = serializers.RegexField(r"^[a-zA-Z0-9_-]+\Z", max_length=60)
    destination = serializers.RegexField(r"^[a-zA-Z0-9_-]+\Z", max_length=60)
    config_data = serializers.DictField(required=False)
    credentials = CredentialSerializer(required=False, allow_null=True, write_only=True)

    class Meta:
        model = IntegrationConfiguration
        fields = [
            "name",
            "entity_type",
            "entity_id",
            "destination",
            "destination_id",
            "config_data",
            "credential",
            "credentials",
        ]
        names = {"credential": "integrationCredentialsId"}

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add what is answered only."""
        found = super().get_fields()
        for name in ("entityType", "destination"):
            found[name].trim_whitespace = False
        return {
            **found,
            "authorized": serializers.BooleanField(read_only=True),
            "enabled": serializers.BooleanField(read_only=True),
            "triggerType": serializers.ChoiceField(["EVENT", "SCHEDULE"], read_only=True),
        }


class ConfigOptionSerializer(serializers.Serializer):
    """A choice for a setting."""

    id = serializers.CharField()
    label = serializers.CharField()


class ConfigOptionsSerializer(serializers.Serializer):
    """Settings; ``empty`` says there are none."""

    empty = serializers.BooleanField()


# The systems outside: a list that is no page.
SYSTEMS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "identifier": {"type": "string"},
            "displayName": {"type": "string"},
            "validationSupported": {"type": "boolean"},
            "supportedAuthTypes": {"type": "array", "items": {"type": "string"}},
        },
    },
}


class AvailableDestinationSerializer(serializers.Serializer):
    """A destination an entity can be sent to."""

    apiName = serializers.CharField()
    destination = serializers.CharField()
    displayName = serializers.CharField()
    destinationConfigOptions = ConfigOptionsSerializer()
    authConfigOptions = ConfigOptionsSerializer()
    released = serializers.BooleanField()
    authType = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())


class AvailableEntitySerializer(serializers.Serializer):
    """An entity, and where it can be sent."""

    readableName = serializers.CharField()
    destinations = AvailableDestinationSerializer(many=True)
    entityConfigurationOptions = ConfigOptionsSerializer()
    released = serializers.BooleanField()


class AvailableSerializer(serializers.Serializer):
    """What can be configured."""

    supportedEntities = serializers.DictField(child=AvailableEntitySerializer())
    selectedConfigurations = serializers.DictField(child=ConfigOptionsSerializer())
    globalConfigurationOptions = ConfigOptionsSerializer()


READ = ("config:retrieve", None)


class IntegrationConfigurationViewSet(TenantViewSet):
    """What joins entities with destinations."""

    queryset = IntegrationConfiguration.objects.select_related("credential")
    serializer_class = IntegrationConfigurationSerializer
    page_size_limit = 200
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "enable": ("config:update", None),
        "of_entity": READ,
        "available": READ,
        "systems": READ,
        "entities": READ,
        "authentication": READ,
        "option_values": READ,
    }
    filters: ClassVar[dict[str, Filter]] = {"destinationId": related("destination_id")}
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "of_entity": {
            "entityId": related("entity_id"),
            "destination": Filter("destination__iexact", word),
            "destinationId": related("destination_id"),
        },
        "available": {"systemName": Filter(None), "entityType": Filter(None)},
        "systems": {"entityType": Filter(None)},
    }

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make a configuration, with a credential of its own where one is sent."""
        values_ = dict(self.checked().validated_data)
        sent = values_.pop("credentials", None)
        row = IntegrationConfiguration(organization_id=self.organization_id, **values_)
        with transaction.atomic():
            self._attach(row, sent)
            made = changes.create(row, by=self.principal)
        return self.answer(made)

    def update(self, request: Request, **kwargs: Any) -> Response:
        """Replace a configuration; the credential is named by its id, or another one is sent."""
        row = self.get_object()
        serializer = self.checked(row)
        version = serializer.sent_version()
        if version is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        sent = serializer.validated_data.pop("credentials", None)
        with changes.editing(row, by=self.principal, version=version) as locked:
            serializer.replace(locked)
            self._attach(locked, sent, named=serializer.validated_data.get("credential"))
        return self.answer(locked)

    @extend_schema(request=None)
    def enable(self, request: Request, **kwargs: Any) -> Response:
        """Enable a configuration; it sends nothing old by itself."""
        return self.answer(enabling.enable(self.get_object(), by=self.principal))

    # The contract's paging has no effect: the answer is one configuration.
    @extend_schema(
        responses=IntegrationRunSerializer,
        parameters=[
            OpenApiParameter("nextToken", str),
            OpenApiParameter("pageSize", {"type": "integer", "minimum": 1, "maximum": 200}),
        ],
    )
    def of_entity(self, request: Request, **kwargs: Any) -> Response:
        """Return the configuration for an entity: the newest that is enabled first."""
        from organizations.kernel.api import filters

        rows = self.get_queryset().filter(entity_type__iexact=word("", kwargs["entityType"]))
        rows, _ = filters.apply(rows, self.action_filters["of_entity"], request.query_params)
        found = rows.order_by("-is_enabled", "-created_at", "-id").first()
        if found is None:
            raise NotFound("There is no such configuration.")
        return Response(self.represent(found))

    @extend_schema(responses=IntegrationRunSerializer)
    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """Return one configuration, with the status of its newest run."""
        return Response(self.represent(self.get_object()))

    @extend_schema(responses=AvailableSerializer)
    def available(self, request: Request, **kwargs: Any) -> Response:
        """Return what can be configured."""
        asked = self._asked("available")
        rows = self.get_queryset().order_by("-created_at", "-id")[:200]
        return Response(
            available.everything(asked.get("systemName"), asked.get("entityType"), rows)
        )

    @extend_schema(responses={200: SYSTEMS})
    def systems(self, request: Request, **kwargs: Any) -> Response:
        """Return the systems outside."""
        return Response(available.systems(self._asked("systems").get("entityType")))

    def entities(self, request: Request, **kwargs: Any) -> Response:
        """Return the entities a system accepts."""
        return Response(available.entities(kwargs["systemName"]))

    @extend_schema(responses=ConfigOptionsSerializer)
    def authentication(self, request: Request, **kwargs: Any) -> Response:
        """Return what a credential for a system consists of."""
        return Response(available.authentication(kwargs["systemName"], kwargs["entityType"]))

    @extend_schema(responses=ConfigOptionSerializer)
    def option_values(self, request: Request, **kwargs: Any) -> Response:
        """Return the choices for one setting of a system."""
        found = values.choices(self.organization_id, kwargs["systemName"], kwargs["configOption"])
        return Response([{"id": one.identity, "label": one.name} for one in found])

    def _asked(self, action: str) -> dict[str, Any]:
        return {
            name: value
            for name, one in self.action_filters[action].items()
            if (value := one.read(name, self.request.query_params.getlist(name))) is not None
        }

    def _attach(
        self,
        row: IntegrationConfiguration,
        sent: dict[str, Any] | None,
        named: IntegrationCredential | None = None,
    ) -> None:
        """Make the credential that was sent and link it."""
        if not sent:
            return
        if named is not None or (row.credential is not None and row._state.adding):
            raise FieldRefused("credentials", "must not be sent beside integrationCredentialsId")
        self.rights.require("config:create", registry.of(IntegrationCredential).name)
        connections.check(row)
        made = credentials.built(
            self.organization_id, sent, destination=row.destination, prefix="credentials."
        )
        row.credential = credentials.create(made, by=self.principal)

    def get_queryset(self) -> Any:
        """Bring the status of the newest run along."""
        newest = IntegrationRun.objects.filter(configuration=OuterRef("pk")).newest_first()
        return super().get_queryset().annotate(newest=Subquery(newest.values("status")[:1]))

    def represent(self, row: IntegrationConfiguration) -> dict[str, Any]:
        """Return how one looks: official clients want the status of a run, too."""
        if not hasattr(row, "newest"):
            row.newest = row.runs.newest_first().values_list("status", flat=True).first()
        return {**super().represent(row), "status": row.newest or "WAITING"}


AVAILABLE = "available/<str:systemName>"

urlpatterns = routes(
    "integrationconfigs",
    IntegrationConfigurationViewSet,
    more={
        "available": {"get": "available"},
        "available/systems": {"get": "systems"},
        f"{AVAILABLE}/entities": {"get": "entities"},
        f"{AVAILABLE}/auth/<str:entityType>": {"get": "authentication"},
        "entity/<str:entityType>": {"get": "of_entity"},
        "values/<str:systemName>/<str:configOption>": {"get": "option_values"},
        "<str:id>/enable": {"post": "enable"},
    },
)
