"""Families on bills: pooled usage, lines by account, children's own plans and bills (PAR)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.bills import explain, runs
from billing.models import Account, Bill, Commitment, LineItem
from billing.rating.recompute import recompute
from billing.statements.content import BY_DAY, Lines
from catalog.models import Aggregation, Pricing
from organizations.kernel import principals
from organizations.models import OrganizationConfig
from tests import factories
from tests.billing.bills import charging, making, runners

pytestmark = pytest.mark.django_db
D = Decimal
# WX-29: cumulative, 1.00 up to 1,000 units, 0.50 beyond.
LADDER = ((0, 0, 1), (1000, 0, "0.5"))
USED = {"parent": 400, "a": 500, "b": 600}


class Household:
    """A parent and children by code, on a plan of the parent in one of the modes."""

    def __init__(self, mode="PARENT_BREAKDOWN", *, children=("a", "b"), **template):
        self.shop = making.Shop(**{"standing_charge": D(0), **template})
        prices = Pricing.objects.filter(pk=self.shop.pricing.pk)
        prices.update(bands=factories.bands(*LADDER), is_cumulative=True)
        self.accounts = {"parent": factories.make_account(self.shop.organization, code="parent")}
        self.plan_of_parent = factories.make_account_plan(
            self.accounts["parent"], self.shop.plan, child_billing_mode=mode
        )
        for code in children:
            self.accounts[code] = factories.make_account(
                self.shop.organization, code=code, parent_account=self.accounts["parent"]
            )

    def use(self, used=USED, at="2024-06-10"):
        for code, quantity in used.items():
            runners.use(self.accounts[code], self.shop.meter, at, quantity)

    def own_plan(self, code, mode="PARENT_BREAKDOWN", **fields):
        """Put a child on the same plan by itself."""
        return factories.make_account_plan(
            self.accounts[code], self.shop.plan, child_billing_mode=mode, **fields
        )

    def run(self, on="2024-06-15", **fields):
        return runners.run(self.shop.organization, on, **fields)


def bill_of(household, code):
    return Bill.objects.get(account=household.accounts[code], boundary_date=date(2024, 7, 1))


def lines_of(bill):
    """Return type, child's code, subtotal of the lines, each of which matches its calculation."""
    shown = []
    for line in bill.line_items.order_by("sequence_number"):
        assert recompute(line.calculation) == (line.subtotal, line.converted_subtotal)
        told = explain.explain(line)
        assert told.current.matches is True, (line.description, told.current.summary)
        assert told.sentence and told.steps
        shown.append((line.line_item_type, line.child_account_code, line.subtotal))
    assert bill.total == sum(line.converted_subtotal for line in bill.line_items.all())
    return sorted(shown, key=lambda one: (one[0], one[1] or "", one[2]))


def everything():
    """Return what is stored, for comparing two calculations."""
    return list(
        LineItem.objects.order_by("bill__account__code", "line_key").values_list(
            "bill__account__code", "line_key", "subtotal", "quantity", "units", "child_account_code"
        )
    )


def test_a_family_is_one_line_on_the_parents_bill():
    """WX-29, PARENT_SUMMARY: 1,000 x 1.00 + 500 x 0.50."""
    household = Household("PARENT_SUMMARY")
    household.use()

    household.run()

    bill = bill_of(household, "parent")
    assert lines_of(bill) == [("USAGE", None, D("1250.00"))]
    line = bill.line_items.get()
    assert (line.quantity, line.units, line.child_account_id) == (1500, 1500, None)
    assert Bill.objects.count() == 1


def test_a_family_is_told_apart_on_the_parents_bill():
    """WX-29, PARENT_BREAKDOWN: 1,250.00 in proportion to 400, 500 and 600 of 1,500 units."""
    household = Household("PARENT_BREAKDOWN")
    household.use()

    household.run()

    bill = bill_of(household, "parent")
    assert lines_of(bill) == [
        ("USAGE", None, D("333.33")), ("USAGE", "a", D("416.67")), ("USAGE", "b", D("500.00")),
    ]  # fmt: skip
    assert bill.total == D("1250.00")
    assert dict(bill.line_items.values_list("child_account_code", "units")) == {
        None: 400, "a": 500, "b": 600,
    }  # fmt: skip
    assert Bill.objects.count() == 1


