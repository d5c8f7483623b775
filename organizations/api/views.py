"""The routes of this app's entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from organizations import event_kinds, event_reading
from organizations.api import serializers as shapes
from organizations.kernel import event_types, events, ids
from organizations.kernel.api.filters import Filter, boolean, code_list, id_list, related
from organizations.kernel.api.filters import word as any_word
from organizations.kernel.api.views import TenantViewSet
from organizations.kernel.errors import FieldRefused
from organizations.models import (
    BillGroupingKey,
    CreditReason,
    Currency,
    CustomFieldDefaults,
    DebitReason,
    Event,
    Organization,
    OrganizationConfig,
    ServiceUser,
    TransactionType,
    User,
)
from organizations.representations import event, organization, service_user, user


class OrganizationConfigViewSet(TenantViewSet):
    """The one configuration row of the organization (A1.7)."""

    queryset = OrganizationConfig.objects.all()
    serializer_class = shapes.OrganizationConfigSerializer

    def get_object(self) -> OrganizationConfig:
        """Return the organization's row; there is always one."""
        return self.get_single()


class PickListViewSet(TenantViewSet):
    """What every pick list's routes have."""

    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "codes": code_list(),
        "archived": boolean("is_archived"),
    }


class CurrencyViewSet(PickListViewSet):
    """Currencies (pick list)."""

    queryset = Currency.objects.all()
    serializer_class = shapes.CurrencySerializer


class CreditReasonViewSet(PickListViewSet):
    """Credit reasons (pick list)."""

    queryset = CreditReason.objects.all()
    serializer_class = shapes.CreditReasonSerializer


class DebitReasonViewSet(PickListViewSet):
    """Debit reasons (pick list)."""

    queryset = DebitReason.objects.all()
    serializer_class = shapes.DebitReasonSerializer


class TransactionTypeViewSet(PickListViewSet):
    """Transaction types (pick list)."""

    queryset = TransactionType.objects.all()
    serializer_class = shapes.TransactionTypeSerializer


class BillGroupingKeyViewSet(PickListViewSet):
    """Bill grouping keys (pick list)."""

    queryset = BillGroupingKey.objects.all()
    serializer_class = shapes.BillGroupingKeySerializer


class CustomFieldViewSet(TenantViewSet):
    """The organization's one document of custom fields (A8.1)."""

    queryset = CustomFieldDefaults.objects.all()
    serializer_class = shapes.CustomFieldDefaultsSerializer

    def get_object(self) -> CustomFieldDefaults:
        """Return the organization's row; there is always one."""
        return self.get_single()


class MeViewSet(TenantViewSet):
    """Who am I; works for every principal whatever its policies say (A2.11)."""

    queryset = ServiceUser.objects.all()
    serializer_class = shapes.MeSerializer

    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {"retrieve": (None, None)}

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """Return user or service user, and the organization."""
        is_person = self.principal.kind == "USER"
        rows = User.objects if is_person else ServiceUser.objects
        row = rows.filter(pk=self.principal.id).first()
        return Response(
            {
                "user": user(row) if row and is_person else None,
                "serviceUser": service_user(row) if row and not is_person else None,
                "organization": organization(Organization.objects.get(pk=self.organization_id)),
            }
        )


class EventViewSet(TenantViewSet):
    """What happened, newest first; 28 days of it (B4)."""

    queryset = Event.objects.all()
    serializer_class = shapes.EventSerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "list": ("config:retrieve", "config:event"),
        "retrieve": ("config:retrieve", "config:event"),
        "types": ("config:retrieve", "config:event"),
        "fields": ("config:retrieve", "config:event"),
    }
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {"fields": {"eventName": Filter(None)}}
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "eventName": Filter("name"),
        "eventType": Filter(None, choices=event_kinds.KINDS),
        "accountId": related("account_id"),
        "resourceId": related("resource_id"),
        "includeActioned": boolean(None),
        "notificationId": Filter(None, any_word),
        "notificationCode": Filter(None, any_word),
    }

    def get_queryset(self) -> QuerySet:
        """Return events of the last 28 days only, deleted or not."""
        return events.kept(super().get_queryset())

    def list(self, request: Request, **kwargs: Any) -> Response:
        """Return a page; ``ids`` excludes every other filter."""
        others = [name for name in self.filters if request.query_params.get(name)]
        if "ids" in others and len(others) > 1:
            raise FieldRefused("ids", "cannot be combined with other filters")
        return super().list(request, **kwargs)

    @extend_schema(responses=shapes.EventTypesSerializer)
    def types(self, request: Request, **kwargs: Any) -> Response:
        """Return the names of the types of events that happen here (B2)."""
        return Response({"events": list(event_types.fields_for(self.organization_id))})

    @extend_schema(responses=shapes.EventFieldsSerializer)
    def fields(self, request: Request, **kwargs: Any) -> Response:
        """Return the fields of one type of event, or of all (B3)."""
        known = event_types.fields_for(self.organization_id)
        name = request.query_params.get("eventName")
        if not name:
            return Response({"events": known})
        if name not in known:
            raise FieldRefused("eventName", "there are no such events; events/types lists all")
        return Response({"events": {name: known[name]}})

    def narrow(self, rows: Any) -> Any:
        """Leave out what was marked as actioned, unless asked for or named by id."""
        kind = self.asked.get("eventType")
        rows = self._of_rule(rows, are_notifications=kind == event_kinds.NOTIFICATION)
        if kind:
            rows = event_kinds.narrow(rows, kind)
        if "ids" in self.asked or self.asked.get("includeActioned"):
            return rows
        return rows.filter(actioned_at__isnull=True)

    def _of_rule(self, rows: QuerySet, *, are_notifications: bool) -> QuerySet:
        """Leave the notifications of a rule, or the events upon which it fired (B4)."""
        told = Event.objects.for_organization(self.organization_id)
        asked = [name for name in ("notificationId", "notificationCode") if name in self.asked]
        if not asked:
            return rows
        if "notificationId" in asked:
            told = told.filter(
                rule_id=ids.parse(self.asked["notificationId"]), rule_id__isnull=False
            )
        if "notificationCode" in asked:
            told = told.filter(name=f"notification.{self.asked['notificationCode']}")
        if are_notifications:
            return rows.filter(pk__in=told.values("pk"))
        return rows.filter(pk__in=told.filter(cause_id__isnull=False).values("cause_id"))

    def represent(self, row: Event) -> dict[str, Any]:
        """Return the event's five keys."""
        return self.represent_many([row])[0]

    def represent_many(self, rows: Sequence[Event]) -> list[dict[str, Any]]:
        """Return a page; of rows the caller may not read, only what they are called."""
        payloads = event_reading.payloads(self.rights, rows)
        return [event(row, payloads[row.pk]) for row in rows]
