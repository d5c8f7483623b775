"""What a calculation is evaluated with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Protocol

from catalog.calculations.types import Value


class Lookup(Protocol):
    """Finds values in the published revisions of lookup tables (usage.md 15.6)."""

    def find(self, table: str, field: str, keys: tuple[Value, ...]) -> Value:
        """Return the value of ``field`` in the row with these keys.

        ``None`` where no row has them, or the table has no published revision: the default of the
        call is used then. Raises ``CalculationFailed`` where there is no such table or field, or
        the number of keys is wrong.
        """


class Scope:
    """Values by the keys of the names, the organization's timezone, and its lookup tables."""

    __slots__ = ("lookup", "values", "zone")

    def __init__(
        self,
        values: Mapping[str, Value],
        *,
        zone: tzinfo = UTC,
        lookup: Lookup | None = None,
    ) -> None:
        self.values = values
        self.zone = zone
        self.lookup = lookup