def test_children_are_billed_their_shares():
    household = Household("CHILD")
    household.use()

    household.run()

    shown = {code: lines_of(bill_of(household, code)) for code in household.accounts}
    assert shown == {
        "parent": [("USAGE", None, D("333.33"))],
        "a": [("USAGE", None, D("416.67"))],
        "b": [("USAGE", None, D("500.00"))],
    }


def test_what_rounding_leaves_goes_to_who_used_most():
    """Three equal shares of 10.00: 3.33 each, and 0.01 to the first of equals, the parent."""
    household = Household("PARENT_BREAKDOWN")
    Pricing.objects.update(bands=factories.bands((0, 10, 0)))
    household.use({"parent": 1, "a": 1, "b": 1})

    household.run()

    assert lines_of(bill_of(household, "parent")) == [
        ("USAGE", None, D("3.34")), ("USAGE", "a", D("3.33")), ("USAGE", "b", D("3.33")),
    ]  # fmt: skip


def test_what_is_pooled_is_measured_of_all_together():
    """MAX: 5 of the parent, 9 of a child are 9 units, not 14; 9.00 by 5/14 and 9/14."""
    household = Household("PARENT_BREAKDOWN")
    Aggregation.objects.update(aggregation="MAX")
    household.use({"parent": 5, "a": 9})

    household.run()

    assert lines_of(bill_of(household, "parent")) == [
        ("USAGE", None, D("3.21")), ("USAGE", "a", D("5.79")),
    ]  # fmt: skip


def test_a_child_with_a_plan_of_its_own_is_rated_on_its_own():
    """PAR-3: 400 + 500 pooled at 1.00, told apart; 600 of b alone, with the child's name."""
    household = Household("PARENT_BREAKDOWN", standing_charge=D(20))
    household.own_plan("b")
    household.use()

    household.run()

    assert lines_of(bill_of(household, "parent")) == [
        ("STANDING_CHARGE", None, D(20)), ("STANDING_CHARGE", "b", D(20)),
        ("USAGE", None, D(400)), ("USAGE", "a", D(500)), ("USAGE", "b", D(600)),
    ]  # fmt: skip
    assert Bill.objects.count() == 1


def test_a_childs_own_plan_may_bill_the_child():
    household = Household("PARENT_SUMMARY")
    household.own_plan("b", "CHILD")
    household.use()

    household.run()

    assert lines_of(bill_of(household, "parent")) == [("USAGE", None, D(900))]
    assert lines_of(bill_of(household, "b")) == [("USAGE", None, D(600))]


def test_the_same_charge_of_children_is_one_line():
    """PAR-7: 500 and 600 units rated apart at 1.00, merged; the parent's own stays apart."""
    household = Household("PARENT_SUMMARY")
    household.own_plan("a", "PARENT_SUMMARY")
    household.own_plan("b", "PARENT_SUMMARY")
    household.use()

    household.run()

    bill = bill_of(household, "parent")
    assert lines_of(bill) == [("USAGE", None, D(400)), ("USAGE", None, D(1100))]
    assert bill.line_items.get(subtotal=1100).units == 1100


def test_usage_is_pooled_until_a_child_has_a_plan_of_its_own():
    household = Household("PARENT_SUMMARY")
    household.own_plan("a", start_date=datetime(2024, 6, 15, tzinfo=UTC))
    household.use({"parent": 100, "a": 30}, at="2024-06-10")
    household.use({"parent": 100, "a": 70}, at="2024-06-20")

    household.run()

    assert lines_of(bill_of(household, "parent")) == [
        ("USAGE", None, D(230)), ("USAGE", "a", D(70)),
    ]  # fmt: skip


def test_standing_charge_and_minimum_are_the_parents_whoever_is_billed():
    """PAR-6: the block of 1,250.00 counts toward the minimum of 1,500."""
    household = Household("CHILD", standing_charge=D(20), minimum_spend=D(1500))
    household.use()

    household.run()

    assert lines_of(bill_of(household, "parent")) == [
        ("MINIMUM_SPEND", None, D(250)), ("STANDING_CHARGE", None, D(20)),
        ("USAGE", None, D("333.33")),
    ]  # fmt: skip
    assert lines_of(bill_of(household, "a")) == [("USAGE", None, D("416.67"))]


