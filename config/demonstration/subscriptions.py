"""Who has which plan from when: long-standing customers, plan changes, newcomers, one who left."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from billing import account_plans
from billing.models import Account, AccountPlan
from catalog.models import Plan, PlanGroup
from config.demonstration import reckoning, suites
from config.demonstration.catalogue import Catalogue
from config.demonstration.customers import CUSTOMERS, Customer
from config.demonstration.months import Months, first_of_month, midnight
from config.demonstration.price_lists import AGREEMENT_PRICES
from config.demonstration.pricing import make_prices
from organizations.kernel import changes
from organizations.kernel.principals import Principal
from organizations.models import Organization


@dataclass(frozen=True, slots=True)
class PlanChange:
    """In the last full month, from a day of that month on: one plan instead of another."""

    customer: str
    old: str
    new: str
    day: int


PLAN_CHANGES = (
    PlanChange("brightwater-analytics", "models-payg", "models-scale", 11),
    PlanChange("cinder-games", "models-payg", "models-scale", 16),
    PlanChange("tessera-imaging", "gpu-reserved", "gpu-on-demand", 19),
    PlanChange("atelier-ventoux", "storage-standard-eur", "storage-business-eur", 8),
    PlanChange("osprey-legal", "storage-business-gbp", "storage-standard-gbp", 22),
)
AGREEMENT = "models-nordlicht"  # the plan that one customer negotiated
# Day of the last full month on which a customer began, or left.
NEWCOMERS = {"jetty-software": 9, "wicket-sports": 21, "lumenpath-optics": 1}
LEAVERS = {"gullwing-car": 20}
# Child and parent. The first keeps plans of its own, which stand on the parent's bill; the second
# has none: what it uses counts with the parent's.
CHILDREN = {"ember-trail": "juniper-peak", "clover-ridge": "hazel-grove"}
POOLED = {"clover-ridge"}
PAYS_WITHIN_DAYS = {"nordlicht-mobilitat": 14, "halden-robotics": 45, "larkfield-insurance": 60}
ORDER_NUMBERS = {"kestrel-therapeutics": "PO-77120", "polder-logistics": "2024/0318"}


@dataclass(frozen=True, slots=True)
class Stay:
    """The days on which a customer has plans; the end is exclusive, None while it stays."""

    start: date
    end: date | None = None

    def contains(self, day: date) -> bool:
        """Whether the customer uses anything on this day."""
        return self.start <= day and (self.end is None or day < self.end)


def stay(customer: Customer, months: Months) -> Stay:
    """Return when a customer came and, if it did, left."""
    if customer.code in NEWCOMERS:
        return Stay(_day(months, NEWCOMERS[customer.code]))
    months_before = 1 + CUSTOMERS.index(customer) * 7 % 22
    start = first_of_month(months.older, -months_before)
    left = LEAVERS.get(customer.code)
    return Stay(start, _day(months, left) if left else None)


def make(
    organization: Organization,
    catalogue: Catalogue,
    plans: dict[str, Plan],
    months: Months,
    *,
    by: Principal,
) -> None:
    """Make the accounts and attach their plans."""
    attached: dict[tuple[str, str], AccountPlan] = {}
    accounts: dict[str, Account] = {}
    for customer in CUSTOMERS:
        account = changes.create(_account(organization, customer), by=by)
        accounts[customer.code] = account
        if AGREEMENT in customer.plans:
            plans[AGREEMENT] = _agreement(account, catalogue, plans, months, by)
        period = stay(customer, months)
        if customer.code == suites.CUSTOMER:
            suite = suites.make(organization, plans, customer.plans, by=by)
            changes.create(_on_suite(account, suite, period.start), by=by)
            continue
        if customer.code in POOLED:
            continue
        for code in customer.plans:
            row = _account_plan(account, plans[code], period.start)
            row.end_date = midnight(period.end) if period.end else None
            attached[customer.code, code] = changes.create(row, by=by)
    for child, parent in CHILDREN.items():
        with changes.editing(accounts[child], by=by) as row:
            row.parent_account = accounts[parent]
    for change in PLAN_CHANGES:
        original = attached[change.customer, change.old]
        day = _day(months, change.day)
        replacement = _account_plan(original.account, plans[change.new], day)
        account_plans.replace(original, replacement, by=by)


def _agreement(
    account: Account,
    catalogue: Catalogue,
    plans: dict[str, Plan],
    months: Months,
    by: Principal,
) -> Plan:
    """Make a plan that belongs to one customer (PLN-5)."""
    plan = changes.create(
        Plan(
            organization_id=account.organization_id,
            plan_template=plans["models-enterprise"].plan_template,
            account=account,
            code=AGREEMENT,
            name="Framework agreement",
            minimum_spend=Decimal(25_000),
            minimum_spend_description="Agreed minimum",
        ),
        by=by,
    )
    make_prices(plan, AGREEMENT_PRICES, catalogue.aggregations, months, by=by)
    reckoning.price(plan, months, by=by)
    return plan


def _account(organization: Organization, customer: Customer) -> Account:
    return Account(
        organization=organization,
        name=customer.name,
        code=customer.code,
        email_address=customer.email,
        address=customer.address,
        currency=customer.currency,
        days_before_bill_due=PAYS_WITHIN_DAYS.get(customer.code),
        purchase_order_number=ORDER_NUMBERS.get(customer.code),
    )


def _account_plan(account: Account, plan: Plan, start: date) -> AccountPlan:
    return AccountPlan(
        organization_id=account.organization_id,
        account=account,
        plan=plan,
        product=plan.plan_template.product,
        start_date=midnight(start),
    )


def _on_suite(account: Account, suite: PlanGroup, start: date) -> AccountPlan:
    return AccountPlan(
        organization_id=account.organization_id,
        account=account,
        plan_group=suite,
        start_date=midnight(start),
    )


def _day(months: Months, number: int) -> date:
    return months.latest + timedelta(days=number - 1)
