"""Integration runs over the API: those of systems, and deliveries to webhooks (A3)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import Delivery, IntegrationRun, RunStatus, WebhookDestination
from integrations.runs import representations as look
from organizations.kernel import ids
from organizations.kernel.api import fields, filters
from organizations.kernel.api.filters import Filter
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused, NotFound

NOTIFICATION = "notification"
OF_LISTS: dict[str, Filter] = {
    "startDate": Filter("created_at__gt", filters.instant),
    "endDate": Filter("created_at__lte", filters.instant),
    "status": filters.chosen("status", RunStatus.values),
    "order": Filter(None, choices=("ASC", "DESC")),
}


class IntegrationRunSerializer(TenantSerializer):
    """A run; it is never written over the API."""

    entity_type = serializers.CharField()
    dtStarted = fields.InstantField(source="started_at")
    dtCompleted = fields.InstantField(source="finished_at")
    parentIntegrationRunId = fields.IdField(source="parent_run_id")
    replayedFromIntegrationRunId = fields.IdField(source="replayed_from_id")

    class Meta:
        model = IntegrationRun
        fields = [
            "entity_type",
            "entity_id",
            "dtStarted",
            "dtCompleted",
            "status",
            "destination",
            "destination_id",
            "error",
            "url",
            "external_id",
            "parentIntegrationRunId",
            "replayedFromIntegrationRunId",
        ]


class RunLogSerializer(serializers.Serializer):
    """The log of a run, base64 of its text."""

    Payload = serializers.CharField()


READ = ("config:retrieve", "config:integrationRun")


class IntegrationRunViewSet(TenantViewSet):
    """What was sent where, and how it ended."""

    queryset = IntegrationRun.objects.all()
    serializer_class = IntegrationRunSerializer
    page_size_limit = 200
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "retrieve": READ,
        "of_entity": READ,
        "of_destination": READ,
        "latest": READ,
        "latest_of_many": READ,
        "log": READ,
    }
    page_actions = ("of_entity", "of_destination")
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "of_entity": OF_LISTS,
        "of_destination": {"destination": Filter("destination__iexact"), **OF_LISTS},
        "latest_of_many": {"ids": filters.id_list()},
    }

    def needed(self) -> tuple[str | None, str]:
        """Return the action a request needs; runs have a name in policies and no events."""
        return "config:retrieve", "config:integrationRun"

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """Return one run."""
        return Response(_told(self._one()))

    @extend_schema(responses=RunLogSerializer)
    def log(self, request: Request, **kwargs: Any) -> Response:
        """Return the log of a run."""
        return Response(look.log(self._one()))

    def of_entity(self, request: Request, **kwargs: Any) -> Response:
        """Return the runs of one entity."""
        return self._listed(self._rows(kwargs["entityType"], [kwargs["entityId"]]), "of_entity")

    def of_destination(self, request: Request, **kwargs: Any) -> Response:
        """Return the runs to one destination."""
        identity = ids.parse(kwargs["destinationId"])
        if identity is None:
            raise NotFound("There is no such destination.")
        destinations = WebhookDestination.objects.for_organization(self.organization_id)
        if destinations.filter(pk=identity).exists():
            rows = self._deliveries().filter(destination_id=identity)
        else:
            rows = self.get_queryset().filter(destination_id=identity)
        return self._listed(rows, "of_destination")

    def latest(self, request: Request, **kwargs: Any) -> Response:
        """Return the newest run of one entity."""
        return self._newest(self._rows(kwargs["entityType"], [kwargs["entityId"]]))

    def latest_of_many(self, request: Request, **kwargs: Any) -> Response:
        """Return the newest run of any of several entities."""
        asked = self.action_filters["latest_of_many"]["ids"].read(
            "ids", request.query_params.getlist("ids")
        )
        if not asked:
            raise FieldRefused("ids", "is needed: the entities whose newest run is asked for")
        return self._newest(self._rows(kwargs["entityType"], [str(one) for one in asked]))

    def represent_many(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Return how the rows of a page look."""
        return [_told(row) for row in rows]

    # Pieces ----------------------------------------------------------------------------------

    def _deliveries(self) -> Any:
        rows = Delivery.objects.filter(organization_id=self.organization_id).defer("body")
        return self.rights.visible(rows, "config:retrieve", "config:integrationRun")

    def _rows(self, entity_type: str, identities: list[str]) -> Any:
        if entity_type.lower() != NOTIFICATION:
            stored = [one.replace("\x00", "\ufffd") for one in identities]
            kind = entity_type.replace("\x00", "\ufffd")
            return self.get_queryset().filter(entity_type__iexact=kind, entity_id__in=stored)
        known = [found for one in identities if (found := ids.parse(one))]
        return self._deliveries().filter(rule_id__in=known)

    def _one(self) -> IntegrationRun | Delivery:
        identity = ids.parse(self.kwargs["id"])
        for rows in (self.get_queryset(), self._deliveries()):
            if identity is not None and (found := rows.filter(pk=identity).first()):
                return found
        raise NotFound("No such integration run.")

    def _listed(self, rows: Any, action: str) -> Response:
        declared = self.action_filters[action]
        if rows.model is Delivery:
            declared = {name: one for name, one in declared.items() if name != "destination"}
        rows, self.asked = filters.apply(rows, declared, self.request.query_params)
        if self.asked.get("order") == "ASC":
            self.page_order = ("created_at", "id")
        return self.page(rows)

    def _newest(self, rows: Any) -> Response:
        found = rows.order_by("-created_at", "-id").first()
        if found is None:
            raise NotFound("There is no run of it.")
        return Response(_told(found))


def _told(row: IntegrationRun | Delivery) -> dict[str, Any]:
    return look.delivery_as_run(row) if isinstance(row, Delivery) else look.run(row)


urlpatterns = routes(
    "integrationruns",
    IntegrationRunViewSet,
    collection={},
    item={"get": "retrieve"},
    more={
        "logs/<str:id>": {"get": "log"},
        "destinations/<str:destinationId>": {"get": "of_destination"},
        "<str:entityType>/latest": {"get": "latest_of_many"},
        "<str:entityType>/latest/<str:entityId>": {"get": "latest"},
        "<str:entityType>/<str:entityId>": {"get": "of_entity"},
    },
)