def test_a_parents_prepayment_pays_for_childrens_bills_where_it_says_so():
    """PAR-9: 800 pay 333.33 of the parent, 416.67 of a, and the last 50.00 of b."""
    household = Household("CHILD")
    household.use()
    charging.commitment(household.accounts["parent"], 800, child_billing_mode="CHILD")

    for _again in range(2):
        household.run()
        drawn = {
            code: [amount for kind, _, amount in lines_of(bill_of(household, code))
                   if kind == "COMMITMENT_CONSUMED"]
            for code in household.accounts
        }  # fmt: skip
        assert drawn == {"parent": [D("-333.33")], "a": [D("-416.67")], "b": [D("-50.00")]}
        assert Commitment.objects.get().amount_spent == 800


def test_a_parents_prepayment_pays_for_lines_of_children_on_its_bill():
    household = Household("PARENT_BREAKDOWN")
    household.use()
    charging.commitment(household.accounts["parent"], 800)

    household.run()

    bill = bill_of(household, "parent")
    assert bill.total == D("450.00")
    assert ("COMMITMENT_CONSUMED", None, D("-800.00")) in lines_of(bill)


def test_a_job_that_names_a_child_bills_the_family():
    """PAR-10."""
    household = Household("CHILD")
    household.use()

    job = household.run(account_ids=[household.accounts["a"].pk])

    assert (job.total, Bill.objects.count()) == (3, 3)
    assert Bill.objects.get(account__code="b").total == D("500.00")


def test_recalculating_a_childs_bill_recalculates_the_family():
    household = Household("CHILD")
    household.use()
    household.run()
    household.use({"b": 1500})
    by = principals.system(household.shop.organization.pk)

    job = runs.recalculate(
        household.shop.organization, [bill_of(household, "a").pk],
        by=by, at=runners.instant("2024-09-01"),
    )  # fmt: skip
    runners.work_off(job)

    # 1,000 x 1.00 + 2,000 x 0.50 = 2,000.00 for 3,000 units
    totals = {code: bill_of(household, code).total for code in household.accounts}
    assert totals == {"parent": D("266.67"), "a": D("333.33"), "b": D("1400.00")}


@pytest.mark.parametrize("mode", ["PARENT_SUMMARY", "PARENT_BREAKDOWN", "CHILD"])
def test_calculated_twice_is_the_same(mode):
    household = Household(mode, standing_charge=D(20), minimum_spend=D(1500))
    household.own_plan("b", mode)
    household.use()
    household.run()
    first = everything()

    household.run()

    assert everything() == first


def test_a_change_of_mode_moves_lines_and_leaves_none_behind():
    household = Household("CHILD")
    household.use()
    household.run()
    household.plan_of_parent.child_billing_mode = "PARENT_BREAKDOWN"
    household.plan_of_parent.save()

    household.run()

    assert bill_of(household, "parent").total == D("1250.00")
    assert sum(Bill.objects.values_list("total", flat=True)) == D("1250.00")


def test_a_childs_line_is_converted_into_the_parents_currency():
    """PAR-8: the plan is in dollars, the parent is billed in euro at 0.5."""
    household = Household("PARENT_BREAKDOWN")
    organization = household.shop.organization
    factories.make_currency(organization, code="EUR")
    Account.objects.filter(code="parent").update(currency="EUR")
    OrganizationConfig.objects.filter(organization=organization).update(
        currency_conversions=[{"from": "USD", "to": "EUR", "multiplier": D("0.5")}]
    )
    household.own_plan("b")
    household.use({"b": 600})

    household.run()

    line = bill_of(household, "parent").line_items.get(child_account_code="b")
    assert (line.subtotal, line.converted_subtotal, line.currency) == (600, 300, "USD")


def test_an_account_without_relatives_is_not_touched_by_families():
    household = Household("CHILD")
    alone = household.shop.account(code="alone")
    runners.use(alone, household.shop.meter, "2024-06-10", 7)
    household.use()

    household.run()

    assert Bill.objects.get(account=alone).total == 7


@pytest.mark.parametrize("mode", ["PARENT_SUMMARY", "PARENT_BREAKDOWN", "CHILD"])
def test_statements_of_a_family_add_up_without_adjustment(mode):
    household = Household(mode)
    household.own_plan("b", mode)
    household.use({**USED, "a": 500})
    household.run()
    wanted = {line.pk: line.quantity for line in LineItem.objects.all()}

    shown, kinds = {}, set()
    for bill in Bill.objects.all():
        content = Lines(bill, BY_DAY, bill.line_items.all())
        for line in content:
            rows = list(content.usage(line))
            shown[line.pk] = sum(row.quantity for row in rows)
            kinds |= {row.kind for row in rows}

    assert shown == wanted and sum(wanted.values()) == 1500
    assert kinds == {"SLICE"}
