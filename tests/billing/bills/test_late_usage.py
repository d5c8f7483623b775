"""Usage that arrives for a locked bill: listed with its worth, and charged once or not at all."""

from decimal import Decimal

import pytest

from billing import tasks
from billing.bills import lifecycle
from billing.bills.late_charges import LateUsageStands
from billing.late import listing
from billing.models import (
    Bill,
    LateUsage,
    LateUsageCheck,
    LateUsageRule,
    LineItem,
)
from billing.rating import recompute
from billing.usage.store import arrivals
from organizations.kernel import clock, principals
from tests import factories
from tests.billing.bills import charging, runners
from tests.billing.bills.arriving import Late, arrive
from tests.billing.bills.test_families import Household

pytestmark = pytest.mark.django_db


def rows() -> list[tuple[str, Decimal, Decimal]]:
    found = LateUsage.objects.order_by("usage_key", "number")
    return [(row.status, row.units, row.amount) for row in found]


def test_late_usage_of_a_locked_bill_is_listed_with_what_it_would_have_made():
    late = Late()
    late.arrives(50)

    late.check()

    # 50 x 0.10.
    (row,) = LateUsage.objects.all()
    assert (row.status, row.quantity, row.units, row.amount) == ("OPEN", 50, 50, 5)
    assert (row.account_id, row.bill_id, row.currency) == (late.account.pk, late.april.pk, "USD")
    assert (row.meter_id, row.aggregation_id) == (late.shop.meter.pk, late.shop.aggregation.pk)
    assert row.product_name == "Storage"
    assert row.service_period_start == late.april.start_at
    assert row.line_item_id == late.april.line_items.get().pk


def test_usage_of_a_bill_that_is_not_locked_is_not_late():
    late = Late()
    late.bill("2024-05-31")
    late.arrives(50, "2024-05-10")

    late.check()

    assert rows() == []


def test_nothing_is_looked_at_where_nothing_arrived():
    late = Late()

    assert late.check() == 0
    assert rows() == []


def test_usage_that_arrived_between_calculation_and_lock_is_late_too():
    late = Late()
    runners.run(late.organization, "2024-05-31")
    late.arrives(10, "2024-05-10")
    late.check()
    assert rows() == []
    Bill.objects.update(status="APPROVED", is_locked=True)

    late.check()

    assert rows() == [("OPEN", 10, 1)]


def test_an_account_without_usage_on_the_locked_bill_is_listed():
    late = Late(standing_charge=Decimal(20))
    runners.run(late.organization, "2024-05-31")
    Bill.objects.update(status="APPROVED", is_locked=True)
    late.arrives(30, "2024-05-10")

    late.check()

    (row,) = LateUsage.objects.all()
    assert (row.units, row.amount, row.line_item_id) == (30, 3, None)


def test_more_that_arrives_is_added_to_what_nobody_decided():
    late = Late()
    late.arrives(50)
    late.check()
    late.arrives(20)

    late.check()

    assert rows() == [("OPEN", 70, 7)]


def test_usage_that_is_taken_back_leaves_nothing_on_the_list():
    late = Late()
    late.arrives(50)
    late.check()
    late.arrives(-50)

    late.check()

    assert rows() == []


def test_a_correction_downward_is_a_credit_on_the_next_bill():
    late = Late("NEXT_BILL")
    late.arrives(-100)
    late.check()
    late.arrives(40, "2024-05-10")

    may = late.bill("2024-05-31")

    assert rows() == [("ACCEPTED", -100, -10)]
    assert runners.shown(may) == [("USAGE", 4), ("AD_HOC", -10)]
    assert may.total == -6


def test_an_organization_that_ignores_late_usage_lists_it_and_charges_nothing():
    late = Late("IGNORE")
    late.arrives(50)
    late.check()
    late.arrives(1, "2024-05-10")

    may = late.bill("2024-05-31")

    assert rows() == [("IGNORED", 50, 5)]
    assert may.total == Decimal("0.1")


