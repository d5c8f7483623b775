"""PURE: which accounts an integration is for, in the calculation language (A4).

``address.country == US``: a bare word right of a comparison is a text, as the documented filters
write it.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from catalog.calculations import (
    ANY,
    CONSTANTS,
    Calculation,
    CalculationFailed,
    CalculationRefused,
    Found,
    Scope,
    Type,
    UnknownName,
    Value,
    compile_calculation,
)
from catalog.calculations.limits import LONGEST_RULE

ADDRESS = (
    "addressLine1", "addressLine2", "addressLine3", "addressLine4", "locality", "region",
    "postCode", "country",
)  # fmt: skip
OF_ACCOUNT = {"id": "id", "accountName": "name", "accountCode": "code", "currency": "currency"}
_PARTS = re.compile(
    r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|((?:==|!=|<>|<=|>=|<|>)\s*)([A-Za-z_]\w*)(?![\w.(\[])""",
    re.DOTALL,
)


def fault(text: str) -> str:
    """Return what is wrong with a filter; empty when nothing is."""
    if len(text) > LONGEST_RULE:
        return f"may have at most {LONGEST_RULE:,} characters"
    try:
        _compiled(text)
    except CalculationRefused as error:
        return str(error)
    return ""


def ask(text: str, account: Mapping[str, Any]) -> tuple[bool, str]:
    """Say whether the filter is true; what it fails with counts as not true, and is told."""
    try:
        return bool(_compiled(text).evaluate(Scope(_Values(account)))), ""
    except (CalculationFailed, CalculationRefused) as error:
        return False, str(error)


@lru_cache(maxsize=1000)
def _compiled(text: str) -> Calculation:
    return compile_calculation(_quoted(text), _Names(), expects=Type.BOOLEAN)


def _quoted(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] or match[3] in CONSTANTS or match[3] in OF_ACCOUNT:
            return match[0]
        return f'{match[2]}"{match[3]}"'

    return _PARTS.sub(one, text)


class _Names:
    """What a filter may speak of."""

    def find(self, path: tuple[str, ...]) -> Found:
        """Return a field of the account."""
        if path[0] == "customFields" and len(path) == 2:
            return Found(".".join(path), ANY)
        if path[0] == "address" and len(path) == 2 and path[1] in ADDRESS:
            return Found(".".join(path), Type.TEXT)
        if len(path) == 1 and path[0] in OF_ACCOUNT:
            return Found(path[0], Type.TEXT)
        raise UnknownName(f"there is no {'.'.join(path)[:120]} of an account")

    def lookup_key(self, literal: str) -> Found | None:
        """No quoted key stands for a name here."""
        return None

    def offered(self) -> Iterable[str]:
        """Return the names there are."""
        return (*OF_ACCOUNT, *(f"address.{name}" for name in ADDRESS))


class _Values(dict[str, Value]):
    """The values of one account by their paths; absent is null."""

    def __init__(self, account: Mapping[str, Any]) -> None:
        super().__init__({name: account.get(key) for name, key in OF_ACCOUNT.items()})
        self._account = account

    def get(self, path: str, default: Any = None) -> Any:
        """Return one value, None where there is none."""
        if path in self:
            return self[path]
        group, _, name = path.partition(".")
        found = (self._account.get(group) or {}).get(name)
        return Decimal(found) if isinstance(found, int) and not isinstance(found, bool) else found
