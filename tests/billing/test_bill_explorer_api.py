"""The bill explorer over the API: which lines, in which shape, for whom (FND-5)."""

import pytest

from tests.billing.test_bills_api import customer
from tests.catalog.test_catalogue_api import refused

pytestmark = pytest.mark.django_db

PATH = "dataexplorer/bills"
JUNE = {"startDate": "2024-06-01", "endDate": "2024-07-01", "lineItemTypes": ["STANDING_CHARGE"]}


def test_lines_come_with_dimensions_figures_and_facts_of_their_bill(api, billed):
    account = customer(api, name="Acme")
    customer(api)
    billed()

    asked = {**JUNE, "dimensions": [{"name": "accountName", "filter": ["Acme"]}]}
    (row,) = api.post(PATH, asked).json["values"]

    assert (row["dimensions"]["accountId"], row["dimensions"]["lineItemType"]) == (
        account["id"], "STANDING_CHARGE",
    )  # fmt: skip
    assert (row["measures"]["convertedSubtotal"], row["measures"]["quantity"]) == (20, 1)
    facts = row["billDetails"]
    assert (facts["day"], facts["month"], facts["year"], facts["yearMonth"], facts["week"]) == (
        1, "June", 2024, "2024-06", "2024-W22",
    )  # fmt: skip
    assert (facts["startDate"], facts["endDate"], facts["billDate"]) == (
        "2024-06-01", "2024-07-01", "2024-07-01",
    )  # fmt: skip
    assert (facts["locked"], facts["status"], facts["billCurrency"]) == ("false", "PENDING", "USD")


def test_type_time_and_limit_narrow(api, billed):
    customer(api)
    customer(api)
    billed()

    assert len(api.post(PATH, JUNE).json["values"]) == 2
    assert len(api.post(PATH, {**JUNE, "limit": 1}).json["values"]) == 1
    assert api.post(PATH, {**JUNE, "lineItemTypes": ["USAGE"]}).json["values"] == []
    july = {**JUNE, "startDate": "2024-07-01", "endDate": "2024-08-01"}
    assert api.post(PATH, july).json["values"] == []
    every = {**JUNE, "dimensions": [{"name": "productName", "filter": ["*"]}]}
    assert len(api.post(PATH, every).json["values"]) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lineItemTypes": []}, "lineItemTypes"),
        ({"limit": 2001}, "limit"),
        ({"limit": 0}, "limit"),
        ({"endDate": "2024-06-01"}, "endDate"),
        ({"dimensions": [{"name": "colour", "filter": ["red"]}]}, "dimensions[0].name"),
        ({"dimensions": [{"name": "billId", "filter": ["x"]}]}, "dimensions[0].filter"),
    ],
)
def test_a_wrong_question_is_refused_at_its_field(api, change, field):
    refused(api.post(PATH, {**JUNE, **change}), field)
