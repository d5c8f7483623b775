"""Late usage and its rules over the API: addresses of our own, beyond the contract."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.late import deciding
from billing.models import Bill, LateUsage, LateUsageRule, LateUsageStatus
from organizations.api.serializers import AuditedSerializer
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, chosen, id_list, instant, related
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import NotFound

MOST = 100


class LateUsageRuleSerializer(TenantSerializer):
    """What is done with late usage of a product; without one, of every other product."""

    class Meta:
        model = LateUsageRule
        fields = ["product", "action"]


class LateUsageRuleViewSet(TenantViewSet):
    """Rules about late usage."""

    queryset = LateUsageRule.objects.all()
    serializer_class = LateUsageRuleSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "productId": related("product_id"),
    }


class LateUsageSerializer(AuditedSerializer):
    """How much one charge on a locked bill would be more or less, as usage is now."""

    accountId = fields.IdField()
    billId = fields.IdField()
    lineItemId = fields.IdField(allow_null=True)
    number = fields.WholeField()
    description = serializers.CharField()
    productId = fields.IdField(allow_null=True)
    contractId = fields.IdField(allow_null=True)
    planId = fields.IdField(allow_null=True)
    accountPlanId = fields.IdField(allow_null=True)
    pricingId = fields.IdField(allow_null=True)
    meterId = fields.IdField(allow_null=True)
    aggregationId = fields.IdField(allow_null=True)
    segment = serializers.DictField(child=serializers.CharField())
    servicePeriodStartDate = fields.InstantField()
    servicePeriodEndDate = fields.InstantField()
    quantity = fields.DecimalField()
    units = fields.DecimalField()
    unit = serializers.CharField()
    currency = serializers.CharField()
    amount = fields.DecimalField()
    minimumSpendAmount = fields.DecimalField()
    status = serializers.ChoiceField(choices=LateUsageStatus.choices)
    note = serializers.CharField()
    decidedAt = fields.InstantField(allow_null=True)
    decidedBy = fields.IdField(allow_null=True)
    chargedOnBillId = fields.IdField(allow_null=True)


class LateUsageDecisionSerializer(serializers.Serializer):
    """The rows that are accepted or ignored, all or none."""

    ids = serializers.ListField(child=fields.IdField(), min_length=1, max_length=MOST)


class LateUsageDecidedSerializer(serializers.Serializer):
    """How many rows changed, as a sentence."""

    message = serializers.CharField()


class LateUsageViewSet(TenantViewSet):
    """Late usage: read, accepted for the next bill, or ignored."""

    queryset = LateUsage.objects.all()
    serializer_class = LateUsageSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "accountId": related("account_id"),
        "billId": related("bill_id"),
        "productId": related("product_id"),
        "status": chosen("status", LateUsageStatus.values),
        "servicePeriodStart": Filter("service_period_start__gte", instant),
        "servicePeriodEnd": Filter("service_period_start__lt", instant),
    }
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "accept": ("config:update", None),
        "ignore": ("config:update", None),
    }

    def get_queryset(self) -> Any:
        """Leave out what belongs to bills that are denied: it tells of their amounts."""
        rows = super().get_queryset()
        asked = ("config:retrieve", "billing:bill")
        if not self.rights.denies_some(*asked):
            return rows
        bills = Bill.objects.for_organization(self.organization_id)
        return rows.filter(bill__in=self.rights.not_denied(bills, *asked))

    @extend_schema(request=LateUsageDecisionSerializer, responses=LateUsageDecidedSerializer)
    def accept(self, request: Request, **kwargs: Any) -> Response:
        """Put the rows on the next bill of their accounts."""
        count = deciding.accept(self._chosen(request), by=self.principal)
        return _changed(count, "accepted")

    @extend_schema(request=LateUsageDecisionSerializer, responses=LateUsageDecidedSerializer)
    def ignore(self, request: Request, **kwargs: Any) -> Response:
        """Leave the rows uncharged."""
        count = deciding.ignore(self._chosen(request), by=self.principal)
        return _changed(count, "ignored")

    def _chosen(self, request: Request) -> list[Any]:
        """Return the ids of the body; one the caller may not change is not there."""
        body = LateUsageDecisionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = set(body.validated_data["ids"])
        found = list(self.get_queryset().filter(pk__in=asked).values_list("pk", flat=True))
        if len(found) < len(asked):
            raise NotFound
        return found


def _changed(count: int, word: str) -> Response:
    rows = "1 row" if count == 1 else f"{count} rows"
    return Response({"message": f"{rows} of late usage {word}."})


urlpatterns = [
    *routes("lateusagerules", LateUsageRuleViewSet),
    *routes(
        "lateusage",
        LateUsageViewSet,
        collection={"get": "list"},
        item={"get": "retrieve"},
        more={"accept": {"post": "accept"}, "ignore": {"post": "ignore"}},
    ),
]
