"""Contracts over the API, and the end of what belongs to a contract or an account."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import end_dating
from billing.contract_rules import MODES
from billing.models import Contract
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, code_list, id_list, related
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet


class UsageFilterSerializer(serializers.Serializer):
    """Usage with or without one value of a dimension (CON-5)."""

    dimensionCode = fields.TextField(min_length=1)
    mode = fields.ChoiceField(choices=MODES)
    value = fields.TextField(min_length=1)


class ContractSerializer(TenantSerializer):
    """A contract."""

    usage_filters = UsageFilterSerializer(many=True, required=False)

    class Meta:
        model = Contract
        fields = [
            "account", "name", "code", "description", "purchase_order_number",
            "apply_contract_period_limits", "usage_filters", "bill_grouping_key", "start_date",
            "end_date", "custom_fields",
        ]  # fmt: skip


class EndDatingSerializer(serializers.Serializer):
    """When to end what."""

    endDate = fields.InstantField()
    applyToChildren = fields.FlagField(required=False)
    billingEntities = serializers.ListField(
        child=fields.ChoiceField(choices=end_dating.KINDS), min_length=1
    )


class EntitiesSerializer(serializers.Serializer):
    """Entities of one kind: their ids, and for those that failed the reasons by id."""

    empty = serializers.BooleanField()
    ids = serializers.ListField(child=serializers.CharField())
    reasons = serializers.DictField(child=serializers.CharField())


class EndedSerializer(serializers.Serializer):
    """Entities by kind."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Return a field for each kind."""
        return {kind: EntitiesSerializer(required=False) for kind in end_dating.KINDS}


class EndDatedSerializer(serializers.Serializer):
    """What was ended, and what could not be."""

    statusMessage = serializers.CharField()
    updatedEntities = EndedSerializer()
    failedEntities = EndedSerializer()


def end(view: TenantViewSet, whose: Any) -> Response:
    """End what the body names and answer what came of it."""
    serializer = EndDatingSerializer(data=view.request.data, context=view.get_serializer_context())
    serializer.is_valid(raise_exception=True)
    asked = serializer.validated_data
    result = end_dating.end(
        whose,
        asked["billingEntities"],
        asked["endDate"],
        apply_to_children=asked.get("applyToChildren", False),
        by=view.principal,
        rights=view.rights,
    )
    return Response(
        {
            "statusMessage": result.message,
            "updatedEntities": _shown(result.updated),
            "failedEntities": _shown(result.failed),
        }
    )


def _shown(found: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Return the entities of each kind as the contract's set, with ids and reasons beside it."""
    return {
        kind: {
            "empty": not rows,
            "ids": sorted(rows),
            "reasons": {key: reason for key, reason in rows.items() if reason},
        }
        for kind, rows in found.items()
    }


class ContractViewSet(TenantViewSet):
    """Contracts."""

    queryset = Contract.objects.all()
    serializer_class = ContractSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "codes": code_list(),
        "accountId": related("account_id"),
    }
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "end_date": ("config:update", None)
    }

    @extend_schema(request=EndDatingSerializer, responses=EndDatedSerializer)
    def end_date(self, request: Request, **kwargs: Any) -> Response:
        """End the contract and what is linked to it, each for itself (CON-9)."""
        return end(self, self.get_object())
