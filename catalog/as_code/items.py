"""One item of a catalogue in the form in which two are compared: nothing left out, in order."""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from typing import Any

from catalog.as_code.kinds import BANDS, METER_FIELDS, Kind
from catalog.as_code.values import Ref, shown


def settled(kind: Kind, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of every field: what is left out, null or empty is its default."""
    found = {}
    for name in kind.fields:
        value = values.get(name)
        value = kind.default(name) if value is None or value == "" else value
        if name in BANDS and isinstance(value, list):
            value = _in_order(value)
        if name in METER_FIELDS and isinstance(value, list):
            value = [{"unit": None, **one} if isinstance(one, dict) else one for one in value]
        found[name] = value
    return found


def key_of(kind: Kind, values: dict[str, Any]) -> Hashable | None:
    """Return what tells an item apart from others of its section; None when that is missing."""
    if kind.key:
        return tuple(_hashable(values[name]) for name in kind.key)
    for by in ("code", "name"):
        if isinstance(values[by], str):
            return Ref(by, values[by])
    return None


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {shown(value[key])}" for key in sorted(value, key=str)) or None
    return value if isinstance(value, Hashable) else shown(value)


def _in_order(bands: list[Any]) -> list[Any]:
    """Return bands by lower limit, as they are stored; what is no ladder stays for the rules."""
    limits = [one.get("lowerLimit") for one in bands if isinstance(one, dict)]
    if len(limits) < len(bands) or not all(isinstance(one, (int, Decimal)) for one in limits):
        return bands
    return sorted(bands, key=lambda band: Decimal(band["lowerLimit"]))


def compact(kind: Kind, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that say more than their default, as a file shows them."""
    found = {}
    for name in kind.fields:
        value = values[name]
        if value is None or value == kind.default(name):
            continue
        if name in METER_FIELDS:
            value = [{key: part for key, part in one.items() if part is not None} for one in value]
        found[name] = value
    return found
