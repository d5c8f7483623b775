"""Rules of accounts and of the plans attached to them (PAR-1, ACP)."""

from billing import plan_group_rules
from billing.contract_rules import check_belongs
from billing.models import Account, AccountPlan
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each
from organizations.settings_rules import CREDIT_ORDERS, check_currency

MAX_CHILDREN = 999


def check_account(account: Account) -> None:
    """Refuse an unknown currency and a family of more than one level or 999 children (PAR-1)."""
    check_each(
        lambda: _check_currency(account),
        lambda: _check_days(account),
        lambda: _check_order(account),
        lambda: _check_parent(account),
    )


def _check_currency(account: Account) -> None:
    if account.currency:
        stored = Account.objects.filter(pk=account.pk).values_list("currency", flat=True).first()
        check_currency(account.organization_id, "currency", account.currency, stored=stored or "")


def _check_days(account: Account) -> None:
    if account.days_before_bill_due is not None and account.days_before_bill_due < 1:
        raise FieldRefused("daysBeforeBillDue", "must be greater than 0")


def _check_order(account: Account) -> None:
    """Refuse an order that names a kind twice, and any order in a family (ORD-1, ORD-2)."""
    order = account.credit_application_order
    if order not in CREDIT_ORDERS:
        raise FieldRefused(
            "creditApplicationOrder", "PREPAYMENT and BALANCE, each at most once, in any order"
        )
    if not order:
        return
    is_parent = Account.objects.filter(parent_account_id=account.pk).exists()
    if account.parent_account_id is not None or is_parent:
        raise FieldRefused(
            "creditApplicationOrder",
            "cannot be set for an account with a parent or children: theirs is always "
            "PREPAYMENT, then BALANCE",
        )


def _check_parent(account: Account) -> None:
    """Refuse a family of more than one level or 999 children (PAR-1)."""
    parent = account.parent_account
    if parent is None:
        return
    if parent.pk == account.pk:
        raise FieldRefused("parentAccountId", "an account cannot be its own parent")
    if parent.parent_account_id is not None:
        raise FieldRefused("parentAccountId", "a child account cannot become a parent")
    if Account.objects.filter(parent_account_id=account.pk).exists():
        raise FieldRefused("parentAccountId", "an account with children cannot get a parent")
    # Two that give one parent children at once are counted one after the other.
    Account.objects.select_for_update().filter(pk=parent.pk).first()
    siblings = Account.objects.filter(parent_account=parent).exclude(pk=account.pk).count()
    if siblings >= MAX_CHILDREN:
        raise FieldRefused("parentAccountId", f"a parent has at most {MAX_CHILDREN} children")


def check_account_plan(account_plan: AccountPlan) -> None:
    """Refuse what is bespoke to another account (ACP-5) and changes of what is billed already.

    Overlaps of plans are refused by the database, those through groups here; ``may_overlap`` says
    whether the organization allowed them when the row was saved (ACP-2, ACP-3).
    """
    if (account_plan.plan_id is None) == (account_plan.plan_group_id is None):
        raise FieldRefused("planId", "exactly one of planId and planGroupId is needed")
    if account_plan.plan_group_id is not None:
        plan_group_rules.check_group(account_plan)
        account_plan.product_id = None
    else:
        _check_plan(account_plan)
    check_belongs(account_plan.account_id, account_plan.contract)
    if account_plan.end_date is not None and account_plan.end_date <= account_plan.start_date:
        raise FieldRefused("endDate", "must be after startDate")
    account_plan.may_overlap = plan_group_rules.allows_overlaps(account_plan.organization_id)
    if not account_plan.may_overlap:
        plan_group_rules.check_no_shared_product(account_plan)
    stored = AccountPlan.objects.filter(pk=account_plan.pk).first()
    if stored is not None:
        _check_unmoved(stored, account_plan)


def _check_plan(account_plan: AccountPlan) -> None:
    plan = locking.current(account_plan.plan)
    if plan.account_id is not None and plan.account_id != account_plan.account_id:
        raise FieldRefused("planId", "this plan is bespoke to another account")
    account_plan.product_id = locking.current(plan.plan_template).product_id


def _check_unmoved(stored: AccountPlan, changed: AccountPlan) -> None:
    for field, before, after in (
        ("accountId", stored.account_id, changed.account_id),
        ("planId", stored.plan_id, changed.plan_id),
        ("planGroupId", stored.plan_group_id, changed.plan_group_id),
    ):
        if before != after:
            raise FieldRefused(field, "cannot change; end this account plan and make a new one")
