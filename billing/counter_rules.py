"""Rules of counter adjustments (CTR-3)."""

from billing.models import CounterAdjustment
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused

LARGEST = 2**31 - 1


def check_counter_adjustment(adjustment: CounterAdjustment) -> None:
    """Refuse a value out of bounds, and a second adjustment of a counter on one day."""
    locking.current(adjustment.account)
    locking.current(adjustment.counter)
    if not 0 <= adjustment.value <= LARGEST:
        raise FieldRefused("value", f"must be an integer from 0 to {LARGEST}")
    others = CounterAdjustment.objects.filter(
        account_id=adjustment.account_id, counter_id=adjustment.counter_id, date=adjustment.date
    )
    other = others.exclude(pk=adjustment.pk).first()
    if other is not None:
        raise FieldRefused(
            "date",
            f"the account already has an adjustment of this counter on {other.date:%Y-%m-%d}, "
            f"to {other.value}",
        )
