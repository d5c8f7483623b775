"""Which bills a run is about, and what it sets instead of the organization's settings.

Values only: read by the snapshot, stored with the job and, where they outlive it, with the bill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from organizations.kernel.money import ConversionRate

EPOCHS = ("day", "week", "month", "year")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a job sets for the bills it makes (JOB-4); ``None`` or empty: as configured.

    A bill keeps them, so that a recalculation computes the same bill again (JOB-14).
    """

    timezone: str | None = None
    target_currency: str | None = None
    conversions: tuple[ConversionRate, ...] = ()
    epochs: Mapping[str, date] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """Return them as the bill's ``overrides`` column keeps them."""
        kept = {
            "timezone": self.timezone,
            "targetCurrency": self.target_currency,
            "currencyConversions": conversions_stored(self.conversions),
            "epochs": {name: day.isoformat() for name, day in self.epochs.items()},
        }
        return {name: value for name, value in kept.items() if value}


@dataclass(frozen=True, slots=True)
class PrintedDates:
    """Dates printed on a bill that may differ from the natural ones (JOB-4, JOB-6)."""

    bill_date: date | None = None
    due_date: date | None = None
    external_invoice_date: date | None = None


@dataclass(frozen=True, slots=True)
class DueBills:
    """The bills whose periods contain the day ``on`` (JOB-5), of all or some frequencies.

    ``late_data_at``: also the bills of the period before, for a day after its end, and none whose
    plans ended more than a day before this instant: what a scheduled run covers (SCB-3).
    """

    on: date
    frequency: str | None = None
    interval: int | None = None
    overrides: Overrides = Overrides()
    dates: PrintedDates = PrintedDates()
    late_data_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TheseBills:
    """Bills that exist, calculated again with the dates they have (JOB-14)."""

    bill_ids: frozenset[UUID]


def restore(stored: Mapping[str, Any]) -> Overrides:
    """Return the overrides that a bill kept."""
    return Overrides(
        timezone=stored.get("timezone"),
        target_currency=stored.get("targetCurrency"),
        conversions=conversions(stored.get("currencyConversions", ())),
        epochs={name: date.fromisoformat(day) for name, day in stored.get("epochs", {}).items()},
    )


def conversions(stored: Sequence[Mapping[str, Any]]) -> tuple[ConversionRate, ...]:
    """Return rates from the wire's ``{from, to, multiplier}`` objects."""
    return tuple(
        ConversionRate(rate["from"], rate["to"], Decimal(rate["multiplier"])) for rate in stored
    )


def conversions_stored(rates: Sequence[ConversionRate]) -> list[dict[str, Any]]:
    """Return rates as the wire and the columns have them."""
    return [
        {"from": rate.from_code, "to": rate.to_code, "multiplier": rate.multiplier}
        for rate in rates
    ]
