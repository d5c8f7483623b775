"""What changed since the last bill: causes with exact amounts that add up to the difference."""

from decimal import Decimal
from typing import Any

import pytest

from billing.bills import what_changed
from billing.models import Account as AccountRow
from billing.models import AccountPlan, Bill
from billing.rating.since_last import Account, Cause, Effect
from catalog.models import PlanTemplate, Pricing
from organizations import grants
from organizations.models import OrganizationConfig, PermissionPolicy
from tests import factories
from tests.billing.bills import runners
from tests.clients import ApiClient

pytestmark = pytest.mark.django_db


def two_months(organization: Any, *, used: tuple[int, int], standing: str | None = None) -> Any:
    """An account whose tokens cost 0.10, and 0.05 above 1,000, billed for June and July 2024."""
    account = factories.make_account(organization)
    meter = factories.make_meter(organization)
    product = factories.make_product(organization)
    template = factories.make_plan_template(
        product, **({"standing_charge": Decimal(standing)} if standing else {})
    )
    plan = factories.make_plan(template)
    pricing = factories.make_pricing(
        plan,
        factories.make_aggregation(meter),
        bands=factories.bands((0, 0, "0.10"), (1000, 0, "0.05")),
    )
    factories.make_account_plan(account, plan)
    for day, quantity in zip(("2024-06-20", "2024-07-20"), used, strict=True):
        if quantity:
            runners.use(account, meter, day, quantity)
    runners.run(organization, "2024-06-30")
    return account, meter, plan, pricing


def july(account: Any) -> Bill:
    return Bill.objects.filter(account=account).order_by("-boundary_date")[0]


def why(bill: Bill) -> list[tuple[str, str, Decimal]]:
    previous = what_changed.before(bill)
    assert previous is not None
    old, new = (list(map(what_changed.stored, one.line_items.all())) for one in (previous, bill))
    found = what_changed.compare(previous, old, bill, new)
    assert sum(one.amount for one in found.effects) == found.difference
    assert found.difference == bill.total - previous.total
    return [(one.cause, one.text, one.amount) for one in found.effects]


def test_more_usage_says_how_much_more_and_what_it_costs():
    organization = factories.make_organization()
    account, *_ = two_months(organization, used=(900, 1500))
    runners.run(organization, "2024-07-31")

    # June: 900 x 0.10 = 90. July: 1,000 x 0.10 + 500 x 0.05 = 125.
    assert why(july(account)) == [
        (Cause.USAGE, "Usage of Tokens rose by 600 tokens", Decimal(35)),
    ]


def test_usage_and_price_are_told_apart_by_the_older_price():
    organization = factories.make_organization()
    account, *_ = two_months(organization, used=(500, 700))
    Pricing.objects.update(bands=factories.bands((0, 0, "0.30")))
    runners.run(organization, "2024-07-31")

    # June 50. At the older price July is 70: 20 more for usage. At 0.30 it is 210: 140 for price.
    assert why(july(account)) == [
        (Cause.PRICE, "The price of Tokens changed from 2024-07-01", Decimal(140)),
        (Cause.USAGE, "Usage of Tokens rose by 200 tokens", Decimal(20)),
    ]


def gold(organization: Any, account: Any) -> None:
    """Attach a plan of 30.00 a month from July on."""
    template = factories.make_plan_template(
        factories.make_product(organization), standing_charge=Decimal(30)
    )
    plan = factories.make_plan(template, name="Gold")
    factories.make_account_plan(account, plan, start_date=runners.instant("2024-07-01"))


def test_a_plan_began_while_nothing_more_was_used_of_another():
    organization = factories.make_organization()
    account, *_ = two_months(organization, used=(500, 0))
    gold(organization, account)
    runners.run(organization, "2024-07-31")

    # June: tokens, 50. July: no tokens, though their plan goes on, and Gold with 30.
    assert why(july(account)) == [
        (Cause.USAGE, "Usage of Tokens fell by 500 tokens", Decimal(-50)),
        (Cause.PLAN, "The plan Gold began", Decimal(30)),
    ]


