"""What marketplaces were told of bills, over the API (A10)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, Q, QuerySet
from rest_framework import serializers

from billing.models import Bill
from integrations.models import MarketplaceReport
from integrations.runs import reporting
from organizations.kernel import ids
from organizations.kernel.api.filters import Filter, dated, related, word
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused
from organizations.kernel.representing import text

BILL = "billing:bill"
LONGEST = 50


def bill_id(name: str, given: str) -> Any:
    """Read the id of a bill: of at most 50 characters; one that is no id finds nothing."""
    if len(given) > LONGEST:
        raise FieldRefused(name, f"must have at most {LONGEST} characters")
    return ids.parse(given) or ids.new_id()


def system(name: str, given: str) -> str:
    """Read a system, however it is spelled."""
    return reporting.word(word(name, given))


class UsageReportSerializer(serializers.Serializer):
    """What a marketplace was told of a bill: quantities by dimension and hour."""

    accountId = serializers.CharField()
    billId = serializers.CharField()
    externalSystem = serializers.CharField()
    reportedUsage = serializers.DictField(
        child=serializers.DictField(child=serializers.FloatField())
    )


class UsageReportViewSet(TenantViewSet):
    """What marketplaces were told; seen are the reports of bills that may be seen."""

    queryset = MarketplaceReport.objects.all()
    serializer_class = UsageReportSerializer
    page_size_limit = 50
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "list": ("marketplaceusage:retrieve", BILL),
    }
    filters: ClassVar[dict[str, Filter]] = {
        "billStartDate": dated("bill_start_date"),
        "accountId": related("account_id"),
        "externalSystem": Filter("external_system", system),
        "billId": Filter("bill_id", bill_id),
    }

    def get_queryset(self) -> QuerySet:
        """Leave out the reports of bills the caller may not see."""
        rows = MarketplaceReport.objects.for_organization(self.organization_id)
        if self.rights.is_unbounded:
            return rows
        bills = Bill.objects.for_organization(self.organization_id)
        seen = self.rights.visible(bills, "marketplaceusage:retrieve", BILL)
        seen = self.rights.not_denied(seen, "config:retrieve", BILL)
        shown = Q(bill_id__in=seen.values("pk"))
        if self.rights.allows_all("marketplaceusage:retrieve", BILL):
            # What was metered for a bill that is gone is hidden from nobody who may see all.
            shown |= ~Exists(bills.filter(pk=OuterRef("bill_id")))
        return rows.filter(shown)

    def represent_many(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Return how the rows of a page look."""
        return [_told(row) for row in rows]


def _told(row: MarketplaceReport) -> dict[str, Any]:
    return {
        "accountId": text(row.account_id) or "",
        "billId": str(row.bill_id),
        "externalSystem": row.external_system,
        "reportedUsage": row.reported_usage,
    }


urlpatterns = routes(
    "integrationdestinations/marketplace/usageReport",
    UsageReportViewSet,
    collection={"get": "list"},
    item={},
)
