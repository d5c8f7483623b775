"""Accounts and their plans over the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import account_plans
from billing.api import contracts
from billing.models import Account, AccountPlan
from organizations.kernel import clock
from organizations.kernel.api import fields, search
from organizations.kernel.api.filters import (
    Filter,
    boolean,
    code_list,
    dated,
    id_list,
    identifier,
    related,
)
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet
from organizations.kernel.errors import FieldRefused
from organizations.kernel.periods import local_midnight


class AddressSerializer(serializers.Serializer):
    """A postal address; what is left out is null."""

    addressLine1 = fields.TextField(max_length=50, required=False, allow_null=True)
    addressLine2 = fields.TextField(max_length=50, required=False, allow_null=True)
    addressLine3 = fields.TextField(max_length=200, required=False, allow_null=True)
    addressLine4 = fields.TextField(max_length=200, required=False, allow_null=True)
    locality = fields.TextField(max_length=100, required=False, allow_null=True)
    region = fields.TextField(max_length=50, required=False, allow_null=True)
    postCode = fields.TextField(max_length=20, required=False, allow_null=True)
    country = fields.TextField(max_length=100, required=False, allow_null=True)


class AccountSerializer(TenantSerializer):
    """An account."""

    address = AddressSerializer(required=False)
    credit_application_order = serializers.ListField(
        child=fields.ChoiceField(choices=["PREPAYMENT", "BALANCE"]), required=False
    )

    # Said in the console; a program that sends an account without it changes nothing.
    document_language = serializers.CharField(read_only=True, allow_null=True)

    bills_by_email = serializers.CharField(read_only=True, allow_null=True)
    bill_email_addresses = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Account
        fields = [
            "name", "code", "email_address", "address", "parent_account", "bill_epoch",
            "purchase_order_number", "currency", "days_before_bill_due",
            "statement_definition_id", "auto_generate_statement_mode",
            "credit_application_order", "custom_fields", "document_language",
            "bills_by_email", "bill_email_addresses",
        ]  # fmt: skip


class AccountViewSet(TenantViewSet):
    """Accounts."""

    queryset = Account.objects.all()
    serializer_class = AccountSerializer
    filters: ClassVar[dict[str, Filter]] = {"ids": id_list(), "codes": code_list()}
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "children": ("config:retrieve", None),
        "end_date": ("config:update", None),
    }
    page_actions = ("children",)
    page_size_limits: ClassVar[dict[str, int]] = {"children": 200}
    search_fields: ClassVar[dict[str, search.Field]] = {
        "name": search.Field("name"),
        "code": search.Field("code"),
        "codes": search.Field("code", many=True),
        "currency": search.Field("currency"),
        "purchaseOrderNumber": search.Field("purchase_order_number"),
        "parentAccountId": search.Field("parent_account_id", identifier),
        **search.AUDIT,
    }

    def children(self, request: Request, **kwargs: Any) -> Response:
        """Return the child accounts of one account, at most 200 a page."""
        rows = self.get_queryset().filter(parent_account=self.get_object())
        return self.page(rows)

    @extend_schema(request=contracts.EndDatingSerializer, responses=contracts.EndDatedSerializer)
    def end_date(self, request: Request, **kwargs: Any) -> Response:
        """End what belongs to the account, and to its children if asked, each for itself."""
        return contracts.end(self, self.get_object())


class AccountPlanSerializer(TenantSerializer):
    """A plan, or a plan group, attached to an account."""

    class Meta:
        model = AccountPlan
        fields = [
            "account", "plan", "plan_group", "start_date", "end_date", "code", "bill_epoch",
            "contract", "child_billing_mode", "custom_fields",
        ]  # fmt: skip

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the product, which follows from the plan (ACP-6)."""
        return {**super().get_fields(), "productId": fields.IdField(read_only=True)}


class ReplacedSerializer(serializers.Serializer):
    """The account plan that was ended and the one that begins there."""

    originalAccountPlan = AccountPlanSerializer()
    newAccountPlan = AccountPlanSerializer()


class AccountPlanViewSet(TenantViewSet):
    """Account plans. With ``account`` only the active ones, unless ``includeall`` (ACP-9)."""

    queryset = AccountPlan.objects.all()
    serializer_class = AccountPlanSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "account": related("account_id"),
        "plan": related("plan_id"),
        "product": related("product_id"),
        "contract": related("contract_id"),
        "date": dated(None),
        "includeall": boolean(None),
    }
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "replace": ("config:update", None)
    }

    def narrow(self, rows: Any) -> Any:
        """Apply the filters that are about time."""
        if "product" in self.asked and "account" not in self.asked:
            raise FieldRefused("product", "works only together with account")
        if day := self.asked.get("date"):
            return self._active_on(rows, day)
        if "account" in self.asked and not self.asked.get("includeall"):
            now = clock.now()
            return rows.filter(Q(end_date__isnull=True) | Q(end_date__gt=now), start_date__lte=now)
        return rows

    def _active_on(self, rows: Any, day: date) -> Any:
        """Leave those active at some moment of the day, in the organization's timezone."""
        if day in (date.min, date.max):
            raise FieldRefused("date", "is the first or last day there is")
        zone = self.zone()
        opens, closes = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
        return rows.filter(Q(end_date__isnull=True) | Q(end_date__gt=opens), start_date__lt=closes)

    @extend_schema(responses=ReplacedSerializer)
    def replace(self, request: Request, **kwargs: Any) -> Response:
        """End this account plan where the one of the body begins (ACP-4)."""
        original = self.get_object()
        values = self.checked().validated_data
        replacement = AccountPlan(organization_id=self.organization_id, **values)
        ended, made = account_plans.replace(original, replacement, by=self.principal)
        return Response(
            {
                "originalAccountPlan": self.shown(ended),
                "newAccountPlan": self.shown(made),
            }
        )
