"""Rules of contracts, and what everything that may belong to one has in common (CON)."""

from typing import Any
from uuid import UUID

from billing.models import Contract
from catalog.models import NUMERIC_CATEGORIES, FieldCategory, Meter, Product
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each
from organizations.models import BillGroupingKey

MODES = ("INCLUDE", "EXCLUDE")
_NOT_DIMENSIONS = {*NUMERIC_CATEGORIES, FieldCategory.METADATA.value}


def check_contract(contract: Contract) -> None:
    """Refuse what breaks a rule of contracts: CON-1, CON-3, CON-5."""
    stored = Contract.objects.filter(pk=contract.pk).first()
    check_each(
        lambda: check_order(contract),
        lambda: _check_account(stored, contract),
        lambda: _check_filters(contract),
        lambda: _check_key(stored, contract),
    )


def check_order(row: Any) -> None:
    """Refuse an end that is not after the start."""
    if row.end_date <= row.start_date:
        raise FieldRefused("endDate", "must be after startDate")


def _check_account(stored: Contract | None, contract: Contract) -> None:
    if stored is None or stored.account_id == contract.account_id:
        return
    linked = (
        stored.account_plans, stored.commitments, stored.balances, stored.charges,
    )  # fmt: skip
    if any(rows.exists() for rows in linked):
        raise FieldRefused("accountId", "cannot change while something is linked to the contract")


def _check_filters(contract: Contract) -> None:
    """Refuse a filter on a field that no meter has as a dimension (CON-5)."""
    if not contract.usage_filters:
        return
    meters = locking.held(Meter.objects.filter(organization_id=contract.organization_id))
    dimensions = {
        field["code"]
        for meter in meters
        for field in [*meter.data_fields, *meter.derived_fields]
        if field["category"] not in _NOT_DIMENSIONS
    }
    check_each(
        *(
            lambda position=position, one=one: _check_filter(position, one, dimensions)
            for position, one in enumerate(contract.usage_filters)
        )
    )


def _check_filter(position: int, one: dict[str, Any], dimensions: set[str]) -> None:
    where = f"usageFilters[{position}]"
    if one.get("mode") not in MODES:
        raise FieldRefused(f"{where}.mode", "must be INCLUDE or EXCLUDE")
    if not one.get("value"):
        raise FieldRefused(f"{where}.value", "must not be empty")
    if one.get("dimensionCode") not in dimensions:
        raise FieldRefused(
            f"{where}.dimensionCode",
            f"no meter has a WHO, WHAT, WHERE or OTHER field {one.get('dimensionCode')}",
        )


def _check_key(stored: Contract | None, contract: Contract) -> None:
    """Refuse an archived key that was not there before (MEM-7), and note an exclusive one."""
    contract.has_exclusive_key = False
    if contract.bill_grouping_key is None:
        return
    key = locking.current(contract.bill_grouping_key)
    is_kept = stored is not None and stored.bill_grouping_key_id == key.pk
    if key.is_archived and not is_kept:
        raise FieldRefused("billGroupingKeyId", f"{key.name} is archived")
    contract.has_exclusive_key = key.is_exclusive


def check_grouping_key(key: BillGroupingKey) -> None:
    """Refuse to make a key exclusive, or the reverse, while contracts use it (CON-3)."""
    stored = BillGroupingKey.objects.filter(pk=key.pk).first()
    if stored is None or stored.is_exclusive == key.is_exclusive:
        return
    if count := Contract.objects.filter(bill_grouping_key_id=key.pk).count():
        used = "1 contract uses it" if count == 1 else f"{count} contracts use it"
        raise FieldRefused("exclusive", f"cannot change while {used}")


def check_belongs(account_id: UUID, contract: Contract | None) -> None:
    """Refuse a contract of another account (ACP-7)."""
    if contract is not None and locking.current(contract).account_id != account_id:
        raise FieldRefused("contractId", "this contract is of another account")


def check_products(organization_id: UUID, product_ids: list[UUID]) -> None:
    """Refuse products that the organization does not have; those it has are held."""
    if not product_ids:
        return
    rows = locking.held(Product.objects.filter(organization_id=organization_id, pk__in=product_ids))
    known = {row.pk for row in rows}
    for position, product_id in enumerate(product_ids):
        if product_id not in known:
            raise FieldRefused(f"productIds[{position}]", "no such product")
    if len(known) != len(product_ids):
        raise FieldRefused("productIds", "names a product twice")


def check_account_kept(stored: Any, row: Any, *, is_used: bool) -> None:
    """Refuse another account or currency once a bill has drawn from the row (COS-3)."""
    if stored is None or not is_used:
        return
    if stored.account_id != row.account_id:
        raise FieldRefused("accountId", "cannot change: bills have drawn from it")
    if stored.currency != row.currency:
        raise FieldRefused("currency", "cannot change: bills have drawn from it")
