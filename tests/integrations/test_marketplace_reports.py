"""What marketplaces were told of bills: kept with each attempt, read before the next, reported."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from integrations.models import IntegrationRun, MarketplaceReport
from integrations.runs import reporting
from integrations.systems import known, registry
from integrations.systems.base import Refused, Sent, System, TryAgain
from organizations.kernel import clock, ids
from tests import factories
from tests.integrations import sending_bills as bills
from tests.test_leaving import EVERYTHING, deny, somebody

pytestmark = pytest.mark.django_db
REPORT = "integrationdestinations/marketplace/usageReport"
JUNE = datetime(2026, 6, 1, 14, 20, tzinfo=UTC)


class Cents(System):
    """Meters one unit for each cent of a bill that was not reported before."""

    about = known.find("AZURE")
    fails_after: Exception | None = None

    def send(self, job):
        known_so_far = sum(job.reported.get("usage", {}).values(), Decimal(0))
        more = sum((line.amount for line in job.bill.lines), Decimal(0)) / Decimal("0.01")
        more -= known_so_far
        if more < 0:
            raise Refused(f"{-more} more was reported than the bill has.")
        reported = {"usage": {f"{job.hour:%Y-%m-%dT%H:%M:%SZ}": more}}
        if self.fails_after is not None:
            self.fails_after.reported = reported
            raise self.fails_after
        return Sent(external_id="m-1", reported=reported)


@pytest.fixture
def marketplace(monkeypatch):
    system = Cents()
    monkeypatch.setitem(registry._BY_KEY, "azure", system)
    return system


@pytest.fixture
def account(organization):
    return factories.make_account(organization)


@pytest.fixture
def configuration(organization, marketplace):
    return bills.connect(organization, "AZURE", {"accessToken": "planted token"})


def send_at(hour, configuration, bill):
    with time_machine.travel(datetime(2026, 6, 1, hour, 20, tzinfo=UTC), tick=False):
        return bills.send(configuration, bill)


def test_only_the_difference_to_what_was_reported_is_sent_after_a_recalculation(
    api, configuration, account
):
    # A10 and the acceptance list: 0.50 USD reports 50; 0.80 reports 30 more; 0.60 is an error.
    bill = bills.make_bill(account, ["0.50"])
    first = send_at(14, configuration, bill)
    bills.set_lines(bill, ["0.80"])
    second = send_at(16, configuration, bill)
    bills.set_lines(bill, ["0.60"])
    third = send_at(17, configuration, bill)

    assert [first.status, second.status, third.status] == ["COMPLETE", "COMPLETE", "ERROR"]
    assert "20 more was reported" in third.error
    answer = api.get(REPORT)
    assert answer.status == 200
    assert answer.json["data"] == [
        {
            "accountId": str(account.pk),
            "billId": str(bill.pk),
            "externalSystem": "Azure",
            "reportedUsage": {
                "usage": {"2026-06-01T14:00:00Z": 50, "2026-06-01T16:00:00Z": 30},
            },
        }
    ]


def test_what_a_marketplace_took_before_it_failed_is_not_reported_again(
    configuration, account, marketplace
):
    bill = bills.make_bill(account, ["0.50"])
    marketplace.fails_after = TryAgain("Gone away.")
    begun = send_at(14, configuration, bill)
    marketplace.fails_after = None
    with time_machine.travel(datetime(2026, 6, 1, 15, 5, tzinfo=UTC), tick=False):
        done = bills.perform(begun)

    assert (begun.pk, done.status) == (done.pk, "COMPLETE")
    row = MarketplaceReport.objects.get()
    # The second attempt meters for the hour of the first, and nothing more.
    assert row.reported_usage == {"usage": {"2026-06-01T14:00:00Z": Decimal(50)}}


def test_an_attempt_that_lost_its_run_reports_nothing(configuration, account, monkeypatch):
    bill = bills.make_bill(account, ["0.50"])

    def lose(self, job):
        IntegrationRun.objects.update(attempts_begun=9)
        return Sent(reported={"usage": {"2026-06-01T14:00:00Z": Decimal(50)}})

    monkeypatch.setattr(Cents, "send", lose)
    bills.send(configuration, bill)

    assert not MarketplaceReport.objects.exists()


def report(organization, **fields):
    """A report of 12.5 units."""
    return MarketplaceReport.objects.create(
        organization=organization,
        **{
            "account_id": ids.new_id(),
            "bill_id": ids.new_id(),
            "bill_start_date": date(2026, 5, 1),
            "external_system": "AWS",
            "reported_usage": {"p-tokens": {"2026-06-01T14:00:00Z": Decimal("12.5")}},
            "created_at": clock.now(),
            "modified_at": clock.now(),
            **fields,
        },
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "both"),
        ("billStartDate=2026-05-01", "first"),
        ("billStartDate=", "both"),
        ("accountId={account}", "first"),
        ("billId={bill}", "first"),
        ("billId=unknown", "neither"),
        ("externalSystem=AWS", "first"),
        ("externalSystem=azure", "second"),
        ("externalSystem=Other", "neither"),
        ("billId={bill}&externalSystem=AZURE", "neither"),
    ],
)
def test_reports_are_found_by_period_account_system_and_bill(api, organization, query, expected):
    first = report(organization)
    second = report(organization, external_system="Azure", bill_start_date=date(2026, 6, 1))

    asked = query.format(account=first.account_id, bill=first.bill_id)
    answer = api.get(f"{REPORT}?{asked}")

    wanted = {"both": [second, first], "first": [first], "second": [second], "neither": []}
    assert [row["billId"] for row in answer.json["data"]] == [
        str(row.bill_id) for row in wanted[expected]
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("billId=" + "x" * 51, "billId"),
        ("billStartDate=May", "billStartDate"),
        ("accountId=7", "accountId"),
        ("pageSize=51", "pageSize"),
        ("pageSize=0", "pageSize"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(api, query, field):
    answer = api.get(f"{REPORT}?{query}")

    assert answer.status == 400
    assert field in answer.json["message"]


def test_pages_follow_each_other(api, organization):
    rows = [report(organization) for _ in range(3)]

    first = api.get(f"{REPORT}?pageSize=2").json
    second = api.get(f"{REPORT}?pageSize=2&nextToken={first['nextToken']}").json

    found = [row["billId"] for row in first["data"] + second["data"]]
    assert found == [str(row.bill_id) for row in reversed(rows)]


def test_reports_of_bills_that_are_hidden_or_of_others_do_not_leave(api, founded):
    organization = founded.organization
    account = factories.make_account(organization)
    shown = bills.make_bill(account, ["1"])
    hidden = bills.make_bill(account, ["2"], boundary_date=date(2026, 7, 1))
    for bill in (shown, hidden):
        report(organization, bill_id=bill.pk)
    report(factories.make_founded().organization)

    caller = somebody(founded, EVERYTHING, deny(f"billing:bill/item/{hidden.pk}")).api

    assert [row["billId"] for row in caller.get(REPORT).json["data"]] == [str(shown.pk)]
    assert len(api.get(REPORT).json["data"]) == 2


def test_quantities_are_exact_and_systems_are_called_as_the_contract_calls_them(api, organization):
    row = report(organization)

    assert api.get(REPORT).json["data"][0]["reportedUsage"] == {
        "p-tokens": {"2026-06-01T14:00:00Z": 12.5}
    }
    assert reporting.word("azure") == "Azure"
    assert row.external_system == reporting.word("aws")
