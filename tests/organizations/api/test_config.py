"""Organization configuration and currencies over the API (A1.7, MON)."""

import pytest

from tests.catalog.test_catalogue_api import refused


def test_a_new_organization_has_the_settled_defaults(api):
    config = api.get("organizationconfig").json

    assert config["version"] == 1
    assert (config["timezone"], config["currency"], config["weekEpoch"]) == (
        "UTC",
        "USD",
        "2022-01-04",
    )
    assert config["standingChargeBillInAdvance"] is False
    assert config["externalInvoiceDate"] == "FIRST_DAY_OF_NEXT_PERIOD"
    assert config["daysBeforeBillDue"] == 30


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"currency": "usd"}, "currency"),
        ({"daysBeforeBillDue": 0}, "daysBeforeBillDue"),
        ({"scheduledBillInterval": 5}, "scheduledBillInterval"),
        ({"scheduledBillOffset": 3}, "scheduledBillOffset"),
        ({"scheduledBillInterval": 24, "scheduledBillOffset": 24}, "scheduledBillOffset"),
        ({"autoApproveBillsGracePeriod": 2}, "autoApproveBillsGracePeriodUnit"),
        ({"autoApproveBillsGracePeriodUnit": "DAYS"}, "autoApproveBillsGracePeriod"),
        ({"currencyConversions": [{"from": "EUR", "to": "USD", "multiplier": 0}]},
         "currencyConversions[0].multiplier"),
        ({"currencyConversions": [{"from": "EUR", "to": "USD", "multiplier": 1}] * 2},
         "currencyConversions[1]"),
        ({"creditApplicationOrder": ["BALANCE", "BALANCE"]}, "creditApplicationOrder"),
        ({"consolidateBills": True}, "consolidateBills"),
        ({"monthEpoch": None}, "monthEpoch"),
    ],
)  # fmt: skip
def test_settings_that_break_a_rule_change_nothing(api, change, field):
    config = api.get("organizationconfig").json

    refused(api.put("organizationconfig", {**config, **change}), field)

    assert api.get("organizationconfig").json == config


def test_settings_are_replaced_and_timezones_may_be_offsets(api):
    config = api.get("organizationconfig").json
    conversions = [{"from": "EUR", "to": "USD", "multiplier": 1.25}]

    answer = api.put(
        "organizationconfig",
        {**config, "timezone": "+1:00", "currencyConversions": conversions, "billPrefix": "INV-"},
    )

    assert answer.status == 200
    assert answer.json["version"] == 2
    assert (
        answer.json["currencyConversions"]
        == api.get("organizationconfig").json["currencyConversions"]
    )


def test_the_billing_currency_cannot_be_deleted_or_archived(api):
    usd = api.get("picklists/currency", codes="USD").json["data"][0]

    assert api.delete(f"picklists/currency/{usd['id']}").status == 400
    refused(api.put(f"picklists/currency/{usd['id']}", {**usd, "archived": True}), "archived")


def test_a_currency_has_two_decimals_half_up_unless_said_otherwise(api):
    made = api.post("picklists/currency", {"name": "Token", "code": "TOK"}).json

    assert (made["maxDecimalPlaces"], made["roundingMode"]) == (2, "HALF_UP")
    body = {"name": "X", "code": "X", "maxDecimalPlaces": 6}
    refused(api.post("picklists/currency", body), "maxDecimalPlaces")
    assert api.get("picklists/currency", archived="true").json["data"] == []
