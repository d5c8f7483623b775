"""AWS and Azure Marketplace: each cent of a bill is metered once, whatever happens (A10)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from integrations.models import IntegrationRun, MarketplaceReport, MeteredHour, RunLogEntry
from integrations.runs import settings as run_settings
from integrations.systems import registry
from organizations.kernel.errors import FieldRefused
from organizations.models import Event
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.aws import FakeAws
from tests.integrations.fakes.azure import CLIENT, TENANT, FakeAzure
from tests.integrations.fakes.serving import Answered, serving

pytestmark = pytest.mark.django_db
KEY = "planted_secret_key_4711"
PRODUCT = "78qogxeqwt7zyevfefsw6q48i"
NOON = datetime(2026, 6, 1, 12, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Market:
    """One marketplace and its stand-in."""

    destination: str
    make: Callable[[str], Any]
    secrets: dict[str, str]
    table: str
    customers: tuple[str, str]
    prefix: str
    planted: tuple[str, ...]
    throttled: Answered

    def __str__(self) -> str:
        return self.destination


MARKETS = (
    Market(
        "AWS", FakeAws, {"accessKeyId": "AKIAPLANTED", "secretAccessKey": KEY}, "Customer",
        ("cust-1", "cust-2"), f"{PRODUCT}-", (KEY,),
        Answered(400, b'{"__type": "x#ThrottlingException", "message": "slow"}'),
    ),
    Market(
        "AZURE", FakeAzure, {"clientId": CLIENT, "clientSecret": KEY, "tenantId": TENANT},
        "Subscription", ("sub-1", "sub-2"), "", (f"{KEY}-token", KEY), Answered(429, b"{}"),
    ),
)  # fmt: skip


@pytest.fixture(params=MARKETS, ids=str)
def market(request):
    return request.param


@pytest.fixture
def fake(market, settings):
    found = market.make(KEY)
    with serving(found.answer) as address:
        settings.INTEGRATION_ADDRESSES = {market.destination: address}
        yield found


@pytest.fixture
def account(organization, market):
    found = factories.make_account(organization)
    bills.map_account(found, market.destination, market.table, market.customers[0])
    return found


@pytest.fixture
def configuration(organization, market):
    dimension = f"{market.prefix}units"
    return bills.connect(organization, market.destination, market.secrets, dimension=dimension)


def send_at(at, configuration, bill):
    with time_machine.travel(at, tick=False):
        return bills.send(configuration, bill)


def perform_at(at, run):
    with time_machine.travel(at, tick=False):
        return bills.perform(run)


def test_only_the_difference_is_metered_and_too_much_is_an_error(fake, configuration, account):
    # The acceptance list: 0.50 USD reports 50; 0.80 reports 30 more; 0.60 afterwards is an ERROR.
    bill = bills.make_bill(account, ["0.50"])
    first = send_at(NOON, configuration, bill)
    assert (first.status, first.error, fake.total()) == ("COMPLETE", "", 50)
    bills.set_lines(bill, ["0.80"])
    second = send_at(NOON + HOUR, configuration, bill)
    assert (second.status, second.error, fake.total()) == ("COMPLETE", "", 80)
    bills.set_lines(bill, ["0.60"])
    asked = len(fake.asked)

    third = send_at(NOON + 2 * HOUR, configuration, bill)

    assert (third.status, fake.total(), len(fake.asked)) == ("ERROR", 80, asked)
    assert "20 more were reported than the bill has now" in third.error


def test_a_recalculation_in_the_same_hour_is_metered_for_another_one(
    fake, configuration, account, market
):
    bill = bills.make_bill(account, ["0.50"])
    send_at(NOON, configuration, bill)
    bills.set_lines(bill, ["0.80"])

    run = send_at(NOON + timedelta(minutes=10), configuration, bill)

    assert (run.status, run.error, fake.total()) == ("COMPLETE", "", 80)
    row = MarketplaceReport.objects.get()
    assert row.reported_usage == {
        f"{market.prefix}units": {"2026-06-01T12:00:00Z": 50, "2026-06-01T11:00:00Z": 30}
    }


def test_two_bills_of_a_customer_in_one_hour_are_both_metered(fake, configuration, account):
    # The same quantity twice would be taken for one record sent again.
    for month in (7, 8):
        bill = bills.make_bill(account, ["0.50"], boundary_date=f"2026-{month:02}-01")
        assert send_at(NOON, configuration, bill).status == "COMPLETE"

    assert fake.total() == 100


def test_a_worker_killed_after_the_call_is_followed_by_the_same_call(fake, configuration, account):
    bill = bills.make_bill(account, ["0.50"])
    with time_machine.travel(NOON, tick=False):
        run = bills.send_and_be_killed(configuration, bill, after_write=1)
    assert fake.total() == 50
    # Meanwhile the bill was calculated again: the rest comes on top, for another hour.
    bills.set_lines(bill, ["0.80"])

    perform_at(NOON + timedelta(minutes=3), run)

    assert (run.status, run.error, fake.total()) == ("COMPLETE", "", 80)


def test_what_was_kept_and_never_sent_is_sent_by_the_next_attempt(
    fake, configuration, account, market
):
    bill = bills.make_bill(account, ["0.50"])
    # Azure is asked for the plan first; the call that meters is the one that fails.
    before = [Answered(200, b'{"planId": "silver"}')] if market.destination == "AZURE" else []
    fake.fail = [*before, Answered(503, b"{}")]
    run = send_at(NOON, configuration, bill)
    assert (run.status, fake.total()) == ("AWAITING_RETRY", 0)
    fake.fail = []

    perform_at(NOON + HOUR, run)

    assert (run.status, fake.total()) == ("COMPLETE", 50)
    (hours,) = MarketplaceReport.objects.get().reported_usage.values()
    assert list(hours) == ["2026-06-01T12:00:00Z"]


def test_an_hour_that_somebody_else_has_metered_is_left_to_them(
    fake, configuration, account, market
):
    fake.know(market.customers[0], "units", NOON.replace(minute=0), 7)

    run = send_at(NOON, configuration, bills.make_bill(account, ["0.50"]))

    assert (run.status, run.error, fake.total()) == ("COMPLETE", "", 57)
    assert MeteredHour.objects.filter(bill_id=None).count() == 1


def test_lines_are_metered_by_the_dimension_of_their_aggregation_or_product(
    fake, configuration, account, organization, market
):
    from integrations.models import ExternalMapping

    bill = bills.make_bill(account, ["0.10", "0.20", "0.40"])
    first = bill.line_items.get(sequence_number=1)
    ExternalMapping.objects.create(
        organization=organization, entity="Aggregation",
        entity_identity=str(first.aggregation_id), external_system=market.destination,
        external_table="Dimension", external_id=f"{market.prefix}seats",
    )  # fmt: skip

    run = send_at(NOON, configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    usage = MarketplaceReport.objects.get().reported_usage
    hour = "2026-06-01T12:00:00Z"
    assert {key.removeprefix(market.prefix): hours[hour] for key, hours in usage.items()} == {
        "seats": 10,
        "units": 60,
    }


def test_other_currencies_and_dimensions_below_zero_are_refused_before_any_call(
    fake, configuration, account
):
    euros = send_at(NOON, configuration, bills.make_bill(account, ["1"], currency="EUR"))
    negative = bills.make_bill(account, ["1", "-2"], boundary_date="2026-07-01")
    below = send_at(NOON, configuration, negative)

    assert [euros.status, below.status, fake.asked] == ["ERROR", "ERROR", []]
    assert "the bill is in EUR" in euros.error
    assert "-100 units are below zero" in below.error
    assert Event.objects.filter(name="integration.validation.error").count() == 2


def test_a_refused_key_disables_at_once_and_throttling_counts_as_no_attempt(
    fake, configuration, account, market
):
    fake.fail = [market.throttled]
    bill = bills.make_bill(account, ["1"])
    run = send_at(NOON, configuration, bill)
    assert (run.status, run.attempts_made) == ("RATE_LIMIT_RETRY", 0)
    fake.key, fake.token = "another", "another"

    run = perform_at(NOON + timedelta(minutes=5), run)

    configuration.refresh_from_db()
    assert (run.status, configuration.is_enabled, fake.total()) == ("AUTH_FAILED", False, 0)


def test_a_missing_mapping_of_the_account_has_its_event(fake, configuration, organization):
    bill = bills.make_bill(factories.make_account(organization), ["1"])

    run = send_at(NOON, configuration, bill)

    assert (run.status, fake.total()) == ("ERROR", 0)
    assert Event.objects.filter(name="integration.missingaccountmapping.error").count() == 1


def test_secrets_are_in_no_log(fake, configuration, account, market):
    told = " and ".join(market.planted)
    fake.fail = [Answered(400, f'{{"message": "bad {told}"}}'.encode())]

    run = send_at(NOON, configuration, bills.make_bill(account, ["1"]))

    assert run.status == "ERROR"
    kept = [*RunLogEntry.objects.values_list("text", flat=True),
            *map(str, IntegrationRun.objects.values()),
            *(str(event.payload) for event in Event.objects.all())]  # fmt: skip
    assert any("[hidden]" in text for text in kept)
    assert not [text for text in kept for secret in market.planted if secret in text]


@pytest.mark.parametrize("market", [MARKETS[0]], ids=str, indirect=True)
class TestAws:
    """What AWS alone does."""

    def test_keys_of_a_role_are_assumed_for_the_run(self, fake, organization, account):
        secrets = {**MARKETS[0].secrets, "roleArn": "arn:aws:iam::1:role/own"}
        dimension = f"{PRODUCT}-units"
        configuration = bills.connect(organization, "AWS", secrets, dimension=dimension)
        fake.key = "only the role's key is known"

        run = bills.send(configuration, bills.make_bill(account, ["0.50"]))

        assert (run.status, run.error, fake.total()) == ("COMPLETE", "", 50)

    def test_a_role_that_is_denied_is_a_refused_credential(self, fake, organization, account):
        secrets = {**MARKETS[0].secrets, "roleArn": "arn:aws:iam::1:role/other-team"}
        configuration = bills.connect(organization, "AWS", secrets, dimension=f"{PRODUCT}-units")

        run = bills.send(configuration, bills.make_bill(account, ["0.50"]))

        assert (run.status, fake.asked) == ("AUTH_FAILED", [])
        assert run.error == "AWS gave no keys of the role: AccessDenied."

    def test_records_that_stay_unprocessed_are_sent_again(
        self, fake, organization, account, configuration
    ):
        from integrations.models import ExternalMapping

        bill = bills.make_bill(account, ["0.10", "0.20"])
        first = bill.line_items.get(sequence_number=1)
        ExternalMapping.objects.create(
            organization=organization, entity="Aggregation",
            entity_identity=str(first.aggregation_id), external_system="AWS",
            external_table="Dimension", external_id=f"{PRODUCT}-seats",
        )  # fmt: skip
        fake.unprocessed = 1
        run = send_at(NOON, configuration, bill)
        assert run.status == "AWAITING_RETRY"
        assert "has not processed" in run.error

        perform_at(NOON + HOUR, run)

        assert (run.status, fake.total()) == ("COMPLETE", 30)

    @pytest.mark.parametrize("region", ["us-east-1.evil.example/", "x", "us-east-1#"])
    def test_a_region_that_is_none_is_never_called(self, fake, organization, account, region):
        secrets = {**MARKETS[0].secrets, "region": region}
        configuration = bills.connect(organization, "AWS", secrets, dimension=f"{PRODUCT}-units")

        run = bills.send(configuration, bills.make_bill(account, ["0.50"]))

        assert (run.status, fake.asked) == ("ERROR", [])
        assert "is none of AWS" in run.error

    def test_a_dimension_without_its_product_is_refused_when_saved(self, market):
        with pytest.raises(FieldRefused, match="PRODUCTCODE-DIMENSION"):
            run_settings.check({"dimension": "units"}, registry.find("AWS"))
