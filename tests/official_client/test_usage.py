"""The SDK sends usage in lots of a thousand and asks questions about it."""

from typing import Any

import pytest
from m3ter import BadRequestError

pytestmark = pytest.mark.django_db
FIELDS: list[Any] = [
    {"category": "MEASURE", "code": "gb", "name": "Stored", "unit": "GiBy"},
    {"category": "WHERE", "code": "region", "name": "Region", "unit": ""},
]


def test_many_measurements_are_sent_in_lots_and_asked_by_month_and_region(client):
    product = client.products.create(name="Cloud", code="cloud")
    meter = client.meters.create(
        name="Storage", code="storage", product_id=product.id, data_fields=FIELDS,
        derived_fields=[],
    )  # fmt: skip
    measurements: list[Any] = [
        {
            "uid": f"u{number}", "meter": "storage", "account": "acme",
            "ts": f"2024-0{1 + number % 2}-05T00:00:00Z", "measure": {"gb": 0.5},
            "where": {"region": "eu" if number % 4 else "us"},
        }
        for number in range(1200)
    ]  # fmt: skip

    answers = list(client.usage.submit_all(measurements=measurements))
    window = {"start_date": "2024-01-01T00:00:00Z", "end_date": "2024-03-01T00:00:00Z"}
    about = {"meter_id": meter.id}
    # Even numbers are January's: 600, half of them of the US; odd ones are February's, all EU.
    found = client.usage.query(
        meter_ids=[meter.id],
        aggregations=[
            {**about, "field_code": "gb", "field_type": "MEASURE", "function": "SUM"}
        ],
        groups=[
            {"group_type": "TIME", "frequency": "MONTH"},
            # The SDK's type of a group has no fields of its own: they are written as on the wire.
            {"group_type": "DIMENSION", "fieldCode": "region", "meterId": meter.id},
        ],
        **window,
    )  # fmt: skip
    raw = client.usage.query(meter_ids=[meter.id], limit=10, **window)
    filtered = client.usage.query(
        meter_ids=[meter.id],
        dimension_filters=[{**about, "field_code": "region", "values": ["us"]}],
        limit=400, **window,
    )  # fmt: skip
    with pytest.raises(BadRequestError):
        client.usage.query(groups=[{"group_type": "TIME", "frequency": "MONTH"}], **window)

    assert [one.result for one in answers] == ["accepted", "accepted"]
    sums = {(row["timestamp"][:7], row["region"]): row["gb_SUM"] for row in found.data}
    assert sums == {("2024-01", "eu"): 150, ("2024-01", "us"): 150, ("2024-02", "eu"): 300}
    assert (len(raw.data), raw.has_more_data) == (10, True)
    assert (len(filtered.data), filtered.has_more_data) == (300, False)
    assert {row["region"] for row in filtered.data} == {"us"}
