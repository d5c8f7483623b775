"""Request bodies of exports."""

from collections.abc import Mapping
from typing import Any

from tests.factories import number

DESTINATIONS = "dataexports/destinations"
SCHEDULES = "dataexports/schedules"


def destination(made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A bucket in Amazon S3."""
    return {
        "name": "Lake",
        "code": f"lake_{number()}",
        "destinationType": "S3",
        "bucketName": "our-data-lake",
        "prefix": "billing/raw",
        "partitionOrder": "TYPE_FIRST",
        "iamRoleArn": "arn:aws:iam::123456789012:role/exports",
    }


def ad_hoc(made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """An export by hand of operational data."""
    return {
        "sourceType": "OPERATIONAL",
        "operationalDataTypes": ["ACCOUNTS"],
        "exportFileFormat": "JSONL",
        "startDate": "2024-01-01T00:00:00.000Z",
        "destinationIds": [made[DESTINATIONS]["id"]],
    }


def schedule(made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """An export of operational data every two days."""
    return {
        "name": "Nightly",
        "code": f"nightly_{number()}",
        "sourceType": "OPERATIONAL",
        "destinationIds": [made[DESTINATIONS]["id"]],
        "scheduleType": "DAY",
        "period": 2,
        "offset": 3,
        "exportFileFormat": "JSONL",
        "operationalDataTypes": ["ACCOUNTS", "BILLS"],
    }


CREATED = ((DESTINATIONS, destination), (SCHEDULES, schedule))
