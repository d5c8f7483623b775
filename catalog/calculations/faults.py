"""What is wrong with a calculation: refused when it is saved, or failed while it runs."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason, and the characters it is about: ``position`` counts from 0."""

    reason: str
    position: int
    length: int = 1


class CalculationRefused(Exception):
    """The text is no calculation that may be saved; the sentence names each place and reason."""

    def __init__(self, text: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.position))
        super().__init__("; ".join(_sentence(text, fault) for fault in self.faults))


class CalculationFailed(Exception):
    """A calculation that was saved cannot be evaluated with these values."""


def place(text: str, position: int) -> str:
    """Return the place in words, counted from 1; the line only where there are several."""
    before = text[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    return f"line {line}, character {column}" if "\n" in text else f"character {column}"


def _sentence(text: str, fault: Fault) -> str:
    return f"{place(text, fault.position)}: {fault.reason}"
