"""What contracts change on bills (CON-2 to CON-7)."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.models import AccountPlan, Bill, Contract
from billing.usage import store
from organizations.kernel import ids
from organizations.models import BillGroupingKey
from tests import factories
from tests.billing.bills import charging, making, runners

pytestmark = pytest.mark.django_db


def contract(account, **fields):
    values = {"name": "Contract", "start_date": date(2024, 1, 1), "end_date": date(2025, 1, 1)}
    return Contract.objects.create(
        organization=account.organization, account=account, **values | fields
    )


def key(account, *, exclusive=True):
    return BillGroupingKey.objects.create(
        organization=account.organization, name="Key", code=f"key{factories.number()}",
        is_exclusive=exclusive,
    )  # fmt: skip


def under(account, contract, amount):
    """Attach a plan with a standing charge of its own product."""
    template = factories.make_plan_template(
        factories.make_product(account.organization), standing_charge=Decimal(amount)
    )
    return factories.make_account_plan(account, factories.make_plan(template), contract=contract)


def bills(account):
    return {
        bill.grouping: [float(amount) for _, amount in runners.shown(bill)]
        for bill in Bill.objects.filter(account=account)
    }


def test_contracts_with_exclusive_keys_have_bills_of_their_own_and_the_rest_has_one_too():
    """WX-30: 120, 75, and 30 outside of any contract."""
    organization = factories.make_organization()
    account = factories.make_account(organization, purchase_order_number="A-1")
    one, two = key(account), key(account)
    first = contract(account, bill_grouping_key=one, purchase_order_number="C-7")
    second = contract(account, bill_grouping_key=two)
    under(account, first, 120)
    under(account, second, 75)
    charging.charge(account, 30, "2024-07-01")

    runners.run(organization, "2024-06-30")

    assert bills(account) == {f"key:{one.pk}": [120], f"key:{two.pk}": [75], "": [30]}
    rows = {bill.grouping: bill for bill in Bill.objects.all()}
    assert rows[f"key:{one.pk}"].purchase_order_number == "C-7"
    assert rows[f"key:{two.pk}"].purchase_order_number == "A-1"
    assert rows[f"key:{one.pk}"].line_items.get().contract_id == first.pk
    assert {bill.bill_date for bill in rows.values()} == {date(2024, 7, 1)}


def test_contracts_that_share_a_key_share_a_bill_and_one_without_changes_nothing():
    organization = factories.make_organization()
    account = factories.make_account(organization)
    shared = key(account, exclusive=False)
    for amount in (10, 20):
        under(account, contract(account, bill_grouping_key=shared), amount)
    label = contract(account)
    under(account, label, 40)
    under(account, None, 80)

    runners.run(organization, "2024-06-30")

    found = bills(account)
    assert {name: sorted(amounts) for name, amounts in found.items()} == {
        f"key:{shared.pk}": [10, 20], "": [40, 80]
    }  # fmt: skip


def test_only_charges_inside_a_contract_with_limits_are_billed_under_it():
    organization = factories.make_organization()
    account = factories.make_account(organization)
    row = contract(account, start_date=date(2024, 6, 11), end_date=date(2024, 7, 11))
    under(account, row, 30)

    runners.run(organization, "2024-06-30")
    assert bills(account) == {"": [30]}  # the account plan decides

    Contract.objects.filter(pk=row.pk).update(apply_contract_period_limits=True)
    runners.run(organization, "2024-06-30")
    runners.run(organization, "2024-05-31")
    assert bills(account) == {"": [20]}  # 20 of 30 days


def test_usage_is_charged_only_where_it_passes_the_filters_of_the_contract():
    shop = making.Shop(standing_charge=Decimal(0))
    meter = factories.make_meter(
        shop.organization,
        data_fields=[
            {"category": "MEASURE", "code": "amount", "name": "Amount", "unit": "x"},
            {"category": "WHERE", "code": "region", "name": "Region", "unit": None},
            {"category": "WHO", "code": "team", "name": "Team", "unit": None},
        ],
    )
    template = factories.make_plan_template(
        factories.make_product(shop.organization), standing_charge=Decimal(0)
    )
    plan = factories.make_plan(template)
    aggregation = factories.make_aggregation(meter, target_field="amount")
    pricing = factories.make_pricing(plan, aggregation)
    type(pricing).objects.filter(pk=pricing.pk).update(bands=factories.bands((0, 0, 1)))
    account = factories.make_account(shop.organization)
    row = contract(
        account,
        usage_filters=[
            {"dimensionCode": "region", "mode": "INCLUDE", "value": "eu"},
            {"dimensionCode": "region", "mode": "INCLUDE", "value": "us"},
            {"dimensionCode": "team", "mode": "EXCLUDE", "value": "test"},
        ],
    )
    factories.make_account_plan(account, plan, contract=row)
    at = datetime(2024, 6, 10, tzinfo=UTC)
    store.append(
        shop.organization.pk,
        [
            store.Measurement(account.pk, meter.pk, at, None, str(ids.new_id()), fields)
            for fields in (
                {"amount": Decimal(1), "region": "eu", "team": "a"},
                {"amount": Decimal(2), "region": "us"},
                {"amount": Decimal(4), "region": "asia", "team": "a"},
                {"amount": Decimal(8), "team": "a"},
                {"amount": Decimal(16), "region": "eu", "team": "test"},
            )
        ],
        at=at,
    )

    runners.run(shop.organization, "2024-06-30")

    # 1 of the EU and 2 of the US, which has no team.
    assert bills(account) == {"": [3]}


def test_a_commitment_of_a_contract_pays_only_for_its_plans():
    organization = factories.make_organization()
    account = factories.make_account(organization)
    one = contract(account)
    under(account, one, 10)
    under(account, contract(account), 20)
    under(account, None, 40)
    commitment = charging.commitment(account, 100, contract=one)

    runners.run(organization, "2024-06-30")

    line = Bill.objects.get().line_items.get(commitment_id=commitment.pk)
    assert (line.subtotal, line.contract_id) == (-10, one.pk)


def test_a_plan_that_gets_a_contract_with_a_key_moves_to_its_bill():
    organization = factories.make_organization(suppressed_empty_bills=True)
    account = factories.make_account(organization)
    attached = under(account, None, 10)
    runners.run(organization, "2024-06-30")
    row = contract(account, bill_grouping_key=key(account))
    AccountPlan.objects.filter(pk=attached.pk).update(contract=row)

    runners.run(organization, "2024-06-30")

    assert bills(account) == {f"key:{row.bill_grouping_key_id}": [10]}
