"""Measurements that cannot be stored, as senders get them wrong: for the page of failures."""

from datetime import datetime, timedelta

from billing.usage.reception import Item

TOKENS = {"input_tokens": 120_400, "output_tokens": 20_150}
MODEL = {"model": "cumulus-large"}
REGION = {"region": "us-east"}


def items(now: datetime) -> list[Item]:
    """Return one measurement of each fault, sent shortly before ``now``."""

    def at(minutes: int) -> str:
        return (now - timedelta(minutes=minutes)).isoformat()

    return [
        # A meter that was never made; the sender meant gpu_usage.
        Item("gpu_minutes", "halden-robotics", at(94), "f-0001", measure={"minutes": 480}),
        Item("gpu_minutes", "halden-robotics", at(34), "f-0002", measure={"minutes": 475}),
        # Fields left out.
        Item(
            "inference",
            "brightwater-analytics",
            at(72),
            "f-0003",
            what=MODEL,
            where=REGION,
            measure={"input_tokens": 88_000},
        ),
        Item("storage_usage", "quarry-lane", at(65), "f-0004", measure={"gb_hours": 3600}),
        # One field under two categories.
        Item(
            "inference",
            "cinder-games",
            at(51),
            "f-0005",
            what=MODEL,
            where=REGION,
            other={"region": "us-west"},
            measure=TOKENS,
        ),
        # An account code that is nearly one.
        Item(
            "inference",
            "Verity-Search",
            at(43),
            "f-0006",
            what=MODEL,
            where=REGION,
            measure=TOKENS,
        ),
    ]
