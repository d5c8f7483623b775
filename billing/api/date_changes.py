"""What a change of timezone, billing day or rhythm makes of the next bills, over the API.

An address of our own. Nothing is stored: the change itself is made where it always is.
"""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.bills import line_reading
from billing.changing import dates
from billing.models import Account, AccountPlan, Bill
from catalog.models import BillingFrequency, PlanTemplate
from organizations.kernel.api import fields
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused, FieldsRefused, Forbidden
from organizations.kernel.periods import parse_timezone
from organizations.models import OrganizationConfig

# Which fields belong to which subject; without an id it is the organization.
SUBJECTS: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "accountId": (Account, ("billEpoch",)),
    "accountPlanId": (AccountPlan, ("billEpoch",)),
    "planTemplateId": (PlanTemplate, ("billFrequency", "billFrequencyInterval")),
}
NEEDED = ("config:account", "billing:bill", line_reading.LINE)
OF_ORGANIZATION = ("timezone", "yearEpoch", "monthEpoch", "weekEpoch", "dayEpoch")
COLUMNS = {
    "timezone": "timezone",
    "yearEpoch": "year_epoch",
    "monthEpoch": "month_epoch",
    "weekEpoch": "week_epoch",
    "dayEpoch": "day_epoch",
    "billEpoch": "bill_epoch",
    "billFrequency": "bill_frequency",
    "billFrequencyInterval": "bill_frequency_interval",
}


class DateChangeSerializer(serializers.Serializer):
    """Of what the dates change, and how. Without an id: of the organization."""

    accountId = fields.IdField(required=False)
    accountPlanId = fields.IdField(required=False)
    planTemplateId = fields.IdField(required=False)
    timezone = fields.TextField(required=False, max_length=64)
    yearEpoch = fields.DayField(required=False)
    monthEpoch = fields.DayField(required=False)
    weekEpoch = fields.DayField(required=False)
    dayEpoch = fields.DayField(required=False)
    billEpoch = fields.DayField(required=False, allow_null=True)
    billFrequency = fields.ChoiceField(choices=BillingFrequency.values, required=False)
    billFrequencyInterval = fields.WholeField(required=False, min_value=1, max_value=365)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One subject, its own fields and no other, and at least one of them."""
        named = [name for name in SUBJECTS if name in attrs]
        if len(named) > 1:
            raise FieldsRefused([FieldRefused(name, "name one subject only") for name in named])
        own = SUBJECTS[named[0]][1] if named else OF_ORGANIZATION
        others = [name for name in COLUMNS if name in attrs and name not in own]
        subject = named[0].removesuffix("Id") if named else "the organization"
        if others:
            raise FieldsRefused(
                [FieldRefused(name, f"is no field of {subject}") for name in others]
            )
        if not any(name in attrs for name in own):
            raise FieldsRefused(
                [FieldRefused(name, "give at least one of these fields") for name in own]
            )
        if "timezone" in attrs:
            parse_timezone(attrs["timezone"])
        return attrs


class LastBillSerializer(serializers.Serializer):
    """The latest bill of a rhythm; the end is exclusive."""

    billingFrequency = serializers.CharField()
    billFrequencyInterval = fields.WholeField()
    startDate = serializers.DateField()
    endDate = serializers.DateField()
    locked = serializers.BooleanField()


class ComingBillSerializer(serializers.Serializer):
    """A bill to come; where it could not be made, only the reason."""

    billingFrequency = serializers.CharField(allow_null=True)
    billFrequencyInterval = fields.WholeField(allow_null=True)
    startDate = serializers.DateField(allow_null=True)
    endDate = serializers.DateField(allow_null=True)
    usageFrom = fields.InstantField(allow_null=True)
    total = fields.DecimalField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class AlikeSerializer(serializers.Serializer):
    """Accounts whose dates are the same, by the example of one."""

    accounts = fields.WholeField()
    accountId = fields.IdField()
    accountCode = serializers.CharField()
    accountName = serializers.CharField()
    moved = serializers.BooleanField()
    lastBills = LastBillSerializer(many=True)
    before = ComingBillSerializer(many=True)
    after = ComingBillSerializer(many=True)


class ConsequencesSerializer(serializers.Serializer):
    """How many accounts there are, and what becomes of their next bills."""

    accounts = fields.WholeField()
    accountsWithoutBill = fields.WholeField()
    accountsNotShown = fields.WholeField()
    examples = AlikeSerializer(many=True)


class DateChangeViewSet(TenantViewSet):
    """Try a change of dates."""

    queryset = Bill.objects.all()
    serializer_class = DateChangeSerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "preview": ("config:retrieve", None)
    }
    also_needs: ClassVar[dict[str, tuple[frozenset[tuple[str, str]], ...]]] = {
        "preview": tuple(frozenset({("config:retrieve", one)}) for one in NEEDED)
    }

    @extend_schema(request=DateChangeSerializer, responses={200: ConsequencesSerializer})
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """Return the next bills with the change and without it; nothing is stored."""
        if not may_preview(self.rights):
            raise Forbidden
        asked = self.checked().validated_data
        row = self._row(asked)
        values = {COLUMNS[name]: value for name, value in asked.items() if name in COLUMNS}
        change = dates.changed(row, values)
        found = dates.consequences(change) if change else dates.NOTHING
        return Response(shown(found))

    def _row(self, asked: dict[str, Any]) -> Any:
        for name, (model, _) in SUBJECTS.items():
            if name in asked:
                rows = self.readable(model.objects.for_organization(self.organization_id))
                found = rows.filter(pk=asked[name]).first()
                if found is None:
                    raise FieldRefused(name, "there is none with this id")
                return found
        rows = OrganizationConfig.objects.for_organization(self.organization_id)
        found = self.readable(rows).first()
        if found is None:
            raise Forbidden
        return found


def may_preview(rights: Any) -> bool:
    """Whether somebody may read all accounts, bills and lines, of which this tells."""
    return all(rights.allows_all("config:retrieve", one) for one in NEEDED)


def shown(found: dates.Consequences) -> dict[str, Any]:
    """Return the answer; those whose bills move first."""
    return {
        "accounts": found.accounts,
        "accountsWithoutBill": found.unbilled,
        "accountsNotShown": found.not_shown,
        "examples": [
            {
                "accounts": one.accounts,
                "accountId": str(one.start.account_id),
                "accountCode": one.start.code,
                "accountName": one.start.name,
                "moved": one.is_moved,
                "lastBills": [
                    {
                        "billingFrequency": last.frequency,
                        "billFrequencyInterval": last.interval,
                        "startDate": last.first_day,
                        "endDate": last.end_day,
                        "locked": last.is_locked,
                    }
                    for last in one.start.lasts
                ],
                "before": [_bill(each) for each in one.before],
                "after": [_bill(each) for each in one.after],
            }
            for one in (*found.moved, *(one for one in found.alike if not one.is_moved))
        ],
    }


def _bill(one: Any) -> dict[str, Any]:
    return {
        "billingFrequency": one.frequency or None,
        "billFrequencyInterval": None if one.refusal else one.interval,
        "startDate": one.first_day,
        "endDate": one.end_day,
        "usageFrom": one.usage_from,
        "total": one.total,
        "currency": one.currency or None,
        "reason": one.refusal or None,
    }


urlpatterns = routes(
    "billingdates/preview", DateChangeViewSet, collection={"post": "preview"}, item={}
)
