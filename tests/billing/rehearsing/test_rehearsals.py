"""Rehearsals: what a bill run would change, without writing a bill."""

from decimal import Decimal
from typing import Any

import pytest

from billing.models import Account, AccountPlan, Bill, LineItem, Rehearsal, RehearsedAccount
from billing.rehearsing import rehearsals
from catalog.models import Pricing
from organizations import grants
from organizations.kernel import principals
from organizations.models import Event, PermissionPolicy
from tests import factories
from tests.billing.bills import runners
from tests.clients import ApiClient

pytestmark = pytest.mark.django_db

FIELDS = ("kind", "compared_with", "currency", "before", "after", "difference", "why")


class Place:
    """Accounts of one plan whose tokens cost 0.10."""

    def __init__(self, organization: Any) -> None:
        self.organization = organization
        self.meter = factories.make_meter(organization)
        product = factories.make_product(organization)
        self.plan = factories.make_plan(factories.make_plan_template(product))
        factories.make_pricing(
            self.plan,
            factories.make_aggregation(self.meter),
            bands=factories.bands((0, 0, "0.10")),
        )

    def account(self, code: str, june: int = 0, july: int = 0, **plan: Any) -> Account:
        account = factories.make_account(self.organization, code=code, name=code)
        factories.make_account_plan(account, self.plan, **plan)
        for day, quantity in (("2024-06-20", june), ("2024-07-20", july)):
            if quantity:
                runners.use(account, self.meter, day, quantity)
        return account


@pytest.fixture
def place() -> Place:
    return Place(factories.make_organization())


def rehearse(organization: Any, on: str, **fields: Any) -> Rehearsal:
    request = rehearsals.JobRequest(
        latest_date_in_billing_period=runners.instant(on).date(), **fields
    )
    made = rehearsals.start(organization, request, by=principals.system(organization.pk))
    rehearsals.work_off(made.pk)
    made.refresh_from_db()
    return made


def told(rehearsal: Rehearsal) -> dict[str, tuple[Any, ...]]:
    return {
        row.account.code: tuple(getattr(row, name) for name in FIELDS)
        for row in rehearsal.accounts.select_related("account")
    }


def test_a_rehearsal_says_per_account_what_a_run_would_change_and_writes_no_bill(place: Place):
    place.account("more", june=500, july=700)
    place.account("same", june=100, july=100)
    place.account("new", july=50, start_date=runners.instant("2024-07-01"))
    gone = place.account("gone", june=300)
    runners.run(place.organization, "2024-06-30")
    AccountPlan.objects.filter(account=gone).update(end_date=runners.instant("2024-07-01"))
    stored = (Bill.objects.count(), LineItem.objects.count(), Event.objects.count())

    found = rehearse(place.organization, "2024-07-31")

    # 0.10 a token: 500 -> 700 is 50 -> 70; 100 stays 10; 50 new are 5; 300 gone were 30.
    assert told(found) == {
        "more": ("CHANGED", "PREVIOUS", "USD", 50, 70, 20, "USAGE"),
        "same": ("SAME", "PREVIOUS", "USD", 10, 10, 0, ""),
        "new": ("NEW", "", "USD", 0, 5, 5, "PLAN"),
        "gone": ("GONE", "PREVIOUS", "USD", 30, 0, -30, "PLAN"),
    }
    assert (found.status, found.total) == ("COMPLETE", 4)
    assert (Bill.objects.count(), LineItem.objects.count(), Event.objects.count()) == stored
    more = found.accounts.get(account__code="more")
    assert more.sentences == [
        {"sentence": "Usage of Tokens rose by 200 tokens", "amount": Decimal(20)}
    ]


def test_bills_of_the_same_period_are_what_is_compared_with(place: Place):
    place.account("one", june=500)
    runners.run(place.organization, "2024-06-30")
    Pricing.objects.update(bands=factories.bands((0, 0, "0.12")))

    found = rehearse(place.organization, "2024-06-30")

    # 500 x 0.10 = 50; 500 x 0.12 = 60.
    assert told(found) == {"one": ("CHANGED", "STORED", "USD", 50, 60, 10, "PRICE")}


def test_what_a_rehearsal_says_is_what_the_run_makes(place: Place):
    for number in range(6):
        place.account(f"a{number}", june=100 * number, july=70 * (6 - number))
    runners.run(place.organization, "2024-06-30")

    found = rehearse(place.organization, "2024-07-31")
    runners.run(place.organization, "2024-07-31")

    after = {row.account_id: row.after for row in found.accounts.all()}
    for bill in Bill.objects.filter(boundary_date=runners.instant("2024-08-01").date()):
        assert after[bill.account_id] == bill.total


def test_a_locked_bill_is_left_alone(place: Place):
    place.account("one", june=500)
    runners.run(place.organization, "2024-06-30")
    Bill.objects.update(status="APPROVED", is_locked=True)
    Pricing.objects.update(bands=factories.bands((0, 0, "0.12")))

    found = rehearse(place.organization, "2024-06-30")

    assert told(found) == {"one": ("LOCKED", "STORED", "USD", 50, 50, 0, "")}


