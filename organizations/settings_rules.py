"""Rules of the organization's billing settings and currencies (A1.7, MON)."""

from decimal import Decimal
from typing import Any

from organizations.kernel import locking, registry
from organizations.kernel.errors import FieldRefused
from organizations.kernel.periods import parse_timezone
from organizations.models import Currency, OrganizationConfig

INTERVALS = tuple(
    Decimal(x) for x in ("0", "0.25", "0.5", "1", "2", "3", "4", "6", "8", "12", "24")
)
CREDIT_ORDERS = (
    [],
    ["PREPAYMENT", "BALANCE"],
    ["BALANCE", "PREPAYMENT"],
    ["PREPAYMENT"],
    ["BALANCE"],
)


def check_config(config: OrganizationConfig) -> None:
    """Refuse settings that break a rule of A1.7, naming field and rule."""
    parse_timezone(config.timezone)
    check_currency(config.organization_id, "currency", config.currency)
    check_conversions("currencyConversions", config.currency_conversions)
    if config.days_before_bill_due < 1:
        raise FieldRefused("daysBeforeBillDue", "must be greater than 0")
    if config.scheduled_bill_interval not in INTERVALS:
        words = ", ".join(format(interval, "f") for interval in INTERVALS)
        raise FieldRefused("scheduledBillInterval", f"must be one of {words} (hours)")
    if config.scheduled_bill_offset is not None:
        if config.scheduled_bill_interval != 24:
            raise FieldRefused("scheduledBillOffset", "only with scheduledBillInterval 24")
        if not 0 <= config.scheduled_bill_offset <= 23:
            raise FieldRefused("scheduledBillOffset", "must be an hour from 0 to 23")
    _check_grace_period(config)
    if config.credit_application_order not in CREDIT_ORDERS:
        raise FieldRefused(
            "creditApplicationOrder", "PREPAYMENT and BALANCE, each at most once, in any order"
        )


def _check_grace_period(config: OrganizationConfig) -> None:
    period, unit = (
        config.auto_approve_bills_grace_period,
        config.auto_approve_bills_grace_period_unit,
    )
    if (period is None) != (not unit):
        missing = "autoApproveBillsGracePeriod" + ("Unit" if period is not None else "")
        raise FieldRefused(missing, "grace period and unit work only together")
    if period is not None and period < 1:
        raise FieldRefused("autoApproveBillsGracePeriod", "must be greater than 0")


def check_currency(organization_id: Any, field: str, code: str, *, stored: str = "") -> None:
    """Refuse a code that is no currency of the organization, or an archived one.

    What was ``stored`` before stays valid though it is archived (B8.4). The currency cannot be
    deleted, renamed or archived before the transaction ends.
    """
    rows = Currency.objects.filter(organization_id=organization_id, code=code)
    found = next(iter(locking.held(rows)), None)
    if found is None:
        raise FieldRefused(field, f"{code} is not a currency of this organization")
    if found.is_archived and code != stored:
        raise FieldRefused(field, f"{code} is archived")


def check_conversions(field: str, conversions: list[dict[str, Any]]) -> None:
    """Refuse a (from, to) pair given twice and a multiplier that is not above 0."""
    seen = set()
    for position, one in enumerate(conversions):
        where = f"{field}[{position}]"
        pair = (one["from"], one["to"])
        if pair in seen:
            raise FieldRefused(where, f"{pair[0]} to {pair[1]} is given twice")
        seen.add(pair)
        if not one.get("multiplier") or one["multiplier"] <= 0:
            raise FieldRefused(f"{where}.multiplier", "must be greater than 0")


def check_currency_row(currency: Currency) -> None:
    """Refuse to archive the billing currency (A1.6) and more than 5 decimal places (MON-1)."""
    if not 0 <= currency.max_decimal_places <= 5:
        raise FieldRefused("maxDecimalPlaces", "must be from 0 to 5")
    is_default = OrganizationConfig.objects.filter(
        organization_id=currency.organization_id, currency=currency.code
    ).exists()
    if currency.is_archived and is_default:
        raise FieldRefused("archived", "the organization's billing currency cannot be archived")
    stored = Currency.objects.filter(pk=currency.pk).first()
    if stored is not None and stored.code != currency.code:
        _check_renamed(stored)


def _check_renamed(stored: Currency) -> None:
    """Refuse another code while rows name the one there is: they know a currency by its code."""
    if standing := registry.of(Currency).standing(stored):
        used = ", ".join(f"{count} {kind}" for kind, count in standing)
        raise FieldRefused("code", f"cannot be changed while it is in use: {used}")
