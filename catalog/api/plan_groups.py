"""Plan groups and their links over the API."""

from typing import ClassVar

from catalog.models import PlanGroup, PlanGroupLink
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, id_list, related
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes


class PlanGroupSerializer(TenantSerializer):
    """A plan group."""

    standing_charge = fields.DecimalField(min_value=0, required=False, allow_null=True)
    minimum_spend = fields.DecimalField(min_value=0, required=False, allow_null=True)

    class Meta:
        model = PlanGroup
        fields = [
            "name", "code", "currency", "account", "standing_charge",
            "standing_charge_description", "standing_charge_bill_in_advance",
            "standing_charge_accounting_product", "minimum_spend", "minimum_spend_description",
            "minimum_spend_bill_in_advance", "minimum_spend_accounting_product", "custom_fields",
        ]  # fmt: skip


class PlanGroupLinkSerializer(TenantSerializer):
    """One plan in one plan group."""

    class Meta:
        model = PlanGroupLink
        fields = ["plan_group", "plan"]


class PlanGroupViewSet(TenantViewSet):
    """Plan groups."""

    queryset = PlanGroup.objects.all()
    serializer_class = PlanGroupSerializer
    page_size_limit = 200
    filters: ClassVar[dict[str, Filter]] = {"ids": id_list(), "accountId": id_list("account_id")}


class PlanGroupLinkViewSet(TenantViewSet):
    """Plan group links."""

    queryset = PlanGroupLink.objects.all()
    serializer_class = PlanGroupLinkSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "planGroup": related("plan_group_id"),
        "plan": related("plan_id"),
    }


urlpatterns = [
    *routes("plangroups", PlanGroupViewSet),
    *routes("plangrouplinks", PlanGroupLinkViewSet),
]