def test_a_rule_of_the_product_goes_before_that_of_the_organization():
    late = Late("IGNORE")
    product = late.shop.plan.plan_template.product
    LateUsageRule.objects.create(
        organization=late.organization, product=product, action="NEXT_BILL"
    )
    late.arrives(50)

    late.check()

    assert rows() == [("ACCEPTED", 50, 5)]


def test_the_next_bill_carries_it_with_its_original_service_period():
    late = Late("NEXT_BILL")
    late.arrives(50)
    late.check()

    may = late.bill("2024-05-31")

    (line,) = may.line_items.all()
    assert (line.line_item_type, line.subtotal, line.units) == ("AD_HOC", 5, 50)
    assert (line.service_period_start, line.service_period_end) == (
        late.april.start_at, late.april.end_at,
    )  # fmt: skip
    assert line.description.startswith("Late usage: ")
    assert line.referenced_bill_id == late.april.pk
    assert line.product_name == "Storage"
    assert recompute.recompute(line.calculation) == (5, 5)
    assert "arrived after the bill that ended on 2024-04-30" in (
        recompute.explain_record(line.calculation).sentence
    )
    assert LateUsage.objects.get().charged_on_id == may.pk
    late.april.refresh_from_db()
    assert late.april.total == 60


def test_it_is_charged_once_whatever_is_run_again():
    late = Late("NEXT_BILL")
    late.arrives(50)
    late.check()
    late.bill("2024-05-31")

    late.check()
    late.bill("2024-05-31")
    june = late.bill("2024-06-30")
    late.check()

    assert LineItem.objects.filter(description__startswith="Late usage").count() == 1
    assert rows() == [("ACCEPTED", 50, 5)]
    assert june.boundary_date.isoformat() == "2024-07-01"
    assert june.total == 0


def test_what_arrives_after_it_was_charged_is_a_row_of_its_own():
    late = Late("NEXT_BILL")
    late.arrives(50)
    late.check()
    late.bill("2024-05-31")
    late.arrives(7)

    late.check()
    may = late.bill("2024-05-31")

    assert rows() == [("ACCEPTED", 50, 5), ("ACCEPTED", 7, Decimal("0.7"))]
    assert may.total == Decimal("5.7")


def test_a_next_bill_that_is_deleted_gives_it_back():
    late = Late("NEXT_BILL")
    late.arrives(50)
    late.check()
    may = late.bill("2024-05-31")

    lifecycle.delete(may, by=principals.system(late.organization.pk))

    assert LateUsage.objects.get().charged_on_id is None
    assert late.bill("2024-05-31").total == 5


def test_a_minimum_spend_gives_up_what_the_usage_brings():
    # Minimum 80: 60 of usage and 20 on top; 30 more of usage leave 10 above the minimum.
    late = Late("NEXT_BILL", minimum_spend=Decimal(80))
    assert late.april.total == 80
    late.arrives(300)

    late.check()

    (row,) = LateUsage.objects.all()
    assert (row.units, row.amount, row.minimum_amount) == (300, 10, -20)


def test_a_price_that_changed_since_is_asked_about():
    late = Late("NEXT_BILL")
    late.shop.pricing.bands = factories.bands((0, 0, "0.20"))
    late.shop.pricing.save()
    late.arrives(50)

    late.check()

    (row,) = LateUsage.objects.all()
    # 650 x 0.20 - 60.
    assert (row.status, row.amount) == ("OPEN", 70)
    assert row.note.startswith("Prices or plans changed")


def test_a_price_that_changed_without_late_usage_is_no_matter_of_the_list():
    late = Late()
    late.shop.pricing.bands = factories.bands((0, 0, "0.20"))
    late.shop.pricing.save()
    late.arrives(0)

    late.check()

    assert rows() == []


