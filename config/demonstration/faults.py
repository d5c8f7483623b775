"""Measurements that cannot be stored, as senders get them wrong: for the page of failures."""

from datetime import datetime, timedelta
from typing import Any

from billing.usage.reception import Item

MODEL = {"what": {"model": "cumulus-large"}, "where": {"region": "us-east"}}
TOKENS = {"input_tokens": 120_400, "output_tokens": 20_150}
# Meter, account, minutes before the present, the maps of the measurement.
FAULTS: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
    # A meter that was never made; the sender meant gpu_usage.
    ("gpu_minutes", "halden-robotics", 94, {"measure": {"minutes": 480}}),
    ("gpu_minutes", "halden-robotics", 34, {"measure": {"minutes": 475}}),
    # Fields left out.
    ("inference", "brightwater-analytics", 72, {**MODEL, "measure": {"input_tokens": 88_000}}),
    ("storage_usage", "quarry-lane", 65, {"measure": {"gb_hours": 3600}}),
    # One field under two categories.
    ("inference", "cinder-games", 51, {**MODEL, "other": {"region": "b"}, "measure": TOKENS}),
    # An account code that is nearly one.
    ("inference", "Verity-Search", 43, {**MODEL, "measure": TOKENS}),
)


def items(now: datetime) -> list[Item]:
    """Return one measurement of each fault, sent shortly before ``now``."""
    return [
        Item(meter, account, _before(now, minutes), f"fault-{number}", **maps)
        for number, (meter, account, minutes, maps) in enumerate(FAULTS, start=1)
    ]


def _before(now: datetime, minutes: int) -> str:
    return (now - timedelta(minutes=minutes)).isoformat()
