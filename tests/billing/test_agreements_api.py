"""Contracts, commitments, balances and charges over the API: their rules, and what ends them."""

from decimal import Decimal

import pytest

from billing.models import (
    AccountPlan,
    BalanceTransaction,
    Charge,
    Contract,
)
from tests.catalog import bodies
from tests.catalog.test_catalogue_api import refused
from tests.contract import bodies_agreements as agreed
from tests.factories import number

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(api):
    """Rows that the others refer to, by address."""
    product = api.post("products", {"name": "Inference", "code": f"p-{number()}"}).json
    meter = api.post("meters", bodies.meter()).json
    template = api.post("plantemplates", bodies.plan_template(product["id"])).json
    plan = api.post(
        "plans", {"planTemplateId": template["id"], "name": "P", "code": f"p{number()}"}
    ).json
    rows = {
        "products": product, "meters": meter, "plantemplates": template, "plans": plan,
        "accounts": bodies.made_account(api),
        "picklists/transactiontypes": api.post(
            "picklists/transactiontypes", {"name": "Top-up", "code": "topup"}
        ).json,
    }  # fmt: skip
    for path, build in agreed.CREATED:
        answer = api.post(path, build(rows))
        assert answer.status == 200, answer
        rows[path] = answer.json
    return rows


def key(api, *, exclusive):
    body = {"name": "Region", "code": f"region_{number()}", "exclusive": exclusive}
    return api.post("picklists/billgroupingkeys", body).json


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("contracts", {"endDate": "2024-01-01"}, "endDate"),
        ("contracts",
         {"usageFilters": [{"dimensionCode": "tokens", "mode": "INCLUDE", "value": "1"}]},
         "usageFilters[0].dimensionCode"),
        ("commitments", {"amount": 0}, "amount"),
        ("commitments", {"overageSurchargePercent": 5, "separateOverageUsage": True},
         "separateOverageUsage"),
        ("commitments", {"amountPrePaid": 20000}, "amountPrePaid"),
        ("commitments", {"amountFirstBill": 15000}, "amountFirstBill"),
        ("commitments", {"feeDates": [{"date": "2030-01-01", "amount": 5,
          "servicePeriodStartDate": "2030-01-01", "servicePeriodEndDate": "2030-02-01"}]},
         "feeDates"),
        ("commitments", {"billingPlanId": None, "feeDates": [{"date": "2030-01-01", "amount": 5,
          "servicePeriodStartDate": "2030-02-02", "servicePeriodEndDate": "2030-02-01"}]},
         "feeDates[0].servicePeriodEndDate"),
        ("commitments", {"productIds": ["00000000-0000-4000-8000-000000000000"]},
         "productIds[0]"),
        ("commitments", {"currency": "usd"}, "currency"),
        ("balances", {"rolloverEndDate": None}, "rolloverAmount"),
        ("balances", {"rolloverEndDate": "2030-06-01"}, "rolloverEndDate"),
        ("balances", {"amount": 5, "lineItemTypes": ["BALANCE_FEE"]}, "lineItemTypes[0]"),
        ("charges", {"amount": 5}, "amount"),
        ("charges", {"units": None}, "units"),
        ("charges", {"lineItemType": "AD_HOC"}, "lineItemType"),
        ("charges", {"entityId": None}, "entityId"),
        ("charges", {"servicePeriodEndDate": "2029-01-01"}, "servicePeriodEndDate"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused_at_its_field(api, made, path, change, field):
    build = dict(agreed.CREATED)[path]
    before = len(api.get(path).json["data"])

    refused(api.post(path, {**build(made), **change}), field)

    assert len(api.get(path).json["data"]) == before


def test_what_belongs_to_another_account_is_refused(api, made):
    other = bodies.made_account(api)["id"]

    for path, build, field in (
        ("commitments", agreed.commitment, "contractId"),
        ("balances", agreed.balance, "contractId"),
        ("charges", lambda made: {**agreed.charge(made), "entityType": "AD_HOC",
                                  "lineItemType": "AD_HOC", "entityId": None}, "contractId"),
    ):  # fmt: skip
        refused(api.post(path, {**build(made), "accountId": other}), field)
    body = {**agreed.charge(made), "accountId": other, "contractId": None}
    refused(api.post("charges", body), "entityId")


def test_an_exclusive_key_is_given_to_one_contract(api, made):
    exclusive, shared = key(api, exclusive=True), key(api, exclusive=False)

    def contract(of):
        return api.post("contracts", {**agreed.contract(made), "billGroupingKeyId": of["id"]})

    assert contract(exclusive).status == 200
    refused(contract(exclusive), "billGroupingKeyId")
    assert (contract(shared).status, contract(shared).status) == (200, 200)
    refused(
        api.put(f"picklists/billgroupingkeys/{shared['id']}", {**shared, "exclusive": True}),
        "exclusive",
    )


def test_a_contract_with_something_linked_is_not_deleted(api, made):
    answer = api.delete(f"contracts/{made['contracts']['id']}")

    assert answer.status == 400
    for kind in ("commitment", "balance", "charge"):
        assert kind in answer.json["message"]


def test_ending_what_belongs_to_an_account_reports_each_entity(api, made):
    account, contract = made["accounts"]["id"], made["contracts"]["id"]
    plan = api.post("accountplans", {
        "accountId": account, "planId": made["plans"]["id"], "contractId": contract,
        "startDate": "2024-01-01",
    }).json  # fmt: skip
    ended = api.post("contracts", {**agreed.contract(made), "endDate": "2025-01-01"}).json
    pricing = api.post(
        "pricings",
        bodies.pricing(
            made["plans"]["id"],
            api.post("aggregations", bodies.aggregation(made["meters"]["id"])).json["id"],
        ),
    ).json

    answer = api.put(f"accounts/{account}/enddatebillingentities", {
        "endDate": "2026-03-15T12:00:00Z",
        "billingEntities": ["CONTRACT", "ACCOUNTPLAN", "PREPAYMENT", "PRICINGS"],
    })  # fmt: skip

    assert answer.status == 200
    done, failed = answer.json["updatedEntities"], answer.json["failedEntities"]
    # The contract ends on the day; the one that ended before is left alone (CON-11).
    assert done["CONTRACT"]["ids"] == [contract]
    assert Contract.objects.get(pk=contract).end_date.isoformat() == "2026-03-15"
    assert api.get(f"contracts/{ended['id']}").json["endDate"] == "2025-01-01"
    assert done["ACCOUNTPLAN"]["ids"] == [plan["id"]]
    assert AccountPlan.objects.get(pk=plan["id"]).version == 2
    # The commitment begins in 2030 and cannot end before; its failure undid nothing else.
    assert failed["PREPAYMENT"]["ids"] == [made["commitments"]["id"]]
    assert "after startDate" in failed["PREPAYMENT"]["reasons"][made["commitments"]["id"]]
    assert failed["PRICINGS"]["ids"] == [pricing["id"]]
    assert done["PREPAYMENT"]["empty"] and not done["CONTRACT"]["empty"]


def test_commitments_are_found_by_filter_and_search(api, made):
    product, found = made["products"]["id"], made["commitments"]["id"]
    other = api.post("products", {"name": "Other", "code": f"other-{number()}"}).json["id"]

    def ids(path="commitments", **query):
        answer = api.get(path, **query)
        assert answer.status == 200, answer
        return [row["id"] for row in answer.json["data"]]

    assert ids(date="2030-06-01") == ids(productId=product) == [found]
    assert ids(date="2031-01-01") == ids(productId=other) == []
    assert ids(endDateStart="2031-01-01", endDateEnd="2031-01-02") == [found]
    search = "commitments/search"
    assert ids(search, searchQuery=f"productIds:{other},{product}$startDate>=2030-01-01") == [found]
    assert ids(search, searchQuery=f"productId:{other}") == []
    assert api.get(search, searchQuery=f"productId>{other}").status == 400
    assert ids(search, sortBy="productId") == [found]


def test_a_ledger_is_posted_to_listed_and_summed_up(api, made):
    path = f"balances/{made['balances']['id']}"

    credit = api.post(f"{path}/transactions", agreed.transaction(made)).json
    api.post(f"{path}/transactions", {"amount": -30})

    assert (credit["entityType"], credit["amount"]) == ("SERVICE_USER", Decimal("100.25"))
    assert [row["amount"] for row in api.get(f"{path}/transactions").json["data"]] == [
        -30, Decimal("100.25"),
    ]  # fmt: skip
    assert api.get(path).json["amount"] == Decimal("70.25")
    assert api.get(path).json["version"] == 1
    summary = api.get(f"{path}/transactions/summary").json
    assert summary == {
        "totalCreditAmount": Decimal("100.25"), "totalDebitAmount": 30,
        "initialCreditAmount": Decimal("100.25"), "expiredBalanceAmount": 0,
        "balanceConsumed": 0, "rolloverConsumed": 0,
    }  # fmt: skip
    events = api.get("events", eventName="billing.balanceamount.updated").json["data"]
    assert len(events) == 2
    changed = events[0]["m3terEvent"]["eventData"]
    assert (changed["oldDto"]["amount"], changed["newDto"]["amount"]) == (
        Decimal("100.25"), Decimal("70.25"),
    )  # fmt: skip


def test_a_preview_stores_nothing(api, made):
    path = f"balances/{made['balances']['id']}"

    posted = api.post(
        f"{path}/balancetransactionschedules/preview", agreed.transaction_schedule(made), pageSize=5
    ).json
    charged = api.post(f"{path}/balancechargeschedules/preview", agreed.charge_schedule(made)).json

    assert [row["appliedDate"][:7] for row in posted["data"]] == [
        "2030-01", "2030-02", "2030-03", "2030-04", "2030-05",
    ]  # fmt: skip
    assert posted["nextToken"] == "5" and charged["nextToken"] is None
    assert [row["billDate"] for row in charged["data"]][:2] == ["2030-01-01", "2030-02-01"]
    assert len(charged["data"]) == 12
    assert BalanceTransaction.objects.count() == 0 and Charge.objects.count() == 1
    assert api.get(f"{path}/balancechargeschedules").json["data"] == []


def test_balances_without_contract_are_asked_for_by_an_empty_filter(api, made):
    account = made["accounts"]["id"]
    free = api.post("balances", {**agreed.balance(made), "contractId": None}).json["id"]

    unlinked = api.get("balances", accountId=account, contractId="").json["data"]
    # The rollover ends in February 2093, long after the end (BAL-14).
    late = api.get("balances", endDateStart="2093-02-01").json["data"]

    assert [row["id"] for row in unlinked] == [free]
    assert len(late) == 2
