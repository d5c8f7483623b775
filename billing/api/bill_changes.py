"""Why a bill's total differs from the one before it: an addition to the contract."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.bills import what_changed
from billing.models import Bill
from organizations.kernel.api import fields
from organizations.kernel.api.views import TenantViewSet, routes


class BillSentenceSerializer(serializers.Serializer):
    """One reason, and by how much it moves the total."""

    sentence = serializers.CharField()
    amount = fields.DecimalField(allow_null=True)


class BillExplanationSerializer(serializers.Serializer):
    """A bill against the account's bill before it; the amounts add up to the difference."""

    id = fields.IdField()
    previousBillId = fields.IdField(allow_null=True)
    currency = serializers.CharField()
    total = fields.DecimalField()
    previousTotal = fields.DecimalField(allow_null=True)
    difference = fields.DecimalField(allow_null=True)
    sentences = BillSentenceSerializer(many=True)


class BillExplanationViewSet(TenantViewSet):
    """What changed since the last bill, for whoever may read both bills and all their lines."""

    queryset = Bill.objects.all()
    serializer_class = BillExplanationSerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "explanation": ("config:retrieve", "billing:bill")
    }

    @extend_schema(responses=BillExplanationSerializer)
    def explanation(self, request: Request, **kwargs: Any) -> Response:
        """At most three sentences; none without a bill before that may be read whole."""
        bill = self.get_object()
        change = what_changed.of(self.rights, bill)
        why = change.why if change else None
        return Response(
            {
                "id": str(bill.pk),
                "previousBillId": str(change.previous.pk) if change else None,
                "currency": bill.currency,
                "total": bill.total,
                "previousTotal": change.previous.total if change else None,
                "difference": why.difference if why else None,
                "sentences": [
                    {"sentence": text, "amount": amount}
                    for text, amount in (what_changed.sentences(change) if change else ())
                ],
            }
        )


urlpatterns = routes(
    "bills",
    BillExplanationViewSet,
    collection={},
    item={},
    more={"<str:id>/explanation": {"get": "explanation"}},
)
