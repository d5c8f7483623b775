"""PURE: "external field <- expression" of a configuration, in the calculation language (A9).

Sources are the entity that is sent by its name (``bill``, ``account``, ``contract``,
``commitment``, ``balance``), the account and contract it belongs to, and ``lineItem`` for fields of
lines; custom fields are ``account.customFields.region``.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from catalog.calculations import (
    ANY,
    Calculation,
    CalculationFailed,
    CalculationRefused,
    Scope,
    compile_calculation,
)
from catalog.calculations.limits import LONGEST_RULE
from catalog.calculations.names import FixedNames
from integrations.systems.base import Job, Refused

KEY, LINE_KEY = "fieldMappings", "lineFieldMappings"
FIELD, EXPRESSION = "externalField", "expression"
OF_ENTITY = ("bill", "account", "contract", "commitment", "balance")
OF_LINES = (*OF_ENTITY, "lineItem")
MOST, LONGEST_NAME = 100, 200
Sources = Mapping[str, Mapping[str, Any]]


class MappingFailed(ValueError):
    """An expression has no value for this entity; the sentence names the field."""


def faults(data: Mapping[str, Any], key: str) -> list[str]:
    """Return what is wrong with a table of fields, a sentence each; all at once."""
    rows = data.get(key)
    if rows is None:
        return []
    if not isinstance(rows, list) or len(rows) > MOST:
        return [f"must be a list of at most {MOST} fields"]
    found: list[str] = []
    seen = set()
    for place, row in enumerate(rows, 1):
        if not isinstance(row, Mapping) or row.keys() != {FIELD, EXPRESSION}:
            found.append(f"{place}: must be an object of {FIELD} and {EXPRESSION}")
            continue
        name, text = row[FIELD], row[EXPRESSION]
        if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
            found.append(f"{place}: {FIELD} must have 1 to {LONGEST_NAME} characters")
        elif name in seen:
            found.append(f"{place}: {name} is given twice")
        else:
            seen.add(name)
        if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_RULE:
            found.append(f"{place}: {EXPRESSION} must have 1 to {LONGEST_RULE:,} characters")
            continue
        try:
            _compiled(text, key == LINE_KEY)
        except CalculationRefused as error:
            found.append(f"{place}: {error}")
    return found


def values(
    rows: Sequence[Mapping[str, str]] | None, sources: Sources, *, of_line: bool = False
) -> dict[str, Any]:
    """Return the external fields with their values; raises ``MappingFailed``."""
    found: dict[str, Any] = {}
    for row in rows or []:
        try:
            calculation = _compiled(row[EXPRESSION], of_line)
            found[row[FIELD]] = calculation.evaluate(Scope(_Values(sources)))
        except (CalculationFailed, CalculationRefused) as error:
            raise MappingFailed(f"{row[FIELD]}: {error}") from None
    return found


def of_job(job: Job) -> dict[str, Any]:
    """Return the fields that a configuration maps for what is sent; raises ``Refused``."""
    try:
        return values(job.settings.get(KEY), job.sources)
    except MappingFailed as error:
        raise Refused(str(error)) from None


def names(data: Mapping[str, Any], key: str = KEY) -> list[str]:
    """Return the external fields of a table, as far as it is one."""
    rows = data.get(key)
    found = rows if isinstance(rows, list) else []
    return [str(row.get(FIELD)) for row in found if isinstance(row, Mapping)]


def text_of(value: Any) -> str:
    """Return a value as text, for systems that keep nothing else; null is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else "" if value is None else str(value)


@lru_cache(maxsize=2000)
def _compiled(text: str, of_line: bool) -> Calculation:
    known = FixedNames({}, OF_LINES if of_line else OF_ENTITY)
    return compile_calculation(text, known, expects=ANY)


class _Values(dict[str, Any]):
    """The values of the sources by their paths; absent is null."""

    def __init__(self, sources: Sources) -> None:
        super().__init__()
        self._sources = sources

    def get(self, path: str, default: Any = None) -> Any:
        """Return one value, null where there is none."""
        found: Any = self._sources
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return _plain(found)

    def __contains__(self, path: object) -> bool:
        return True

    def __getitem__(self, path: str) -> Any:
        return self.get(path)


def _plain(value: Any) -> Any:
    """Return a value as the language knows it."""
    if isinstance(value, bool) or value is None or isinstance(value, str | Decimal):
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, list) else str(value)
