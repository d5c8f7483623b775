"""Rules of charges (CHG)."""

from billing.balance_rules import check_amount_or_units
from billing.contract_rules import check_belongs
from billing.models import Bill, Charge, ChargeEntityType, ChargeLineItemType
from organizations.kernel import locking
from organizations.kernel.errors import DomainError, FieldRefused, check_each
from organizations.settings_rules import check_currency

LINE_OF = {
    ChargeEntityType.AD_HOC.value: ChargeLineItemType.AD_HOC.value,
    ChargeEntityType.BALANCE.value: ChargeLineItemType.BALANCE_FEE.value,
}


class ChargeBilled(DomainError):
    """The charge stands on a locked bill (CHG-5)."""

    code = "LOCKED"

    def __init__(self, charge: Charge) -> None:
        super().__init__(
            f"Charge {charge.code} stands on a locked bill and cannot be changed or deleted."
        )


def check_charge(charge: Charge) -> None:
    """Refuse what breaks a rule of charges: CHG-1, CHG-2, CHG-5, CHG-6."""
    stored = Charge.objects.filter(pk=charge.pk).first()
    if stored is not None:
        check_unlocked(stored)
        charge.bill_id, charge.schedule_id = stored.bill_id, stored.schedule_id
    before = stored.currency if stored else ""
    check_each(
        lambda: check_amount_or_units(charge),
        lambda: _check_kind(charge),
        lambda: _check_service_period(charge),
        lambda: check_belongs(charge.account_id, charge.contract),
        lambda: check_currency(charge.organization_id, "currency", charge.currency, stored=before),
        lambda: _check_account(stored, charge),
    )


def check_unlocked(charge: Charge) -> None:
    """Refuse to change or delete a charge of a locked bill; the bill is held."""
    if charge.bill_id is None:
        return
    bill = next(iter(locking.held(Bill.objects.filter(pk=charge.bill_id))), None)
    if bill is not None and bill.is_locked:
        raise ChargeBilled(charge)


def _check_kind(charge: Charge) -> None:
    """Refuse a line of another kind than the entity's, and a balance of another account."""
    if LINE_OF.get(charge.entity_type) != charge.line_item_type:
        raise FieldRefused(
            "lineItemType", "must be AD_HOC for entity type AD_HOC, BALANCE_FEE for BALANCE"
        )
    is_of_balance = charge.entity_type == ChargeEntityType.BALANCE
    if is_of_balance and charge.balance is None:
        raise FieldRefused("entityId", "is needed for entity type BALANCE: the balance's id")
    if not is_of_balance and charge.balance is not None:
        raise FieldRefused("entityId", "is allowed for entity type BALANCE only")
    if charge.balance is not None:
        balance = locking.current(charge.balance)
        if balance.account_id != charge.account_id:
            raise FieldRefused("entityId", "this balance is of another account")


def _check_service_period(charge: Charge) -> None:
    if charge.service_period_end_date < charge.service_period_start_date:
        raise FieldRefused("servicePeriodEndDate", "must not be before servicePeriodStartDate")


def _check_account(stored: Charge | None, charge: Charge) -> None:
    if stored is not None and stored.bill_id and stored.account_id != charge.account_id:
        raise FieldRefused("accountId", "cannot change: the charge stands on a bill")
