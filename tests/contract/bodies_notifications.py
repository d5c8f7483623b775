"""Request bodies of scheduled events and rules."""

from collections.abc import Mapping
from typing import Any

from tests.factories import number

RULES = "notifications/configurations"
SCHEDULED = "scheduledevents/configurations"


def scheduled_event(made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """An event a century after a bill's period has ended: of each bill it is still to come."""
    return {
        "name": f"scheduled.bill.ended{number()}",
        "entity": "Bill",
        "field": "endDate",
        "offset": 36525,
    }


def rule(made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A rule about bills that are approved."""
    return {
        "name": "Approved",
        "description": "A bill was approved",
        "code": f"approved_{number()}",
        "active": True,
        "alwaysFireEvent": False,
        "eventName": "billing.bill.updated",
        "calculation": 'new.status == "APPROVED" AND old.status != "APPROVED"',
    }


CREATED = ((SCHEDULED, scheduled_event), (RULES, rule))
