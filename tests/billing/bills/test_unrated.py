"""What no bill charges yet parks the account with a reason that names it."""

from datetime import date

from billing.models import Bill, BillJobAccount
from tests import factories
from tests.billing.bills import runners
from tests.catalog import rows


def test_an_account_with_units_of_a_priced_counter_is_parked_and_others_are_billed(organization):
    plan = factories.make_plan(
        factories.make_plan_template(factories.make_product(organization), standing_charge=20)
    )
    counter = rows.make_counter(organization, name="Seats")
    rows.make_counter_pricing(plan, counter)
    holds, emptied, never = (factories.make_account(organization) for _ in range(3))
    for account in (holds, emptied, never):
        factories.make_account_plan(account, plan)
    rows.make_counter_adjustment(holds, counter, date(2024, 5, 1), 3)
    rows.make_counter_adjustment(emptied, counter, date(2024, 5, 1), 0)

    runners.run(organization, "2024-10-31")

    parked = BillJobAccount.objects.get(status="PARKED")
    assert parked.account_id == holds.pk
    assert parked.reason == (
        "The account has units of the counter Seats: bills do not include this yet, so none "
        "was made."
    )
    assert {bill.account_id for bill in Bill.objects.all()} == {emptied.pk, never.pk}