def test_an_account_that_cannot_be_billed_is_parked_with_the_reason(place: Place):
    place.account("fine", june=500)
    broken = place.account("broken", june=500)
    Account.objects.filter(pk=broken.pk).update(currency="XYZ")

    found = rehearse(place.organization, "2024-06-30")

    assert told(found)["broken"][0] == "PARKED"
    assert told(found)["fine"] == ("NEW", "", "USD", 0, 50, 50, "PLAN")
    assert "XYZ" in found.accounts.get(account=broken).reason


def test_a_killed_worker_leaves_accounts_pending_and_another_goes_on(place: Place, monkeypatch):
    place.account("one", june=500)
    place.account("two", june=100)
    request = rehearsals.JobRequest(
        latest_date_in_billing_period=runners.instant("2024-06-30").date()
    )
    by = principals.system(place.organization.pk)
    found = rehearsals.start(place.organization, request, by=by)
    monkeypatch.setattr(rehearsals, "CHUNK", 1)
    calculate, calls = rehearsals._calculate, []

    def killed(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return calculate(*args)

    monkeypatch.setattr(rehearsals, "_calculate", killed)
    with pytest.raises(KeyboardInterrupt):
        rehearsals.work_off(found.pk)

    kinds = sorted(found.accounts.values_list("kind", flat=True))
    rehearsals.work_off(found.pk)
    rehearsals.work_off(found.pk)

    assert kinds == ["NEW", "PENDING"]
    found.refresh_from_db()
    assert found.status == "COMPLETE"
    assert sorted(row.after for row in found.accounts.all()) == [10, 50]


def test_old_rehearsals_are_deleted(place: Place):
    place.account("one", june=500)
    old, young = (rehearse(place.organization, "2024-06-30") for _ in range(2))
    Rehearsal.objects.filter(pk=old.pk).update(created_at=old.created_at - rehearsals.KEPT * 1.1)

    rehearsals.sweep()

    assert list(Rehearsal.objects.all()) == [young]
    assert not RehearsedAccount.objects.filter(rehearsal_id=old.pk).exists()


def test_the_api_starts_one_and_pages_accounts_by_money(api: ApiClient):
    place = Place(api.organization)
    for code, june in (("small", 100), ("large", 900), ("middle", 500)):
        place.account(code, june=june)

    answer = api.post("billjobs/rehearsals", {"lastDateInBillingPeriod": "2024-06-30"})
    assert answer.status == 200, answer.json
    address = f"billjobs/rehearsals/{answer.json['id']}"
    rehearsals.work_off(answer.json["id"])

    first = api.get(f"{address}/accounts", pageSize=2)
    second = api.get(f"{address}/accounts", pageSize=2, nextToken=first.json["nextToken"])
    shown = [*first.json["data"], *second.json["data"]]

    assert [(one["accountCode"], one["after"]) for one in shown] == [
        ("large", 90),
        ("middle", 50),
        ("small", 10),
    ]
    assert second.json["nextToken"] is None
    assert api.get(address).json["status"] == "COMPLETE"
    assert [one["id"] for one in api.get("billjobs/rehearsals").json["data"]] == [answer.json["id"]]
    assert api.get(f"{address}/accounts", kind="GONE").json["data"] == []
    lines = api.get(f"{address}/accounts/csv").raw.decode("utf-8-sig").splitlines()
    assert lines[1] == "large,large,NEW,,USD,0,90,90,PLAN,,"
    assert len(lines) == 4


def test_accounts_and_bills_that_a_reader_may_not_see_do_not_leave(api: ApiClient):
    place = Place(api.organization)
    seen = place.account("seen", june=100)
    place.account("hidden", june=900)
    closed = place.account("closed bill", june=500)
    runners.run(api.organization, "2024-06-30")
    found = rehearse(api.organization, "2024-07-31")
    bill = Bill.objects.get(account=seen)
    PermissionPolicy.objects.filter(organization=api.organization).update(
        statements=[
            {
                "effect": "allow",
                "action": ["config:retrieve"],
                "resource": [
                    "config:rehearsal/*",
                    "config:billLineItem/*",
                    f"config:account/item/{seen.pk}",
                    f"config:account/item/{closed.pk}",
                    f"config:bill/item/{bill.pk}",
                ],
            }
        ]
    )
    grants.rederive(api.organization.pk)

    answer = api.get(f"billjobs/rehearsals/{found.pk}/accounts")

    assert answer.status == 200, answer.json
    assert [one["accountCode"] for one in answer.json["data"]] == ["seen"]


def test_a_wrong_request_names_the_field_and_starts_nothing(api: ApiClient):
    answer = api.post("billjobs/rehearsals", {"accountIds": ["nobody"]})

    assert answer.status == 400
    assert answer.json["errors"][0]["field"].startswith("accountIds")
    assert not Rehearsal.objects.exists()
