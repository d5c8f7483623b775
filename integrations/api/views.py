"""Webhook destinations and, our own addition, their deliveries."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from integrations import destinations, representations, resending
from integrations.api.serializers import WebhookDestinationSerializer
from integrations.models import Channel, Delivery, DeliveryStatus, WebhookDestination
from organizations.kernel import clock
from organizations.kernel.api import filters
from organizations.kernel.api.views import TenantViewSet
from organizations.kernel.errors import FieldRefused


class WebhookViewSet(TenantViewSet):
    """Webhook destinations (C1)."""

    queryset = WebhookDestination.objects.filter(channel=Channel.WEBHOOK)
    serializer_class = WebhookDestinationSerializer
    page_size_limit = 200
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "activate": ("config:update", None),
        "deliveries": ("config:retrieve", None),
        "resend": ("config:update", None),
    }
    page_actions = ("deliveries",)
    action_filters: ClassVar[dict[str, dict[str, filters.Filter]]] = {
        "activate": {"active": filters.boolean(None)},
        "deliveries": {"status": filters.chosen("status", DeliveryStatus.values)},
    }

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make a destination."""
        wanted = self.checked().wanted()
        return self.answer(destinations.create(self.organization_id, wanted, by=self.principal))

    def update(self, request: Request, **kwargs: Any) -> Response:
        """Replace a destination; the masked secret keeps the stored one."""
        row = self.get_object()
        serializer = self.checked(row)
        version = serializer.sent_version()
        if version is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        changed = destinations.update(
            row, serializer.wanted(), by=self.principal, version=version, at=clock.now()
        )
        return self.answer(changed)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Delete a destination and its deliveries."""
        return self.answer(destinations.delete(self.get_object(), by=self.principal))

    def activate(self, request: Request, **kwargs: Any) -> Response:
        """Switch a destination on (also without the parameter) or off."""
        row = self.get_object()
        asked = self.action_filters["activate"]["active"].read(
            "active", request.query_params.getlist("active")
        )
        active = True if asked is None else asked
        return self.answer(
            destinations.activate(row, active=active, by=self.principal, at=clock.now())
        )

    def deliveries(self, request: Request, **kwargs: Any) -> Response:
        """Return the deliveries of a destination, newest first, without their bodies."""
        rows = self.get_object().deliveries.defer("body")
        declared = self.action_filters["deliveries"]
        rows, self.asked = filters.apply(rows, declared, request.query_params)
        return self.page(rows)

    def resend(self, request: Request, **kwargs: Any) -> Response:
        """Send one delivery again."""
        found = self.find(self.get_object().deliveries.all(), kwargs["delivery_id"])
        again = resending.send_again(found, by=self.principal, at=clock.now())
        return Response(representations.delivery(again))

    def represent_many(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Return how the rows of a page look."""
        if self.action == "deliveries":
            return [representations.delivery(row) for row in rows if isinstance(row, Delivery)]
        return super().represent_many(rows)
