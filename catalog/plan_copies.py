"""A copy of a plan with its prices under another name and code."""

from copy import copy
from typing import Any

from django.db import transaction

from catalog.models import Plan
from organizations.kernel import changes, ids
from organizations.kernel.principals import Principal


def duplicate(plan: Plan, name: str, code: str, prices: list[Any], *, by: Principal) -> Plan:
    """Create the copy and copies of ``prices``, which are the plan's own; all or nothing."""
    with transaction.atomic():
        made = _fresh(plan)
        made.name, made.code = name, code
        changes.create(made, by=by)
        for price in prices:
            fresh = _fresh(price)
            fresh.plan, fresh.code = made, None
            changes.create(fresh, by=by)
    return made


def _fresh(row: Any) -> Any:
    """Return an unsaved copy; bands get ids of their own when the rules look at them."""
    fresh = copy(row)
    fresh._state = copy(row._state)
    fresh.pk, fresh._state.adding, fresh.version = ids.new_id(), True, 1
    return fresh
