"""What no bill charges yet parks the account with a reason that names it."""

from datetime import UTC, datetime

from billing.models import AccountPlan, Bill, BillJobAccount
from tests import factories
from tests.billing.bills import runners
from tests.catalog import rows


def test_an_account_on_a_plan_group_is_parked_by_the_name_of_the_group(organization):
    plan = factories.make_plan(
        factories.make_plan_template(factories.make_product(organization), standing_charge=20)
    )
    group = rows.make_plan_group(organization, plan, name="Suite")
    on_group, on_plan = (factories.make_account(organization) for _ in range(2))
    factories.make_account_plan(on_plan, plan)
    AccountPlan.objects.create(
        organization=organization,
        account=on_group,
        plan_group=group,
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
    )

    runners.run(organization, "2024-10-31")

    parked = BillJobAccount.objects.get(status="PARKED")
    assert (parked.account_id, parked.reason) == (
        on_group.pk,
        "The account is on the plan group Suite: bills do not include this yet, so none was made.",
    )
    assert {bill.account_id for bill in Bill.objects.all()} == {on_plan.pk}
