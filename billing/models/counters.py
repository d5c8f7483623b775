"""The number of units an account holds of a counter, from one day on."""

from django.db import models
from django.db.models import Q

from billing.models.accounts import Account
from catalog.models import Counter
from organizations.kernel.tenancy import TenantModel, newest_first_index


class CounterAdjustment(TenantModel):
    """The new value of a counter for an account from a day on: absolute, no delta (CTR-3)."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="counter_adjustments"
    )
    counter = models.ForeignKey(Counter, on_delete=models.PROTECT, related_name="adjustments")
    date = models.DateField(help_text="The value holds from this day on.")
    value = models.IntegerField(help_text="The new number of units, not the difference.")
    purchase_order_number = models.CharField(max_length=100, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "counter", "date"], name="counter_adjustment_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(value__gte=0), name="counter_adjustment_value_not_negative"
            ),
        ]
        indexes = [
            newest_first_index("counter_adjustment_newest"),
            models.Index(fields=["counter", "date"], name="counter_adjustment_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.counter_id} of {self.account_id}: {self.value} from {self.date}"
