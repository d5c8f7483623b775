"""Whatever arrives and is locked whenever: usage is what was billed plus what is listed."""

from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.bills import lifecycle
from billing.late import deciding, law
from billing.models import Bill, LateUsage, LateUsageCheck, LateUsageStatus, LineItem
from organizations.kernel import principals
from tests.billing.bills import runners
from tests.billing.bills.arriving import Late

pytestmark = pytest.mark.django_db

MONTHS = {"2024-04": "2024-04-30", "2024-05": "2024-05-31", "2024-06": "2024-06-30"}
STEP = st.one_of(
    st.tuples(st.just("arrives"), st.sampled_from(sorted(MONTHS)), st.integers(-90, 250)),
    st.tuples(st.sampled_from(["run", "lock"]), st.sampled_from(sorted(MONTHS)), st.just(0)),
    st.tuples(
        st.sampled_from(["check", "accept", "ignore", "delete"]), st.just("2024-04"), st.just(0)
    ),
)


def do(late: Late, step: tuple[str, str, int]) -> None:
    what, month, quantity = step
    by = principals.system(late.organization.pk)
    waiting = LateUsage.objects.filter(charged_on=None).values_list("pk", flat=True)
    match what:
        case "arrives":
            late.arrives(quantity, f"{month}-15")
        case "run":
            runners.run(late.organization, MONTHS[month])
        case "lock":
            bills = Bill.objects.filter(start_date=f"{month}-01")
            bills.update(status="APPROVED", is_locked=True)
        case "check":
            late.check()
        case "accept":
            deciding.accept(list(waiting), by=by)
        case "ignore":
            deciding.ignore(list(waiting), by=by)
        case "delete":
            for bill in Bill.objects.filter(is_locked=False):
                lifecycle.delete(bill, by=by)


def used(late: Late, bill: Bill) -> Decimal:
    """Everything stored for the bill's time, asked of the table itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum((fields ->> %s)::numeric), 0) FROM billing_measurement"
            " WHERE account_id = %s AND ts >= %s AND ts < %s",
            [late.shop.meter.data_fields[0]["code"], bill.account_id, bill.start_at, bill.end_at],
        )
        return cursor.fetchone()[0]


def total(rows, field: str) -> Decimal:
    return rows.aggregate(total=Sum(field))["total"] or Decimal(0)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(rule=st.sampled_from(["", "NEXT_BILL", "IGNORE"]), steps=st.lists(STEP, max_size=12))
def test_usage_is_billed_or_listed_always(rule, steps):
    with transaction.atomic():
        late = Late(rule)
        for step in steps:
            do(late, step)
        late.check()

        for bill in Bill.objects.filter(is_locked=True):
            rows = LateUsage.objects.filter(bill=bill)
            billed = bill.line_items.filter(line_item_type="USAGE")
            assert used(late, bill) == total(billed, "quantity") + total(rows, "quantity")
            # 0.10 a unit, one price: what is listed is worth its units.
            assert total(rows, "amount") == total(rows, "units") / 10
        assert law.compare(late.organization.pk) == 0
        assert LateUsageCheck.objects.get().lines_checked >= 1
        check_charged_once()
        transaction.set_rollback(True)


def check_charged_once() -> None:
    """Each row that names a bill stands there with its amount, and nothing else stands anywhere."""
    lines = LineItem.objects.filter(description__startswith="Late usage")
    charged = LateUsage.objects.exclude(charged_on=None)
    on_bills = sorted(lines.values_list("bill_id", "subtotal"))
    assert on_bills == sorted(charged.values_list("charged_on_id", "amount"))
    assert not charged.exclude(status=LateUsageStatus.ACCEPTED).exists()


def test_a_charge_that_does_not_add_up_is_counted():
    late = Late()
    late.arrives(50)  # and nobody has looked

    assert law.compare(late.organization.pk) == 1

    late.check()
    assert law.compare(late.organization.pk) == 0
    state = LateUsageCheck.objects.get()
    assert (state.lines_checked, state.lines_off) == (1, 0)
