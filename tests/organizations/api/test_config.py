"""Organization configuration and currencies over the API (A1.7, MON)."""

from decimal import Decimal

import pytest

from tests.billing.bills import runners
from tests.catalog.test_catalogue_api import refused
from tests.factories import (
    make_account,
    make_account_plan,
    make_plan,
    make_plan_template,
    make_product,
)


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
        ({"timezone": ""}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"currency": ""}, "currency"),
        ({"yearEpoch": "2022-02-30"}, "yearEpoch"),
        ({"weekEpoch": None}, "weekEpoch"),
        ({"dayEpoch": "soon"}, "dayEpoch"),
        ({"daysBeforeBillDue": None}, "daysBeforeBillDue"),
        ({"daysBeforeBillDue": 1.5}, "daysBeforeBillDue"),
        ({"autoApproveBillsGracePeriod": 0, "autoApproveBillsGracePeriodUnit": "DAYS"},
         "autoApproveBillsGracePeriod"),
        ({"autoApproveBillsGracePeriod": 1, "autoApproveBillsGracePeriodUnit": "WEEKS"},
         "autoApproveBillsGracePeriodUnit"),
        ({"externalInvoiceDate": "TOMORROW"}, "externalInvoiceDate"),
        ({"scheduledBillInterval": 24, "scheduledBillOffset": -1}, "scheduledBillOffset"),
        ({"scheduledBillInterval": 12, "scheduledBillOffset": 3}, "scheduledBillOffset"),
        ({"currencyConversions": [{"from": "", "to": "USD", "multiplier": 1}]},
         "currencyConversions[0].from"),
        ({"currencyConversions": [{"from": "EUR", "to": "USD"}]},
         "currencyConversions[0].multiplier"),
        ({"creditApplicationOrder": ["CASH"]}, "creditApplicationOrder[0]"),
        ({"suppressedEmptyBills": "yes"}, "suppressedEmptyBills"),
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
        ({"consolidateBills": "yes"}, "consolidateBills"),
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


@pytest.mark.parametrize(
    "change",
    [
        *({"scheduledBillInterval": hours} for hours in (0, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 24)),
        *({"scheduledBillInterval": 24, "scheduledBillOffset": hour} for hour in (0, 23)),
        *({"creditApplicationOrder": order} for order in (
            ["PREPAYMENT", "BALANCE"], ["BALANCE", "PREPAYMENT"], ["PREPAYMENT"], ["BALANCE"])),
        *({"autoApproveBillsGracePeriod": 2, "autoApproveBillsGracePeriodUnit": unit}
          for unit in ("MINUTES", "HOURS", "DAYS")),
        {"externalInvoiceDate": "LAST_DAY_OF_ARREARS"},
        *({"timezone": zone} for zone in ("Europe/Paris", "Asia/Kathmandu", "UTC")),
    ],
)  # fmt: skip
def test_what_the_rules_allow_is_kept(api, change):
    config = api.get("organizationconfig").json

    answer = api.put("organizationconfig", {**config, **change})

    assert answer.status == 200, answer
    assert {name: answer.json[name] for name in change} == change
    assert api.get("organizationconfig").json == answer.json


def test_a_put_without_the_optional_settings_gives_them_their_defaults(api):
    config = api.get("organizationconfig").json
    required = {
        name: config[name]
        for name in ("timezone", "yearEpoch", "monthEpoch", "weekEpoch", "dayEpoch", "currency",
                     "daysBeforeBillDue")
    }  # fmt: skip
    set_ = {
        "billPrefix": "INV-",
        "sequenceStartNumber": 100,
        "scheduledBillInterval": 24,
        "scheduledBillOffset": 3,
        "standingChargeBillInAdvance": True,
        "creditApplicationOrder": ["BALANCE"],
        "autoApproveBillsGracePeriod": 2,
        "autoApproveBillsGracePeriodUnit": "DAYS",
        "externalInvoiceDate": "LAST_DAY_OF_ARREARS",
        "allowOverlappingPlans": True,
        "currencyConversions": [{"from": "EUR", "to": "USD", "multiplier": 2}],
    }
    assert api.put("organizationconfig", {**config, **set_}).status == 200

    answer = api.put("organizationconfig", {**required, "version": 2}).json

    moving = {"version", "dtLastModified", "lastModifiedBy", "dtCreated", "createdBy"}
    assert {name: answer[name] for name in answer.keys() - moving} == {
        name: config[name] for name in config.keys() - moving
    }


def test_an_archived_currency_cannot_become_the_billing_currency(api):
    api.post("picklists/currency", {"name": "Euro", "code": "EUR", "archived": True})
    config = api.get("organizationconfig").json

    refused(api.put("organizationconfig", {**config, "currency": "EUR"}), "currency")

    assert api.get("organizationconfig").json == config


def test_a_change_of_epoch_or_timezone_leaves_bills_as_they_are(api, organization, eager_tasks):
    plan = make_plan(make_plan_template(make_product(organization), standing_charge=Decimal(20)))
    make_account_plan(make_account(organization), plan)
    runners.run(organization, "2024-06-30")
    (bill,) = api.get("bills").json["data"]
    config = api.get("organizationconfig").json

    moved = {"monthEpoch": "2022-01-15", "timezone": "Asia/Tokyo"}
    assert api.put("organizationconfig", {**config, **moved}).status == 200

    assert api.get("bills").json["data"] == [bill]
    assert (bill["startDate"], bill["endDate"]) == (
        "2024-06-01", "2024-07-01",
    )  # fmt: skip


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
