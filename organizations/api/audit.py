"""The audit trail over the API: our own addition, for auditors and their tools (A9.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework import serializers

from organizations import row_reading
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, instant, related
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.models import AuditEntry

OUTCOMES = {"ALLOWED": True, "DENIED": False}


class AuditEntrySerializer(serializers.Serializer):
    """Who did what to which row; ``difference`` maps a field to [before, after]."""

    id = serializers.CharField()
    time = fields.InstantField()
    principalId = fields.IdField(allow_null=True)
    principalType = serializers.CharField()
    accessKeyId = fields.IdField(allow_null=True)
    sourceAddress = serializers.CharField(allow_null=True)
    requestId = serializers.CharField()
    action = serializers.CharField()
    resource = serializers.CharField()
    entityId = fields.IdField(allow_null=True)
    outcome = serializers.ChoiceField(choices=list(OUTCOMES))
    difference = serializers.DictField()


class AuditViewSet(TenantViewSet):
    """Entries, newest first. There is no verb that changes one."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    page_order = ("-id",)
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "list": ("audit:retrieve", "audit:entry")
    }
    filters: ClassVar[dict[str, Filter]] = {
        "startTime": Filter("at__gte", instant),
        "endTime": Filter("at__lt", instant),
        "principalId": related("principal_id"),
        "accessKeyId": related("access_key_id"),
        "action": Filter("action"),
        "resource": Filter("resource__iexact"),
        "entityId": related("entity_id"),
        "outcome": Filter(None, choices=tuple(OUTCOMES)),
    }

    def narrow(self, rows: Any) -> Any:
        """Look at what was allowed or denied only, when asked."""
        if outcome := self.asked.get("outcome"):
            return rows.filter(is_allowed=OUTCOMES[outcome])
        return rows

    def represent_many(self, rows: Sequence[AuditEntry]) -> list[dict[str, Any]]:
        """Return a page; values of rows that are kept from the caller are left out."""
        shown = row_reading.differences(self.rights, rows)
        return [{**self.represent(row), "difference": shown[row.pk]} for row in rows]

    def represent(self, row: AuditEntry) -> dict[str, Any]:
        """Return one entry, without its difference."""
        return {
            "id": str(row.pk),
            "time": row.at,
            "principalId": None if row.principal_id is None else str(row.principal_id),
            "principalType": row.principal_kind,
            "accessKeyId": None if row.access_key_id is None else str(row.access_key_id),
            "sourceAddress": row.source_address,
            "requestId": row.request_id,
            "action": row.action,
            "resource": row.resource,
            "entityId": None if row.entity_id is None else str(row.entity_id),
            "outcome": "ALLOWED" if row.is_allowed else "DENIED",
        }


urlpatterns = routes("audit", AuditViewSet, collection={"get": "list"}, item={})
