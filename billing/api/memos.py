"""Credit and debit line items of a bill over the API."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.bills import memos
from billing.bills.memos import Memo
from billing.models import Bill, LineItem, LineItemType
from catalog.models import Product
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter
from organizations.kernel.api.serializers import AUDIT_NAMES, TenantRelatedField
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused
from organizations.kernel.representing import audit, identity, text


class MemoSerializer(serializers.Serializer):
    """A credit or a debit somebody writes on a bill."""

    line_type: ClassVar[str]

    version = fields.WholeField(required=False, allow_null=True, min_value=0)
    amount = fields.DecimalField()
    amountToApplyOnBill = fields.DecimalField(required=False, allow_null=True)
    description = fields.TextField(max_length=2000)
    productId = TenantRelatedField(queryset=Product.objects.all(), required=False, allow_null=True)
    accountingProductId = TenantRelatedField(
        queryset=Product.objects.all(), required=False, allow_null=True
    )
    referencedBillId = fields.IdField(required=False, allow_null=True)
    referencedLineItemId = fields.IdField(required=False, allow_null=True)
    servicePeriodStartDate = fields.InstantField(required=False, allow_null=True)
    servicePeriodEndDate = fields.InstantField(required=False, allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the type and the reason, which the newest contract calls reasonId."""
        reasons = memos.REASONS[self.line_type].objects.all()
        audited = {
            wire: (fields.InstantField if name.endswith("_at") else fields.IdField)(read_only=True)
            for name, wire in AUDIT_NAMES.items()
        }
        return {
            "id": fields.IdField(read_only=True),
            **audited,
            **super().get_fields(),
            "lineItemType": fields.ChoiceField(
                choices=[self.line_type], required=False, allow_null=True
            ),
            **{
                name: TenantRelatedField(queryset=reasons, required=False, allow_null=True)
                for name in (memos.reason_field(self.line_type), "reasonId")
            },
        }

    def memo(self) -> Memo:
        """Return what the body says."""
        sent = self.validated_data
        field = memos.reason_field(self.line_type)
        reason, other = sent.get(field), sent.get("reasonId")
        if reason and other and reason.pk != other.pk:
            raise FieldRefused("reasonId", f"differs from {field}")
        return Memo(
            amount=sent["amount"],
            applied=sent.get("amountToApplyOnBill"),
            description=sent["description"],
            product=sent.get("productId"),
            accounting_product=sent.get("accountingProductId"),
            reason=reason or other,
            referenced_bill_id=sent.get("referencedBillId"),
            referenced_line_item_id=sent.get("referencedLineItemId"),
            starts_at=sent.get("servicePeriodStartDate"),
            ends_at=sent.get("servicePeriodEndDate"),
        )


class CreditMemoSerializer(MemoSerializer):
    """A credit."""

    line_type = LineItemType.CREDIT_MEMO.value


class DebitMemoSerializer(MemoSerializer):
    """A debit."""

    line_type = LineItemType.DEBIT_MEMO.value


def shown(line: LineItem) -> dict[str, Any]:
    """A credit or debit line item."""
    return {
        **identity(line),
        "lineItemType": line.line_item_type,
        "productId": text(line.product_id),
        "accountingProductId": text(line.accounting_product_id),
        "description": line.description,
        "amount": memos.amount_of(line),
        "amountToApplyOnBill": memos.applied_of(line),
        "referencedBillId": text(line.referenced_bill_id),
        "referencedLineItemId": text(line.referenced_line_item_id),
        "servicePeriodStartDate": line.service_period_start,
        "servicePeriodEndDate": line.service_period_end,
        memos.reason_field(line.line_item_type): text(line.reason_id),
        "reasonId": text(line.reason_id),
        **audit(line),
    }


class MemoViewSet(TenantViewSet):
    """Credits or debits of the bill in the address."""

    queryset = LineItem.objects.select_related("bill")
    within: ClassVar[dict[str, str]] = {"bill": "billing:bill"}
    filters: ClassVar[dict[str, Filter]] = {}
    serializer_class: type[MemoSerializer]

    def get_queryset(self) -> Any:
        """Narrow to the credits, or the debits, of the bill."""
        rows = super().get_queryset().filter(line_item_type=self.serializer_class.line_type)
        return rows.filter(bill=self._bill()) if "bill" in self.kwargs else rows

    def _bill(self) -> Bill:
        bills = Bill.objects.for_organization(self.organization_id)
        found: Bill = self.find(bills, self.kwargs["bill"])
        return found

    def represent(self, row: Any) -> dict[str, Any]:
        """Return a line as the contract shows a credit or debit."""
        return shown(row)

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Write it on the bill."""
        bill = self._bill()
        memo = self.checked().memo()
        line_type = self.serializer_class.line_type
        return self.answer(memos.add(bill, line_type, memo, by=self.principal))

    def update(self, request: Request, **kwargs: Any) -> Response:
        """Replace it."""
        line = self.get_object()
        serializer = self.checked()
        version = serializer.validated_data.get("version")
        if version is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        return self.answer(
            memos.change(line, serializer.memo(), version=version, by=self.principal)
        )

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Take it off the bill; answers it as it was."""
        return self.answer(memos.remove(self.get_object(), by=self.principal))


class CreditLineItemViewSet(MemoViewSet):
    """Credits of a bill."""

    serializer_class = CreditMemoSerializer


class DebitLineItemViewSet(MemoViewSet):
    """Debits of a bill."""

    serializer_class = DebitMemoSerializer


urlpatterns = [
    *routes("bills/<str:bill>/creditlineitems", CreditLineItemViewSet),
    *routes("bills/<str:bill>/debitlineitems", DebitLineItemViewSet),
]