def test_a_bill_freed_by_the_lock_date_takes_what_was_open_off_the_list():
    late = Late()
    late.arrives(50)
    late.check()
    Bill.objects.update(is_locked=False)

    late.check()

    assert rows() == []


def test_the_list_of_one_organization_holds_nothing_of_another():
    late, other = Late(), Late()
    other.arrives(50)

    late.check()

    assert rows() == []
    assert LateUsageCheck.objects.get(organization=late.organization).checked_until


def test_a_prepayment_pays_for_late_usage_of_its_time():
    late = Late("NEXT_BILL")
    row = charging.commitment(late.account, 100)
    late.arrives(50)
    late.check()

    may = late.bill("2024-05-31")

    assert ("AD_HOC", 5) in runners.shown(may)
    assert ("COMMITMENT_CONSUMED", -5) in runners.shown(may)
    row.refresh_from_db()
    assert row.amount_spent == 5


def test_a_freed_bill_that_is_deleted_takes_its_list_along():
    late = Late()
    late.arrives(50)
    late.check()
    Bill.objects.update(is_locked=False)

    lifecycle.delete(late.april, by=principals.system(late.organization.pk))

    assert rows() == []
    assert not Bill.objects.exists()


def test_a_freed_bill_stays_while_a_later_one_charges_its_late_usage():
    late = Late("NEXT_BILL")
    late.arrives(50)
    late.check()
    late.bill("2024-05-31")
    Bill.objects.update(is_locked=False)

    with pytest.raises(LateUsageStands):
        lifecycle.delete(late.april, by=principals.system(late.organization.pk))

    assert Bill.objects.filter(pk=late.april.pk).exists()


def test_a_freed_bill_that_took_the_usage_itself_makes_the_charge_a_credit():
    late = Late("NEXT_BILL")
    late.arrives(50)
    late.check()
    late.bill("2024-05-31")
    Bill.objects.filter(boundary_date="2024-05-01").update(is_locked=False)
    runners.run(late.organization, "2024-04-30")
    late.april.refresh_from_db()
    assert late.april.total == 65
    Bill.objects.filter(pk=late.april.pk).update(status="APPROVED", is_locked=True)

    late.check()

    assert rows() == [("ACCEPTED", 50, 5), ("ACCEPTED", -50, -5)]


def test_a_look_is_one_query_before_anything_is_rated(django_assert_num_queries):
    late = Late()
    late.arrives(50)

    with django_assert_num_queries(1):
        found = arrivals.bills_with_late_usage(late.organization.pk, clock.now())

    assert found == [late.april.pk]


def test_late_usage_of_a_child_is_listed_with_the_shares_it_changes():
    # 1.00 up to 1,000 units, 0.50 beyond: 1,500 units make 1,250, 300 more make 1,400.
    household = Household("PARENT_BREAKDOWN")
    household.use()
    household.run()
    Bill.objects.update(status="APPROVED", is_locked=True)
    arrive(household.accounts["a"], household.shop.meter, "2024-06-20", 300)

    listing.check(household.shop.organization.pk)

    found = LateUsage.objects.all()
    # Parent 400, a 800, b 600 of 1,800 units share 1,400: 311.11, 622.22, 466.67.
    assert sorted((row.units, row.amount) for row in found) == [
        (0, Decimal("-33.33")), (0, Decimal("-22.22")), (300, Decimal("205.55")),
    ]  # fmt: skip
    assert sum(row.amount for row in found) == 150


def test_the_tasks_look_and_compare():
    late = Late()
    late.arrives(50)
    about = {"organization_id": str(late.organization.pk)}

    tasks.check_late_usage(**about)
    tasks.compare_late_usage(**about)

    assert rows() == [("OPEN", 50, 5)]
    state = LateUsageCheck.objects.get()
    assert (state.lines_checked, state.lines_off) == (1, 0)
    assert listing.organizations() == [late.organization.pk]
