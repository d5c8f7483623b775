"""Request bodies of saved queries."""

from collections.abc import Mapping
from typing import Any

QUERIES = "usage/savedqueries"


def saved_query(made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Bytes and requests a day, by account and region."""
    meter, account = made["meters"], made["accounts"]
    return {"name": "Usage of the month", "usageQuery": usage_query(meter, account)}


def usage_query(meter: dict[str, Any], account: dict[str, Any]) -> dict[str, Any]:
    """A query with everything."""
    numeric, text = _fields(meter)
    return {
        "timePeriod": "MONTH_TO_DATE",
        "startDate": "2024-06-01T00:00:00.000Z",
        "endDate": "2024-07-01T00:00:00.000Z",
        "meterIds": [meter["id"]],
        "accountIds": [account["id"]],
        "dimensionFilters": [{"meterId": meter["id"], "fieldCode": text, "values": ["eu", "us"]}],
        "aggregations": [
            {"meterId": meter["id"], "fieldCode": numeric, "fieldType": "MEASURE",
             "function": "SUM"},
        ],
        "groups": [
            {"groupType": "TIME", "frequency": "DAY"},
            {"groupType": "ACCOUNT"},
            {"groupType": "DIMENSION", "meterId": meter["id"], "fieldCode": text},
        ],
        "limit": 100,
    }  # fmt: skip


def _fields(meter: dict[str, Any]) -> tuple[str, str]:
    """Return the codes of a numeric field and of one that may be a filter."""
    by_kind = {}
    for one in meter["dataFields"]:
        kind = "number" if one["category"] in {"MEASURE", "INCOME", "COST"} else one["category"]
        by_kind.setdefault(kind, one["code"])
    text = next(by_kind[kind] for kind in ("WHERE", "WHAT", "WHO", "OTHER") if kind in by_kind)
    return by_kind["number"], text


CREATED = ((QUERIES, saved_query),)
