"""What this app tells the kernel's registry when Django starts."""

from billing import (
    account_rules,
    catalogue_accounts,
    counter_registration,
    plan_group_rules,
    price_use,
    query_registration,
    registration_agreements,
    registration_bill_life,
    registration_late_usage,
    registration_rehearsals,
    upload_registration,
)
from billing import representations as look
from billing.bills import numbering
from billing.models import Account, AccountPlan, Bill, BillJob, IngestFailure, LineItem
from billing.statements import automatic
from billing.usage import failures
from catalog.models import Plan, PlanGroup, PlanGroupLink
from organizations.kernel import event_types, registry
from organizations.models import Currency, OrganizationConfig


def register() -> None:
    """Register entities, delete guards and sentences for constraints."""
    catalogue_accounts.register()
    price_use.register()
    registry.register(
        Account,
        "config:account",
        event="configuration.account",
        represent=look.account,
        moves_catalog=True,
        check=account_rules.check_account,
    )
    registry.register(
        AccountPlan,
        "config:accountPlan",
        event="configuration.accountplan",
        represent=look.account_plan,
        check=account_rules.check_account_plan,
    )
    registry.register(
        Bill,
        "billing:bill",
        event="billing.bill",
        represent=look.bill,
        follow=automatic.follow,
    )
    registry.register(LineItem, "billing:billLineItem", represent=look.line_item)
    registry.register(BillJob, "billing:billJob", event="billing.billjob", represent=look.bill_job)
    registry.also_check(OrganizationConfig, numbering.check_series)
    registry.name(IngestFailure, "data:measurement")
    registry.other_event(
        failures.EVENT,
        lambda: failures.payload(event_types.sample(IngestFailure), is_single=True),
    )
    registry.refers(Account, "account plans", lambda row: row.account_plans.all())
    registry.refers(Account, "child accounts", lambda row: row.children.all())
    registry.refers(Account, "bills", lambda row: row.bills.all())
    registry.refers(Account, "bespoke plans", lambda row: row.bespoke_plans.all())
    registry.refers(Plan, "account plans", lambda row: row.account_plans.all())
    registry.refers(PlanGroup, "account plans", lambda row: row.account_plans.all())
    registry.refers(Account, "bespoke plan groups", lambda row: row.bespoke_plan_groups.all())
    registry.also_check(PlanGroupLink, plan_group_rules.check_attached_groups)
    registry.refers(
        Currency,
        "accounts",
        lambda row: Account.objects.filter(organization_id=row.organization_id, currency=row.code),
    )
    registry.refers(
        AccountPlan,
        "bills with its charges",
        lambda row: Bill.objects.filter(line_items__account_plan_id=row.pk).distinct(),
    )
    registration_agreements.register()
    registry.explain_constraint(
        "account_plan_no_overlap",
        "startDate",
        "the account already has a plan of this product at this time",
    )
    registry.explain_constraint(
        "account_plan_ends_after_start", "endDate", "must be after startDate"
    )
    counter_registration.register()
    upload_registration.register()
    query_registration.register()
    registration_bill_life.register()
    registration_late_usage.register()
    registration_rehearsals.register()
