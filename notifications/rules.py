"""PURE: what a rule makes of an event (B7, B9).

A calculation is compiled once a process: its text decides, for while it runs any field may be
asked for and each is of the type it is found with. Whether it may be saved is checked against the
fields and types of one type of event.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from catalog.calculations import (
    ANY,
    Calculation,
    CalculationFailed,
    CalculationRefused,
    FixedNames,
    Found,
    Scope,
    Type,
    UnknownName,
    Value,
    compile_calculation,
)
from catalog.calculations.limits import LONGEST_RULE

FIRED, NOT_FIRED, FAILED = VERDICTS = ("fired", "not fired", "failed")
MOST_COMPILED = 10_000
COPIES = ("new", "old")
_TYPES = {
    "string": Type.TEXT,
    "double": Type.NUMBER,
    "int": Type.NUMBER,
    "boolean": Type.BOOLEAN,
    "array": Type.LIST,
    "map": Type.LIST,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict about one event; ``error`` says why it could not be reached."""

    verdict: str
    error: str = ""


_FIRED, _NOT_FIRED = Outcome(FIRED), Outcome(NOT_FIRED)


class Asking:
    """One event that any number of rules are asked about: each field is looked up once."""

    __slots__ = ("_scope",)

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self._scope = Scope(_Fields(payload))

    def ask(self, calculation: str, *, always: bool = False) -> Outcome:
        """Return whether a rule fires; what fires always is not calculated at all."""
        if always:
            return _FIRED
        if not calculation or calculation.isspace():
            return _NOT_FIRED
        try:
            is_true = _compiled(calculation).evaluate(self._scope)
        except (CalculationFailed, CalculationRefused) as error:
            return Outcome(FAILED, str(error))
        return _FIRED if is_true else _NOT_FIRED


def ask(calculation: str, payload: Mapping[str, Any], *, always: bool = False) -> Outcome:
    """Return whether a single rule fires on an event."""
    return Asking(payload).ask(calculation, always=always)


def faults(calculation: str, fields: Mapping[str, str]) -> str:
    """Return what is wrong with a calculation about events with these fields; empty if nothing.

    ``fields`` are paths with the contract's words for types, as ``events/fields`` lists them.
    """
    if len(calculation) > LONGEST_RULE:
        return f"a calculation may have at most {LONGEST_RULE:,} characters"
    try:
        compile_calculation(calculation, names_of(fields), expects=Type.BOOLEAN)
    except CalculationRefused as error:
        return str(error)
    return ""


def names_of(fields: Mapping[str, str]) -> FixedNames:
    """Return what a calculation about events with these fields may speak of."""
    # Any of them may be null when it runs. That makes no comparison sensible which is not.
    types = {path: _TYPES[word] for path, word in fields.items()}
    return FixedNames(types, {path for path, word in fields.items() if word == "map"})


@lru_cache(maxsize=MOST_COMPILED)
def _compiled(calculation: str) -> Calculation:
    return compile_calculation(calculation, _AnyField(), expects=Type.BOOLEAN)


class _AnyField:
    """Names of whatever an event may hold."""

    def find(self, path: tuple[str, ...]) -> Found:
        """Return any field of either copy of the row."""
        if path[0] not in COPIES or len(path) == 1:
            raise UnknownName(f"there is no {'.'.join(path)[:120]} in an event")
        return Found(".".join(path), ANY)

    def lookup_key(self, literal: str) -> Found | None:
        """No quoted key stands for a name here."""
        return None

    def offered(self) -> Iterable[str]:
        """Return nothing: what there is depends on the event."""
        return ()


class _Fields(dict[str, Value]):
    """The values of one event by their paths, as far as they were asked for; absent is null."""

    __slots__ = ("_copies",)

    def __init__(self, payload: Mapping[str, Any]) -> None:
        data = payload.get("eventData") or {}
        super().__init__()
        self._copies = {which: data.get(f"{which}Dto") for which in COPIES}

    def get(self, path: str, default: Any = None) -> Any:
        """Return one value, None where there is none."""
        if path in self:
            return self[path]
        value = self[path] = _found(self._copies, path)
        return value


def _found(within: Any, path: str) -> Value:
    """Follow a path; a name may hold dots itself, so the longest that is there is taken."""
    if not isinstance(within, Mapping):
        return None
    if path in within:
        value: Value = within[path]
        return value
    end = path.rfind(".")
    while end > 0:
        if path[:end] in within:
            return _found(within[path[:end]], path[end + 1 :])
        end = path.rfind(".", 0, end)
    return None
