"""A bill run end to end: from usage and prices to bills with lines."""

from decimal import Decimal

import pytest

from billing.models import Bill, BillJobStatus
from tests import factories
from tests.billing.bills import runners

pytestmark = pytest.mark.django_db


def test_a_bill_run_makes_a_bill_of_usage_and_standing_charge():
    organization = factories.make_organization()
    meter = factories.make_meter(organization)
    plan = factories.make_plan(
        factories.make_plan_template(
            factories.make_product(organization), standing_charge=Decimal(20)
        )
    )
    factories.make_pricing(plan, factories.make_aggregation(meter))
    account = factories.make_account(organization)
    factories.make_account_plan(account, plan)
    runners.use(account, meter, "2024-06-05", 400)
    runners.use(account, meter, "2024-06-30T23:59:59", 50)
    runners.use(account, meter, "2024-07-01", 1000)

    job = runners.run(organization, "2024-06-15")

    # 450 x 0.10 = 45; July's 1,000 belong to the next bill.
    bill = Bill.objects.get(account=account)
    assert runners.shown(bill) == [("STANDING_CHARGE", Decimal(20)), ("USAGE", Decimal(45))]
    assert bill.total == Decimal(65)
    assert (job.status, job.total, job.pending, job.billed) == (BillJobStatus.COMPLETE, 1, 0, 1)
