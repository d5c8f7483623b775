"""Rules of commitments (COM, COS)."""

from typing import Any

from billing.contract_rules import (
    check_account_kept,
    check_belongs,
    check_order,
    check_products,
)
from billing.models import Commitment
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each
from organizations.settings_rules import check_currency


def check_commitment(commitment: Commitment) -> None:
    """Refuse what breaks a rule of commitments: COM-1, COM-3, COM-5, COS-3."""
    stored = Commitment.objects.filter(pk=commitment.pk).first()
    before = stored.currency if stored else ""
    check_each(
        lambda: check_order(commitment),
        lambda: check_belongs(commitment.account_id, commitment.contract),
        lambda: check_currency(
            commitment.organization_id, "currency", commitment.currency, stored=before
        ),
        lambda: check_products(commitment.organization_id, commitment.product_ids),
        lambda: check_account_kept(stored, commitment, is_used=is_used(stored)),
        lambda: _check_amounts(commitment),
        lambda: _check_overage(commitment),
        lambda: _check_fees(commitment),
        lambda: _check_counts(commitment),
    )


def is_used(commitment: Commitment | None) -> bool:
    """Return whether bills have drawn from the commitment."""
    return commitment is not None and commitment.amount_spent != 0


def _check_amounts(commitment: Commitment) -> None:
    amount = commitment.amount
    if amount <= 0:
        raise FieldRefused("amount", "must be greater than 0")
    if amount < commitment.amount_spent:
        spent = f"{commitment.amount_spent.normalize():f}"
        raise FieldRefused("amount", f"must be at least what bills have drawn: {spent}")
    if not 0 <= commitment.amount_pre_paid <= amount:
        raise FieldRefused("amountPrePaid", "must be from 0 to the amount of the commitment")
    first = commitment.amount_first_bill
    if first is not None and not 0 <= first <= amount - commitment.amount_pre_paid:
        raise FieldRefused(
            "amountFirstBill", "must be from 0 to what is left of the amount to be billed"
        )


def _check_overage(commitment: Commitment) -> None:
    if commitment.separate_overage_usage and commitment.overage_surcharge_percent:
        raise FieldRefused("separateOverageUsage", "does not go together with an overage surcharge")


def _check_fees(commitment: Commitment) -> None:
    """Refuse fees by a plan and by dates at once, and a bespoke plan of another account."""
    if commitment.billing_plan is not None:
        if commitment.fee_dates:
            raise FieldRefused("feeDates", "does not go together with billingPlanId")
        plan = locking.current(commitment.billing_plan)
        if plan.account_id not in (None, commitment.account_id):
            raise FieldRefused("billingPlanId", "this plan is bespoke to another account")
    check_each(
        *(
            lambda position=position, fee=fee: _check_fee(f"feeDates[{position}]", fee)
            for position, fee in enumerate(commitment.fee_dates)
        )
    )


def _check_fee(where: str, fee: dict[str, Any]) -> None:
    if fee["amount"] is None or fee["amount"] <= 0:
        raise FieldRefused(f"{where}.amount", "must be greater than 0")
    if fee["servicePeriodStartDate"] > fee["servicePeriodEndDate"]:
        raise FieldRefused(
            f"{where}.servicePeriodEndDate", "must not be before servicePeriodStartDate"
        )


def _check_counts(commitment: Commitment) -> None:
    if not 1 <= commitment.billing_interval <= 365:
        raise FieldRefused("billingInterval", "must be from 1 to 365")
    if not 0 <= commitment.billing_offset <= 364:
        raise FieldRefused("billingOffset", "must be from 0 to 364")