def test_a_plan_that_ended_takes_all_its_lines_with_it():
    organization = factories.make_organization()
    account, *_ = two_months(organization, used=(500, 0), standing="10")
    gold(organization, account)
    AccountPlan.objects.filter(account=account, plan__name="Standard").update(
        end_date=runners.instant("2024-07-01")
    )
    runners.run(organization, "2024-07-31")

    # June: 50 for tokens and 10 for the month. July: 30 for Gold.
    assert why(july(account)) == [
        (Cause.PLAN, "The plan Standard ended", Decimal(-60)),
        (Cause.PLAN, "The plan Gold began", Decimal(30)),
    ]


def test_a_standing_charge_of_another_amount_is_a_price():
    organization = factories.make_organization()
    account, *_ = two_months(organization, used=(0, 0), standing="10")
    PlanTemplate.objects.update(standing_charge=Decimal("12.50"))
    runners.run(organization, "2024-07-31")

    assert why(july(account)) == [
        (Cause.PRICE, "Standing charge of Standard: 12.50 instead of 10.00", Decimal("2.50")),
    ]


def test_more_than_three_causes_are_three_sentences_that_add_up():
    effects = tuple(
        Effect(Cause.USAGE, Decimal(amount), str(amount)) for amount in (40, -30, 20, -1)
    )

    told = Account(Decimal(29), effects).told()

    assert [(one.text, one.amount) for one in told] == [
        ("40", Decimal(40)),
        ("-30", Decimal(-30)),
        ("Other changes", Decimal(19)),
    ]


def test_the_api_tells_it_with_exact_amounts(api: ApiClient):
    account, *_ = two_months(api.organization, used=(900, 1500))
    runners.run(api.organization, "2024-07-31")
    bill = july(account)

    answer = api.get(f"bills/{bill.pk}/explanation")

    assert answer.status == 200
    assert answer.json["sentences"] == [
        {"sentence": "Usage of Tokens rose by 600 tokens", "amount": 35}
    ]
    assert (answer.json["total"], answer.json["previousTotal"], answer.json["difference"]) == (
        125,
        90,
        35,
    )


def test_a_first_bill_has_nothing_to_tell(api: ApiClient):
    account, *_ = two_months(api.organization, used=(900, 0))

    answer = api.get(f"bills/{july(account).pk}/explanation")

    assert (answer.json["previousBillId"], answer.json["sentences"]) == (None, [])


def test_who_may_not_read_the_bill_before_is_told_nothing_of_it(api: ApiClient):
    account, *_ = two_months(api.organization, used=(900, 1500))
    runners.run(api.organization, "2024-07-31")
    bill = july(account)
    previous = what_changed.before(bill)
    PermissionPolicy.objects.filter(organization=api.organization).update(
        statements=[
            {
                "effect": "allow",
                "action": ["config:retrieve"],
                "resource": [f"config:bill/item/{bill.pk}", "config:billLineItem/*"],
            }
        ]
    )
    grants.rederive(api.organization.pk)

    answer = api.get(f"bills/{bill.pk}/explanation")

    assert answer.status == 200
    assert (answer.json["previousBillId"], answer.json["previousTotal"]) == (None, None)
    assert answer.json["sentences"] == []
    assert api.get(f"bills/{previous.pk}/explanation").status == 403


def test_another_conversion_rate_is_told_apart_from_usage():
    organization = factories.make_organization(
        currency_conversions=[{"from": "USD", "to": "EUR", "multiplier": Decimal("0.9")}]
    )
    factories.make_currency(organization, code="EUR")
    account, *_ = two_months(organization, used=(500, 600))
    Bill.objects.all().delete()
    AccountRow.objects.filter(pk=account.pk).update(currency="EUR")
    runners.run(organization, "2024-06-30")
    OrganizationConfig.objects.filter(organization=organization).update(
        currency_conversions=[{"from": "USD", "to": "EUR", "multiplier": Decimal("0.8")}]
    )
    runners.run(organization, "2024-07-31")

    # June 50 USD x 0.9 = 45. July 60 USD x 0.8 = 48; at the older rate it would be 54.
    assert why(july(account)) == [
        (Cause.USAGE, "Usage of Tokens rose by 100 tokens", Decimal(9)),
        (Cause.OTHER, "The conversion rate changed", Decimal(-6)),
    ]
