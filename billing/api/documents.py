"""A bill as a PDF, and the explanation of a line item: additions to the contract."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.bills import documents, explain, line_reading
from billing.bills.document import locales
from billing.bills.explain import Comparison, Explanation
from billing.models import Bill, LineItem
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, apply
from organizations.kernel.api.views import TenantViewSet

PDF = "application/pdf"
Permits = dict[str, tuple[str | None, str | None]]


class BillDocumentViewSet(TenantViewSet):
    """The document of a bill."""

    queryset = Bill.objects.all()
    permits: ClassVar[Permits] = {"pdf": ("config:retrieve", "billing:bill")}

    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "pdf": {
            "locale": Filter(None, choices=locales.TAGS),
            "copy": Filter(None, choices=("true", "false")),
        }
    }

    @extend_schema(responses={(200, PDF): OpenApiTypes.BINARY})
    def pdf(self, request: Request, **kwargs: Any) -> HttpResponse:
        """The bill as one would send it to a customer; marked as a draft while it is pending."""
        bill = self.get_object()
        _, asked = apply(self.queryset, self.action_filters["pdf"], request.query_params)
        written = documents.pdf(
            bill,
            asked.get("locale", ""),
            among=line_reading.of_bill(self.rights, bill),
            is_copy=asked.get("copy") == "true",
        )
        response = HttpResponse(written, content_type=PDF)
        response["Content-Disposition"] = f'inline; filename="{documents.file_name(bill)}"'
        response["Cache-Control"] = "private, no-store"
        return response


class StepSerializer(serializers.Serializer):
    """One row of the table."""

    label = serializers.CharField()
    reckoning = serializers.CharField()
    result = serializers.CharField()


class DifferenceSerializer(serializers.Serializer):
    """A field that would be another. Figures are numbers, everything else is text."""

    field = serializers.CharField()
    stored = serializers.JSONField(allow_null=True)
    now = serializers.JSONField(allow_null=True)


class ComparisonSerializer(serializers.Serializer):
    """The line against another calculation; ``matches`` is null where there was none."""

    matches = serializers.BooleanField(allow_null=True)
    summary = serializers.CharField()
    differences = DifferenceSerializer(many=True)


class AmountsSerializer(serializers.Serializer):
    """What is stored with the line."""

    quantity = fields.DecimalField()
    units = fields.DecimalField()
    unit = serializers.CharField()
    subtotal = fields.DecimalField()
    currency = serializers.CharField()
    conversionRate = fields.DecimalField()
    convertedSubtotal = fields.DecimalField()
    billCurrency = serializers.CharField()


class ExplanationSerializer(serializers.Serializer):
    """How a line item came about, and whether it would come out the same again."""

    id = fields.IdField()
    billId = fields.IdField()
    lineItemType = serializers.CharField()
    description = serializers.CharField()
    sentence = serializers.CharField()
    steps = StepSerializer(many=True)
    stored = AmountsSerializer()
    recomputed = ComparisonSerializer(help_text="From the record kept with the line.")
    current = ComparisonSerializer(help_text="From the prices, settings and usage of today.")


class LineItemExplanationViewSet(TenantViewSet):
    """The explanation of a line item, for whoever may read the bill and the line."""

    queryset = LineItem.objects.select_related("bill")
    serializer_class = ExplanationSerializer
    permits: ClassVar[Permits] = {"explanation": ("config:retrieve", None)}
    within: ClassVar[dict[str, str]] = {"bill": "billing:bill"}

    @extend_schema(responses=ExplanationSerializer)
    def explanation(self, request: Request, **kwargs: Any) -> Response:
        """The line as a sentence and a table, calculated again from its record and from today."""
        bills = Bill.objects.for_organization(self.organization_id)
        lines = self.get_queryset().filter(bill=self.find(bills, self.kwargs["bill"]))
        return Response(_shown(explain.explain(self.find(lines, self.kwargs["id"]))))


def _shown(explanation: Explanation) -> dict[str, Any]:
    line = explanation.line
    return {
        "id": str(line.pk),
        "billId": str(line.bill_id),
        "lineItemType": line.line_item_type,
        "description": line.description,
        "sentence": explanation.sentence,
        "steps": [
            {"label": step.label, "reckoning": step.reckoning, "result": step.result}
            for step in explanation.steps
        ],
        "stored": {
            "quantity": line.quantity,
            "units": line.units,
            "unit": line.unit,
            "subtotal": line.subtotal,
            "currency": line.currency,
            "conversionRate": line.conversion_rate,
            "convertedSubtotal": line.converted_subtotal,
            "billCurrency": line.bill.currency,
        },
        "recomputed": _comparison(explanation.recomputed),
        "current": _comparison(explanation.current),
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "matches": comparison.matches,
        "summary": comparison.summary,
        "differences": [
            {"field": one.field, "stored": one.stored, "now": one.now}
            for one in comparison.differences
        ],
    }
