"""What has to change for one catalogue to become another, as values and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import catalog.as_code.kinds as kinds
from catalog.as_code.items import compact
from catalog.as_code.values import Catalogue, Item, shown

CREATE, UPDATE, DELETE = "create", "update", "delete"
SIGNS = {CREATE: "+", UPDATE: "~", DELETE: "-"}
# Prices and links go before what they are about, and before those that take their place.
FIRST_TO_GO = (kinds.PRICINGS, kinds.COUNTER_PRICINGS, kinds.LINKS)
# What is sold is not billed by itself; of meters, aggregations and prices each is.
UNBILLED = frozenset({kinds.PRODUCTS})


@dataclass(frozen=True, slots=True)
class Change:
    """One item to make, change or delete; ``fields`` are (name, before, after)."""

    verb: str
    item: Item
    fields: tuple[tuple[str, Any, Any], ...] = ()

    @property
    def moves_money(self) -> bool:
        """Whether a bill may have other amounts after it."""
        if self.item.section in UNBILLED:
            return False
        return self.verb != UPDATE or any(
            name not in kinds.WITHOUT_MONEY for name, _, _ in self.fields
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """Changes in the order they are made, and what is stored but not wanted and left alone."""

    changes: tuple[Change, ...]
    left: tuple[Item, ...]


def compare(stored: Catalogue, wanted: Catalogue, *, prunes: bool) -> Difference:
    """Return how ``stored`` becomes ``wanted``; ``prunes`` deletes what is not wanted."""
    gone = [
        item
        for section in (*FIRST_TO_GO, *_others_backwards())
        for key, item in stored.get(section, {}).items()
        if key not in wanted.get(section, {})
    ]
    deletes = [Change(DELETE, item) for item in gone] if prunes else []
    first = [change for change in deletes if change.item.section in FIRST_TO_GO]
    last = [change for change in deletes if change.item.section not in FIRST_TO_GO]
    saves = [
        change
        for kind in kinds.ALL
        for change in _saves(stored.get(kind.section, {}), wanted.get(kind.section, {}))
    ]
    return Difference((*first, *saves, *last), () if prunes else tuple(gone))


def _others_backwards() -> Iterator[str]:
    return (kind.section for kind in reversed(kinds.ALL) if kind.section not in FIRST_TO_GO)


def _saves(stored: dict[Any, Item], wanted: dict[Any, Item]) -> list[Change]:
    """Return what is changed, then what is new: a price ends before the next one begins."""
    updates, creates = [], []
    for key, item in wanted.items():
        if key not in stored:
            creates.append(Change(CREATE, item))
            continue
        before = stored[key].values
        fields = tuple(
            (name, before[name], after)
            for name, after in item.values.items()
            if before[name] != after
        )
        if fields:
            updates.append(Change(UPDATE, item, fields))
    return updates + creates


def lines(change: Change) -> Iterator[str]:
    """Tell one change: what, and each field as it was and will be."""
    yield f"{SIGNS[change.verb]} {change.item.label}"
    if change.verb == UPDATE:
        for name, before, after in change.fields:
            yield f"    {name}: {shown(before)} -> {shown(after)}"
    if change.verb == CREATE:
        kind = kinds.BY_SECTION[change.item.section]
        for name, value in compact(kind, change.item.values).items():
            if name not in kind.key:
                yield f"    {name}: {shown(value)}"


def summary(changes: Iterable[Change]) -> str:
    """Return ``2 to create, 1 to change, 0 to delete``."""
    verbs = [change.verb for change in changes]
    return (
        f"{verbs.count(CREATE)} to create, {verbs.count(UPDATE)} to change, "
        f"{verbs.count(DELETE)} to delete"
    )
