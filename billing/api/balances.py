"""Balances over the API, with their ledgers and schedules."""

from __future__ import annotations

from itertools import islice
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import balance_schedules, ledger
from billing.models import (
    Balance,
    BalanceChargeSchedule,
    BalanceLineItemType,
    BalanceTransaction,
    BalanceTransactionSchedule,
    TransactionSource,
)
from organizations.kernel import changes
from organizations.kernel.api import fields
from organizations.kernel.api.filters import (
    Filter,
    chosen,
    id_list,
    identifier,
    instant,
    related,
)
from organizations.kernel.api.paging import page_size
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet

Permits = dict[str, tuple[str | None, str | None]]
PREVIEWED = 200


class BalanceSerializer(TenantSerializer):
    """A balance; its amount follows from its transactions."""

    name = fields.TextField(min_length=1, max_length=200)
    rollover_amount = fields.DecimalField(min_value=0, required=False, allow_null=True)
    product_ids = serializers.ListField(child=fields.IdField(), required=False, max_length=100)
    line_item_types = serializers.ListField(
        child=fields.ChoiceField(choices=BalanceLineItemType.choices), required=False
    )

    class Meta:
        model = Balance
        fields = [
            "account", "contract", "name", "code", "description", "currency", "start_date",
            "end_date", "rollover_amount", "rollover_end_date", "balance_draw_down_description",
            "overage_surcharge_percent", "overage_description", "product_ids", "line_item_types",
            "consumptions_accounting_product", "fees_accounting_product", "allow_overdraft",
            "custom_fields",
        ]  # fmt: skip

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the amount, which nobody sets."""
        return {**super().get_fields(), "amount": fields.DecimalField(read_only=True)}


class BalanceViewSet(TenantViewSet):
    """Balances. With an account and an empty ``contractId`` those without a contract (BAL-14)."""

    queryset = Balance.objects.all()
    serializer_class = BalanceSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "accountId": related("account_id"),
        "contract": related("contract_id"),
        "contractId": related("contract_id"),
        "endDateStart": Filter("effective_end_date__gte", instant),
        "endDateEnd": Filter("effective_end_date__lt", instant),
    }

    def narrow(self, rows: QuerySet) -> QuerySet:
        """Leave those without a contract where the filter is sent empty with an account."""
        if self.request.query_params.get("contractId") == "" and "accountId" in self.asked:
            return rows.filter(contract__isnull=True)
        return rows


class OfBalanceViewSet(TenantViewSet):
    """Rows of the balance that the address names."""

    within: ClassVar[dict[str, str]] = {"balance": "config:balance"}
    page_size_limit = 200

    def get_queryset(self) -> QuerySet:
        """Return the rows of that balance."""
        return super().get_queryset().filter(balance=self.balance())

    def balance(self) -> Balance:
        """Return the balance, or raise ``NotFound``."""
        rows = Balance.objects.for_organization(self.organization_id)
        found: Balance = self.find(rows, self.kwargs["balance"])
        return found

    def new_row(self) -> Any:
        """Return a row of the body, not saved."""
        balance = self.balance()
        values = self.checked().validated_data
        return self.queryset.model(organization_id=self.organization_id, balance=balance, **values)

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make a row."""
        return self.answer(changes.create(self.new_row(), by=self.principal))


class BalanceTransactionSerializer(TenantSerializer):
    """A transaction: a credit above zero, a debit below."""

    class Meta:
        model = BalanceTransaction
        fields = [
            "description", "amount", "paid", "currency_paid", "transaction_type", "applied_date",
            "transaction_date",
        ]  # fmt: skip

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add who wrote it."""
        return {
            **super().get_fields(),
            "entityType": fields.ChoiceField(choices=TransactionSource.choices, read_only=True),
            "entityId": fields.IdField(read_only=True),
        }


class SummarySerializer(serializers.Serializer):
    """What a balance's ledger adds up to (BAL-13)."""

    totalCreditAmount = fields.DecimalField()
    totalDebitAmount = fields.DecimalField()
    initialCreditAmount = fields.DecimalField()
    expiredBalanceAmount = fields.DecimalField()
    balanceConsumed = fields.DecimalField()
    rolloverConsumed = fields.DecimalField()


