"""Request bodies of the catalogue that are right; a test changes what it is about."""

from typing import Any

from tests.clients import ApiClient
from tests.factories import number


def meter(**overrides: Any) -> dict[str, Any]:
    """A global meter with a numeric and a text field."""
    return {
        "name": "Requests",
        "code": f"requests-{number()}",
        "dataFields": [
            {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "tokens"},
            {"category": "WHERE", "code": "region", "name": "Region"},
        ],
        "derivedFields": [],
        **overrides,
    }


def aggregation(meter_id: str, **overrides: Any) -> dict[str, Any]:
    """A SUM of the numeric field."""
    return {
        "name": "Tokens",
        "code": f"tokens_{number()}",
        "meterId": meter_id,
        "targetField": "tokens",
        "aggregation": "SUM",
        "rounding": "NONE",
        "quantityPerUnit": 1,
        "unit": "tokens",
        **overrides,
    }


def plan_template(product_id: str, **overrides: Any) -> dict[str, Any]:
    """A monthly template in USD."""
    return {
        "productId": product_id,
        "name": "Monthly",
        "currency": "USD",
        "standingCharge": 20,
        "billFrequency": "MONTHLY",
        **overrides,
    }


def pricing(plan_id: str | None, aggregation_id: str, **overrides: Any) -> dict[str, Any]:
    """A price of 0.10 a unit."""
    return {
        "planId": plan_id,
        "aggregationId": aggregation_id,
        "startDate": "2024-01-01T00:00:00Z",
        "cumulative": True,
        "pricingBands": [{"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 0.1}],
        **overrides,
    }


def made(api: ApiClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create over the API and return the row; fails the test when refused."""
    answer = api.post(path, body)
    assert answer.status == 200, answer
    return answer.json


def made_plan(api: ApiClient, **template: Any) -> dict[str, Any]:
    """Create product, template and plan; returns the plan."""
    product = made(api, "products", {"name": "P", "code": f"p{number()}"})
    parent = made(api, "plantemplates", plan_template(product["id"], **template))
    body = {"planTemplateId": parent["id"], "name": "Plan", "code": f"plan{number()}"}
    return made(api, "plans", body)


def made_aggregation(api: ApiClient, **overrides: Any) -> dict[str, Any]:
    """Create a meter and an aggregation on it; returns the aggregation."""
    return made(api, "aggregations", aggregation(made(api, "meters", meter())["id"], **overrides))


def made_account(api: ApiClient, **overrides: Any) -> dict[str, Any]:
    """Create an account."""
    n = number()
    body = {"name": f"Account {n}", "code": f"acc-{n}", "emailAddress": f"a{n}@example.com"}
    return made(api, "accounts", {**body, **overrides})
