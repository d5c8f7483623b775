"""Trying a change of the dates of bills over the API: nothing is stored."""

import pytest

from organizations.models import OrganizationConfig
from tests.billing.test_bills_api import customer
from tests.organizations.api.conftest import acting  # noqa: F401

pytestmark = pytest.mark.django_db

PATH = "billingdates/preview"


def test_a_change_of_timezone_is_answered_with_the_bills_to_come(api, billed):
    account = customer(api, name="Acme")
    billed()

    answer = api.post(PATH, {"timezone": "Europe/Copenhagen"}).json

    assert (answer["accounts"], answer["accountsWithoutBill"], answer["accountsNotShown"]) == (
        1, 0, 0,
    )  # fmt: skip
    (one,) = answer["examples"]
    assert (one["accountId"], one["accountName"], one["accounts"]) == (account["id"], "Acme", 1)
    assert one["lastBills"] == [
        {
            "billingFrequency": "MONTHLY", "billFrequencyInterval": 1, "startDate": "2024-06-01",
            "endDate": "2024-07-01", "locked": False,
        }
    ]  # fmt: skip
    assert [(bill["startDate"], bill["endDate"]) for bill in one["before"]] == [
        ("2024-07-01", "2024-08-01"), ("2024-08-01", "2024-09-01"),
    ]  # fmt: skip
    assert OrganizationConfig.objects.get().timezone == "UTC"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["timezone", "yearEpoch", "monthEpoch", "weekEpoch", "dayEpoch"]),
        ({"timezone": "Nowhere/Else"}, ["timezone"]),
        ({"billEpoch": "2024-07-15"}, ["billEpoch"]),
        ({"monthEpoch": "2024-02-30"}, ["monthEpoch"]),
        ({"accountId": "00000000-0000-4000-8000-000000000000", "billEpoch": None}, ["accountId"]),
        (
            {
                "accountId": "00000000-0000-4000-8000-000000000000",
                "accountPlanId": "00000000-0000-4000-8000-000000000000",
                "billEpoch": "2024-07-15",
            },
            ["accountId", "accountPlanId"],
        ),
    ],
)
def test_what_cannot_be_tried_is_refused_by_name(api, body, fields):
    answer = api.post(PATH, body)

    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == fields


def test_whoever_may_not_read_all_bills_and_lines_is_refused(acting, api, billed):  # noqa: F811
    customer(api)
    billed()

    reader = acting(
        {"effect": "allow", "action": ["config:retrieve"], "resource": ["billing:bill"]}
    )

    assert reader.post(PATH, {"timezone": "Asia/Tokyo"}).status == 403


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1500-02-28"])
@pytest.mark.parametrize("field", ["dayEpoch", "weekEpoch", "monthEpoch", "yearEpoch"])
def test_days_at_the_ends_of_the_calendar_are_answered(api, billed, field, day):
    customer(api)
    billed()

    assert api.post(PATH, {field: day}).status in (200, 400)
