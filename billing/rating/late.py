"""What late usage is worth: a locked bill beside the same bill with the usage as it is now.

Both are results of the same rating; nothing is rated here. What minimum spends would give up or
ask more belongs to the usage that causes it, so that the parts add up to the whole difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from billing.rating.lines import LineType
from organizations.kernel.money import ZERO

MINIMUMS: Final = frozenset({LineType.MINIMUM_SPEND, LineType.MINIMUM_SPEND_REFUND})


class Held(msgspec.Struct, frozen=True, gc=False):
    """A line of one of the two bills, as far as it counts here."""

    line_type: str
    key: str
    account_plan_id: UUID | None
    pricing_id: UUID | None
    measured: UUID | None
    currency: str
    quantity: Decimal
    units: Decimal
    subtotal: Decimal


class Change(msgspec.Struct, frozen=True, gc=False):
    """How much one charge for usage differs; ``minimum`` is what minimum spends add to it."""

    key: str
    quantity: Decimal
    units: Decimal
    subtotal: Decimal
    minimum: Decimal = ZERO

    @property
    def amount(self) -> Decimal:
        """The whole difference."""
        return self.subtotal + self.minimum

    def less(self, other: Change) -> Change:
        """Return what is left of the change beside what was listed before."""
        return Change(
            self.key,
            self.quantity - other.quantity,
            self.units - other.units,
            self.subtotal - other.subtotal,
            self.minimum - other.minimum,
        )

    def __bool__(self) -> bool:
        return bool(self.quantity or self.units or self.subtotal or self.minimum)

    @property
    def is_of_usage(self) -> bool:
        """Whether the usage itself differs, not only what is charged for it."""
        return bool(self.quantity or self.units)


def usage_key(line: Held) -> str:
    """Return which charge a line of usage belongs to; overage is a part of the same charge."""
    parts = line.key.split("|")
    measured = line.measured.hex if line.measured else ""
    credit = "credit" if line.line_type == LineType.USAGE_CREDIT else ""
    return "|".join((*parts[1:5], measured, credit, parts[-1]))


def changes(
    stored: Sequence[Held], now: Sequence[Held], *, kept: Iterable[str] = ()
) -> dict[str, Change]:
    """Return the charges for usage that differ because usage does, and those of ``kept``."""
    before, after = _usage(stored), _usage(now)
    every = {
        key: _sums(key, after.get(key, ())).less(_sums(key, before.get(key, ())))
        for key in sorted(before.keys() | after.keys())
    }
    # Accounts of a family share one price: what one of them used changes the others' shares.
    shared = {_measured(key, before, after) for key, one in every.items() if one.is_of_usage}
    wanted = set(kept)
    found = {
        key: change
        for key, change in every.items()
        if key in wanted or (change and _measured(key, before, after) in shared)
    }
    owners = {key: next(iter(after.get(key) or before.get(key) or ())) for key in found}
    for difference, minimum in _minimums(stored, now):
        _give(found, owners, minimum, difference)
    return found


def _measured(key: str, *sides: Mapping[str, Sequence[Held]]) -> tuple[UUID | None, UUID | None]:
    line = next(line for side in sides for line in side.get(key, ()))
    return line.measured, line.pricing_id


def _usage(lines: Iterable[Held]) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = defaultdict(list)
    for line in lines:
        if line.measured is not None:
            found[usage_key(line)].append(line)
    return found


def _sums(key: str, lines: Iterable[Held]) -> Change:
    quantity = units = subtotal = ZERO
    for line in lines:
        quantity, units = quantity + line.quantity, units + line.units
        subtotal += line.subtotal
    return Change(key, quantity, units, subtotal)


def _minimums(stored: Sequence[Held], now: Sequence[Held]) -> list[tuple[Decimal, Held]]:
    """Return by how much each minimum spend differs, those of one price before those of plans."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    owners: dict[str, Held] = {}
    for sign, lines in ((-1, stored), (1, now)):
        for line in lines:
            if line.line_type in MINIMUMS:
                sums[line.key] += sign * line.subtotal
                owners[line.key] = line
    changed = [(sums[key], owners[key]) for key in sorted(sums) if sums[key]]
    return sorted(changed, key=lambda one: one[1].pricing_id is None)


def _give(
    found: dict[str, Change], owners: Mapping[str, Held], minimum: Held, difference: Decimal
) -> None:
    """Share a minimum's difference among the usage that lessens or raises it.

    A minimum spend never gives up more than the usage costs, so none goes below zero; what
    nothing of this plan explains is no matter of usage.
    """
    left = difference
    for key, change in found.items():
        owner = owners[key]
        is_of_it = owner.account_plan_id == minimum.account_plan_id and (
            minimum.pricing_id in (None, owner.pricing_id)
        )
        if not is_of_it or owner.currency != minimum.currency or left * change.amount >= 0:
            continue
        part = max(left, -change.amount) if left < 0 else min(left, -change.amount)
        found[key] = msgspec.structs.replace(change, minimum=change.minimum + part)
        left -= part
