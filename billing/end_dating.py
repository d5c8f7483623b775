"""End what belongs to an account or a contract, each entity for itself (CON-9 to CON-11)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from billing.models import Account, AccountPlan, Commitment, Contract
from catalog.models import CounterPricing, Pricing
from organizations.kernel import changes, registry
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import local_date, parse_timezone
from organizations.kernel.principals import Principal
from organizations.models import OrganizationConfig

KINDS = ("CONTRACT", "ACCOUNTPLAN", "PREPAYMENT", "PRICINGS", "COUNTER_PRICINGS")
NOT_ALLOWED = "you are not allowed to change it"
SHARED = "belongs to a plan that other accounts may have too"


@dataclass(slots=True)
class Ended:
    """Ids of what was ended and of what failed, by kind; what failed has a reason."""

    updated: dict[str, dict[str, str]] = field(default_factory=dict)
    failed: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Say how many were ended and how many failed."""
        done = sum(map(len, self.updated.values()))
        failed = sum(map(len, self.failed.values()))
        return f"{done} ended, {failed} failed."


def end(
    whose: Account | Contract,
    kinds: Sequence[str],
    at: datetime,
    *,
    by: Principal,
    rights: Any,
    apply_to_children: bool = False,
) -> Ended:
    """End the named kinds of entities of an account, or of a contract, at an instant.

    Contracts and commitments end on days: on the day of the instant in the organization's
    timezone. What ends by then is left alone and not reported; what fails undoes nothing else.
    """
    config = OrganizationConfig.objects.get(organization_id=whose.organization_id)
    day = local_date(at, parse_timezone(config.timezone))
    result = Ended()
    for kind in dict.fromkeys(kinds):
        result.updated[kind], result.failed[kind] = {}, {}
        for row, is_shared in _rows(kind, whose, apply_to_children):
            wanted = day if isinstance(row, (Contract, Commitment)) else at
            if row.end_date is not None and row.end_date <= wanted:
                continue
            reason = SHARED if is_shared else _end(row, wanted, by=by, rights=rights)
            (result.failed if reason else result.updated)[kind][str(row.pk)] = reason
    return result


def _end(row: Any, wanted: Any, *, by: Principal, rights: Any) -> str:
    """End one entity; return why not, or an empty text."""
    if not rights.allows("config:update", registry.of(row).name, row.pk):
        return NOT_ALLOWED
    try:
        with transaction.atomic(), changes.editing(row, by=by) as changed:
            changed.end_date = wanted
    except DomainError as refusal:
        return refusal.message
    return ""


def _rows(
    kind: str, whose: Account | Contract, apply_to_children: bool
) -> Iterator[tuple[Any, bool]]:
    """Yield the entities of a kind, each with whether it is shared with other accounts."""
    for row in _FINDERS[kind](whose, apply_to_children):
        yield row, isinstance(row, (Pricing, CounterPricing)) and row.plan.account_id is None


def _accounts(whose: Account, apply_to_children: bool) -> list[Any]:
    children = whose.children.values_list("pk", flat=True) if apply_to_children else ()
    return [whose.pk, *children]


def _contracts(whose: Account | Contract, apply_to_children: bool) -> Iterable[Contract]:
    if isinstance(whose, Contract):
        return [whose]
    return Contract.objects.filter(account_id__in=_accounts(whose, apply_to_children)).order_by(
        "pk"
    )


def _linked(model: Any) -> Callable[[Account | Contract, bool], Iterable[Any]]:
    def rows(whose: Account | Contract, apply_to_children: bool) -> Iterable[Any]:
        if isinstance(whose, Contract):
            return model.objects.filter(contract=whose).order_by("pk")
        return model.objects.filter(account_id__in=_accounts(whose, apply_to_children)).order_by(
            "pk"
        )

    return rows


def _priced(model: Any) -> Callable[[Account | Contract, bool], Iterable[Any]]:
    """Return what finds the prices of attached plans; only bespoke plans' are ended (CON-10)."""

    def rows(whose: Account | Contract, apply_to_children: bool) -> Iterable[Any]:
        attached = _linked(AccountPlan)(whose, apply_to_children)
        plan_ids = {row.plan_id for row in attached}
        return model.objects.filter(plan_id__in=plan_ids).select_related("plan").order_by("pk")

    return rows


_FINDERS: dict[str, Callable[[Account | Contract, bool], Iterable[Any]]] = {
    "CONTRACT": _contracts,
    "ACCOUNTPLAN": _linked(AccountPlan),
    "PREPAYMENT": _linked(Commitment),
    "PRICINGS": _priced(Pricing),
    # Counters are priced elsewhere; there are none to end.
    "COUNTER_PRICINGS": _priced(CounterPricing),
}
