"""What the registry is told of contracts, commitments, balances and charges."""

from typing import Any

from django.db.models import Q

from billing import (
    balance_rules,
    balance_schedules,
    charge_rules,
    commitment_rules,
    contract_rules,
    ledger,
)
from billing import representations_agreements as look
from billing.bills import credit_drawn
from billing.models import (
    Account,
    Balance,
    BalanceChargeSchedule,
    BalanceTransaction,
    BalanceTransactionSchedule,
    Bill,
    Charge,
    Commitment,
    Contract,
    LineItem,
)
from catalog.models import Plan, Product
from organizations.kernel import event_types, registry
from organizations.models import BillGroupingKey, Currency, TransactionType


def register() -> None:
    """Register entities, delete guards and sentences for constraints."""
    for model, resource, event, represent, check in (
        (Contract, "contract", "configuration.contract", look.contract,
         contract_rules.check_contract),
        (Commitment, "commitment", "configuration.commitment", look.commitment,
         commitment_rules.check_commitment),
        (Balance, "balance", "billing.balance", look.balance, balance_rules.check_balance),
        (BalanceTransaction, "balanceTransaction", None, look.balance_transaction,
         balance_rules.check_transaction),
        (Charge, "charge", "billing.charge", look.charge, charge_rules.check_charge),
    ):  # fmt: skip
        registry.register(
            model,
            f"config:{resource}",
            event=event,
            represent=represent,
            check=check,
            follow=ledger.follow if model is Balance else None,
        )
    registry.register(
        BalanceTransactionSchedule,
        "config:balanceTransactionSchedule",
        event="billing.scheduledbalancetransaction",
        represent=look.transaction_schedule,
        check=balance_rules.check_transaction_schedule,
        follow=balance_schedules.follow,
    )
    registry.register(
        BalanceChargeSchedule,
        "config:balanceChargeSchedule",
        event="billing.scheduledbalancecharge",
        represent=look.charge_schedule,
        check=balance_rules.check_charge_schedule,
        follow=balance_schedules.follow,
    )
    registry.recorded(ledger.ENTITY, lambda: look.balance(event_types.sample(Balance)))
    registry.also_check(BillGroupingKey, contract_rules.check_grouping_key)
    _guard_deletes()
    _explain()


def _guard_deletes() -> None:
    """Say what stands in the way of a delete (B8.2)."""
    for kind in ("contracts", "commitments", "balances", "charges"):
        registry.refers(Account, kind, _related(kind))
    for kind in ("account_plans", "commitments", "balances", "charges"):
        registry.refers(Contract, kind.replace("_", " "), _related(kind))
    registry.refers(BillGroupingKey, "contracts", _related("contracts"))
    registry.refers(Plan, "commitments", _related("commitments"))
    registry.refers(Balance, "transaction schedules", _related("transaction_schedules"))
    registry.refers(Balance, "charge schedules", _related("charge_schedules"))
    registry.refers(Balance, "charges", _related("charges"))
    # COS-2: what locked bills draw stands in the way; other bills are marked.
    registry.refers(Balance, "locked bills", lambda row: _locked(balance_id=row.pk))
    registry.refers(Commitment, "locked bills", lambda row: _locked(commitment_id=row.pk))
    registry.follow_deletes(credit_drawn.mark_bills_of)
    registry.refers(
        Charge, "locked bills", lambda row: Bill.objects.filter(pk=row.bill_id, is_locked=True)
    )
    registry.refers(TransactionType, "transaction schedules", _related("schedules"))
    registry.refers(
        TransactionType,
        "transactions",
        lambda row: BalanceTransaction.objects.filter(transaction_type_id=row.pk),
    )
    for model, kind in ((Commitment, "commitments"), (Balance, "balances")):
        registry.refers(Product, kind, _naming(model))
    registry.refers(
        Product, "charges", lambda row: Charge.objects.filter(accounting_product_id=row.pk)
    )
    for model, kind in (
        (Commitment, "commitments"),
        (Balance, "balances"),
        (BalanceChargeSchedule, "charge schedules"),
        (Charge, "charges"),
    ):
        registry.refers(Currency, kind, _in_currency(model))


def _locked(**of: Any) -> Any:
    """Return the locked bills with lines of a commitment or balance, fees of charges aside."""
    lines = LineItem.objects.filter(charge_id__isnull=True, **of)
    return Bill.objects.filter(pk__in=lines.values("bill_id"), is_locked=True)


def _related(name: str) -> Any:
    return lambda row: getattr(row, name).all()


def _in_currency(model: Any) -> Any:
    return lambda row: model.objects.filter(organization_id=row.organization_id, currency=row.code)


def _naming(model: Any) -> Any:
    """Return what finds the rows that name a product: as one they cover, or for accounting."""
    own = [
        field.attname
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model is Product
    ]

    def rows(product: Product) -> Any:
        named = Q(product_ids__contains=[product.pk])
        for attname in own:
            named |= Q(**{attname: product.pk})
        return model.objects.filter(named, organization_id=product.organization_id)

    return rows


def _explain() -> None:
    registry.explain_constraint(
        "contract_exclusive_key_once",
        "billGroupingKeyId",
        "this key is exclusive and another contract has it",
    )
    for name in (
        "contract_ends_after_start", "commitment_ends_after_start", "balance_ends_after_start",
        "transaction_schedule_ends",
    ):  # fmt: skip
        registry.explain_constraint(name, "endDate", "must be after startDate")
    registry.explain_constraint(
        "balance_transaction_unchanged", "", "a transaction is neither changed nor deleted"
    )
    registry.explain_constraint(
        "balance_amount_is_the_sum", "amount", "follows from the balance's transactions"
    )
    registry.explain_constraint(
        "charge_scheduled_once", "", "the schedule has made this charge already"
    )
    registry.explain_constraint(
        "balance_transaction_scheduled_once", "", "the schedule has posted this already"
    )