class BalanceTransactionViewSet(OfBalanceViewSet):
    """The ledger of a balance: rows are added, never changed (BAL-3)."""

    queryset = BalanceTransaction.objects.all()
    serializer_class = BalanceTransactionSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "transactionTypeId": related("transaction_type_id"),
        "entityType": chosen("entity_type", TransactionSource.values),
        "entityId": Filter("entity_id", identifier),
    }
    permits: ClassVar[Permits] = {"summary": ("config:retrieve", None)}

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Post a transaction of the caller."""
        return self.answer(ledger.post(self.new_row(), by=self.principal))

    @extend_schema(responses=SummarySerializer)
    def summary(self, request: Request, **kwargs: Any) -> Response:
        """The sums of the ledger."""
        found = ledger.sums(self.balance())
        return Response(
            {
                "totalCreditAmount": found.total_credit,
                "totalDebitAmount": found.total_debit,
                "initialCreditAmount": found.initial_credit,
                "expiredBalanceAmount": found.expired,
                "balanceConsumed": found.consumed,
                "rolloverConsumed": found.rollover_consumed,
            }
        )


class ScheduleViewSet(OfBalanceViewSet):
    """Schedules of a balance."""

    permits: ClassVar[Permits] = {"preview": ("config:retrieve", None)}
    page_actions = ("preview",)

    def preview(self, request: Request, **kwargs: Any) -> Response:
        """What the schedule of the body would make, nothing is stored (SCH-4).

        The answer is the schedule as it would be, with a page of its transactions or charges.
        """
        schedule = self.new_row()
        changes.check(schedule)
        size = page_size(request.query_params.get("pageSize"), PREVIEWED, PREVIEWED)
        first = _position(request.query_params.get("nextToken"))
        steps = list(islice(balance_schedules.plan_of(schedule), first, first + size + 1))
        rows = [self.item(schedule, step) for step in steps[:size]]
        more = str(first + size) if len(steps) > size else None
        found = self.represent_many(rows)
        return Response({**self.represent(schedule), "data": found, "nextToken": more})

    def item(self, schedule: Any, step: Any) -> Any:
        """Return what one run would make."""
        raise NotImplementedError


def _position(token: str | None) -> int:
    """Return where a page begins; what is no token of ours begins at the start."""
    return int(token) if token and token.isascii() and token.isdigit() and len(token) < 7 else 0


class _ScheduleSerializer(TenantSerializer):
    """What schedules show of their runs."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the runs."""
        return {
            **super().get_fields(),
            "balanceId": fields.IdField(read_only=True),
            "nextRun": fields.InstantField(read_only=True),
            "previousRun": fields.InstantField(read_only=True),
        }


class TransactionScheduleSerializer(_ScheduleSerializer):
    """A schedule of transactions."""

    amount = fields.DecimalField(min_value=0)
    frequency_interval = fields.WholeField(min_value=1, max_value=365)

    class Meta:
        model = BalanceTransactionSchedule
        fields = [
            "name", "code", "amount", "transaction_description", "transaction_type", "paid",
            "currency_paid", "start_date", "end_date", "frequency", "frequency_interval",
            "custom_fields",
        ]  # fmt: skip


class TransactionScheduleViewSet(ScheduleViewSet):
    """Schedules that post transactions."""

    queryset = BalanceTransactionSchedule.objects.select_related("balance")
    serializer_class = TransactionScheduleSerializer

    @extend_schema(responses=TransactionScheduleSerializer)
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """The schedule as it would be, with a page of the transactions it would post."""
        return super().preview(request, **kwargs)

    def item(self, schedule: Any, step: Any) -> Any:
        """Return the transaction of one run."""
        return balance_schedules.transaction_of(schedule, step)


class ChargeScheduleSerializer(_ScheduleSerializer):
    """A schedule of charges."""

    amount = fields.DecimalField(min_value=0, required=False, allow_null=True)
    bill_frequency_interval = fields.WholeField(min_value=1, max_value=365)

    class Meta:
        model = BalanceChargeSchedule
        fields = [
            "name", "code", "amount", "units", "unit_price", "currency",
            "service_period_start_date", "service_period_end_date", "bill_epoch",
            "bill_frequency", "bill_frequency_interval", "bill_in_advance", "charge_description",
            "custom_fields",
        ]  # fmt: skip


class ChargeScheduleViewSet(ScheduleViewSet):
    """Schedules that make charges."""

    queryset = BalanceChargeSchedule.objects.select_related("balance")
    serializer_class = ChargeScheduleSerializer

    @extend_schema(responses=ChargeScheduleSerializer)
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """The schedule as it would be, with a page of the charges it would make."""
        return super().preview(request, **kwargs)

    def item(self, schedule: Any, step: Any) -> Any:
        """Return the charge of one slice."""
        return balance_schedules.charge_of(schedule, step)
