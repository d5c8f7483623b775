"""Request bodies of lookup tables, their revisions and data."""

from collections.abc import Mapping
from typing import Any

from tests.clients import ApiClient
from tests.factories import number

Made = Mapping[str, dict[str, Any]]


def table(made: Made) -> dict[str, Any]:
    """Prices of GPU types."""
    return {"name": "GPU types", "code": f"gpus {number()}", "customFields": {"owner": "Infra"}}


def revision(made: Made) -> dict[str, Any]:
    """Price and vendor by type."""
    return {
        "name": "January",
        "startDate": "2026-01-01T00:00:00.000Z",
        "fields": [
            {"name": "gpu", "type": "STRING"},
            {"name": "rate", "type": "NUMBER"},
            {"name": "vendor", "type": "STRING"},
        ],
        "keys": ["gpu"],
        "customFields": {"ticket": 7},
    }


ITEMS = [
    {"gpu": "a100", "rate": 1.25, "vendor": "N"},
    {"gpu": "h100", "rate": 2.5, "vendor": None},
]
CREATED = (("lookuptables", table),)


def fill(api: ApiClient, made: dict[str, dict[str, Any]]) -> None:
    """Give the table that was made a draft with data, and a job that reads them."""
    revisions = f"lookuptables/{made['lookuptables']['id']}/revisions"
    answer = api.post(revisions, revision(made))
    assert answer.status == 200, answer
    made["revisions"] = answer.json
    data = f"{revisions}/{answer.json['id']}/data"
    assert api.put(data, {"items": ITEMS}).status == 200
    started = api.post(f"{data}/jobs/download", {"contentType": "text/csv"})
    assert started.status == 200, started
