"""Two real traces of LLM requests, metered, priced and billed for November 2023.

The traces are not part of the project: ``TRACES`` names their folder (AzureLLMInferenceTrace
conv and code, 28,185 requests of 2023-11-16).
"""

import csv
import os
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.catalog import bodies
from tests.catalog.bodies import made
from tests.clients import ApiClient

FOLDER = Path(os.environ.get("TRACES", Path(__file__).parent.parent.parent / "shared" / "data"))
FILES = {
    "chat": "AzureLLMInferenceTrace_conv.csv",
    "code": "AzureLLMInferenceTrace_code.csv",
}

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not (FOLDER / FILES["chat"]).exists(),
        reason=f"no traces in {FOLDER}; set TRACES to the folder that holds {FILES['chat']}",
    ),
]


def measurements(account: str) -> Iterator[dict[str, Any]]:
    """Each request of the trace as one measurement."""
    with (FOLDER / FILES[account]).open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            yield {
                "uid": f"{account}-{number}",
                "meter": "llm",
                "account": account,
                "ts": row["TIMESTAMP"].strip().replace(" ", "T")[:26] + "Z",
                "measure": {
                    "context_tokens": int(row["ContextTokens"]),
                    "generated_tokens": int(row["GeneratedTokens"]),
                },
            }


def send(api: ApiClient, account: str) -> int:
    """Post the whole trace in requests of 1,000; returns how many were sent."""
    sent, rows = 0, measurements(account)
    while batch := list(islice(rows, 1000)):
        answer = api.post("measurements", {"measurements": batch})
        assert answer.json == {"result": "accepted"}, answer
        sent += len(batch)
    return sent


def price(api: ApiClient, context_bands: list[tuple], generated_price: Decimal) -> None:
    """Make the catalogue of the case and attach both accounts from 1 November 2023."""
    product = made(api, "products", {"name": "LLM", "code": "llm"})
    fields = [
        {"category": "MEASURE", "code": code, "name": code, "unit": "tokens"}
        for code in ("context_tokens", "generated_tokens")
    ]
    meter = made(api, "meters", {
        "name": "LLM", "code": "llm", "productId": product["id"], "dataFields": fields,
        "derivedFields": [],
    })  # fmt: skip
    plan_template = made(api, "plantemplates", bodies.plan_template(product["id"]))
    plan = made(api, "plans", {
        "planTemplateId": plan_template["id"], "name": "LLM", "code": "llm",
    })  # fmt: skip
    for field, bands in (
        ("context_tokens", context_bands),
        ("generated_tokens", [(0, generated_price)]),
    ):
        aggregation = made(api, "aggregations", bodies.aggregation(
            meter["id"], targetField=field, quantityPerUnit=1_000_000, code=field, name=field,
        ))  # fmt: skip
        made(api, "pricings", bodies.pricing(
            plan["id"], aggregation["id"], startDate="2023-01-01T00:00:00Z",
            pricingBands=[
                {"lowerLimit": limit, "fixedPrice": 0, "unitPrice": unit_price}
                for limit, unit_price in bands
            ],
        ))  # fmt: skip
    for code in FILES:
        account = made(api, "accounts", {
            "name": code, "code": code, "emailAddress": f"{code}@example.com",
        })  # fmt: skip
        made(api, "accountplans", {
            "accountId": account["id"], "planId": plan["id"],
            "startDate": "2023-11-01T00:00:00Z",
        })  # fmt: skip


def bill(api: ApiClient) -> dict[str, list[Decimal]]:
    """Run November's bills; returns each account's subtotals by type and size, and the total."""
    job = api.post("billjobs", {"lastDateInBillingPeriod": "2023-11-30"}).json
    done = api.get(f"billjobs/{job['id']}").json
    assert (done["status"], done["pending"]) == ("COMPLETE", 0)
    rows = api.get("bills", includeBillTotal="true").json["data"]
    return {
        row["accountCode"]: [
            *sorted((line["subtotal"] for line in row["lineItems"]), reverse=True),
            row["billTotal"],
        ]
        for row in rows
    }


def test_november_2023_costs_what_it_costs_by_hand(api, eager_tasks):
    # Context tokens, in millions: conv 22.361870, code 18.059974; 10 x 0.50 + the rest x 0.40
    #   conv 5.00 + 12.361870 x 0.40 = 9.944748 -> 9.94
    #   code 5.00 +  8.059974 x 0.40 = 8.2239896 -> 8.22
    # Generated tokens: conv 4.088665 x 1.50 = 6.1329975 -> 6.13; code 0.245896 x 1.50 -> 0.37
    price(api, [(0, Decimal("0.50")), (10, Decimal("0.40"))], Decimal("1.50"))
    assert (send(api, "chat"), send(api, "code")) == (19_366, 8_819)
    expected = {
        "chat": [Decimal(20), Decimal("9.94"), Decimal("6.13"), Decimal("36.07")],
        "code": [Decimal(20), Decimal("8.22"), Decimal("0.37"), Decimal("28.59")],
    }

    assert bill(api) == expected

    assert (send(api, "chat"), send(api, "code")) == (19_366, 8_819)
    assert bill(api) == expected


def test_another_price_table_gives_its_own_figures(api, eager_tasks):
    # Context 0.10 up to 20 million, 0.05 above; generated 0.
    #   conv 2.00 + 2.361870 x 0.05 = 2.1180935 -> 2.12; code 18.059974 x 0.10 = 1.8059974 -> 1.81
    price(api, [(0, Decimal("0.10")), (20, Decimal("0.05"))], Decimal(0))
    send(api, "chat")
    send(api, "code")

    billed = bill(api)

    assert billed["chat"] == [Decimal(20), Decimal("2.12"), Decimal(0), Decimal("22.12")]
    assert billed["code"] == [Decimal(20), Decimal("1.81"), Decimal(0), Decimal("21.81")]
