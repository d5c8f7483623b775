"""What a price was billed by already, and a new price that takes over from it at a date.

An app above knows the bills: it registers who looks them up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from organizations.kernel import changes
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.kernel.principals import Principal

PLACE = (
    "plan_id", "plan_template_id", "aggregation_id", "compound_aggregation_id", "counter_id",
    "segment",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Use:
    """How many accounts a price was billed to, and the locked bills (id, what each is called)."""

    accounts: int = 0
    locked_count: int = 0
    locked: tuple[tuple[UUID, str], ...] = ()


Find = Callable[[Any], Use]
_finders: list[Find] = []


def register(find: Find) -> None:
    """Let an app above say what a price was billed by."""
    if find not in _finders:
        _finders.append(find)


def of(price: Any) -> Use:
    """Return the use of a stored pricing or counter pricing."""
    return next((find(price) for find in _finders), Use())


def take_over(old: Any, new: Any, *, by: Principal, version: int | None = None) -> Any:
    """End one price where a new one begins, and create the new one; both or neither."""
    if any(getattr(old, name, None) != getattr(new, name, None) for name in PLACE):
        raise DomainError("A new price takes over from one of the same plan and the same usage.")
    if new.start_date <= old.start_date:
        raise FieldRefused("startDate", "must be after the start of the price it takes over from")
    with transaction.atomic():
        with changes.editing(old, by=by, version=version) as ending:
            if ending.end_date is not None and ending.end_date < new.start_date:
                raise FieldRefused("startDate", "the price it takes over from ends before")
            ending.end_date = new.start_date
        return changes.create(new, by=by)
