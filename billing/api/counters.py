"""Counter adjustments over the API."""

from typing import Any, ClassVar

from django.db.models import OuterRef, Q, Subquery

from billing.models import CounterAdjustment
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, dated, related
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused, check_each

LARGEST = 2**31 - 1
NEED_ACCOUNT = ("date", "dateStart", "dateEnd")


class CounterAdjustmentSerializer(TenantSerializer):
    """The value of a counter for an account from a day on."""

    value = fields.WholeField(min_value=0, max_value=LARGEST)

    class Meta:
        model = CounterAdjustment
        fields = ["account", "counter", "date", "value", "purchase_order_number"]


class CounterAdjustmentViewSet(TenantViewSet):
    """Counter adjustments of one counter, which every list names (CTR-13).

    Starts and ends of a range are days: the start belongs to it, the end does not. An adjustment
    ends on the day of the next one of its account and counter; the latest has no end.
    """

    queryset = CounterAdjustment.objects.all()
    serializer_class = CounterAdjustmentSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "counterId": related("counter_id"),
        "accountId": related("account_id"),
        "date": dated("date"),
        "dateStart": dated("date__gte"),
        "dateEnd": dated("date__lt"),
        "endDateStart": dated(None),
        "endDateEnd": dated(None),
        "sortOrder": Filter(None, choices=("ASC", "DESC", "asc", "desc")),
    }

    def narrow(self, rows: Any) -> Any:
        """Refuse filters that need another one; apply those about the end, and the order."""
        check_each(self._check_counter, self._check_account)
        order = self.asked.get("sortOrder")
        if order:
            self.page_order = ("date", "id") if order.lower() == "asc" else ("-date", "-id")
        starts, ends = self.asked.get("endDateStart"), self.asked.get("endDateEnd")
        if starts is None and ends is None:
            return rows
        following = CounterAdjustment.objects.filter(
            account_id=OuterRef("account_id"),
            counter_id=OuterRef("counter_id"),
            date__gt=OuterRef("date"),
        ).order_by("date")
        rows = rows.annotate(ends_on=Subquery(following.values("date")[:1]))
        if starts is not None:
            rows = rows.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=starts))
        return rows if ends is None else rows.filter(ends_on__lt=ends)

    def _check_counter(self) -> None:
        if "counterId" not in self.asked:
            raise FieldRefused("counterId", "is needed to list counter adjustments")

    def _check_account(self) -> None:
        for name in NEED_ACCOUNT:
            if name in self.asked and "accountId" not in self.asked:
                raise FieldRefused(name, "works only together with accountId")


urlpatterns = routes("counteradjustments", CounterAdjustmentViewSet)
