"""Kept hours that are too old: free where nothing was taken, else settled by hand (A10)."""

import pytest
from django.core.management import CommandError, call_command

from integrations.models import IntegrationRun, MarketplaceReport, MeteredHour
from integrations.runs import execution
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.serving import Answered
from tests.integrations.test_marketplaces import (  # noqa: F401
    HOUR,
    NOON,
    account,
    configuration,
    fake,
    market,
    perform_at,
    send_at,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def killed(fake, configuration, account, monkeypatch):  # noqa: F811
    """A bill whose worker died between keeping the hour and the call, two days ago."""
    bill = bills.make_bill(account, ["0.50"])
    calls = execution.HttpClient.call

    def call(self, method, path, **options):
        if method == "POST":
            raise bills.Killed
        return calls(self, method, path, **options)

    with monkeypatch.context() as patch, pytest.raises(bills.Killed):
        patch.setattr(execution.HttpClient, "call", call)
        send_at(NOON, configuration, bill)
    IntegrationRun.objects.all().delete()
    return bill


def test_an_hour_nobody_can_tell_of_says_how_to_settle_it(
    fake,  # noqa: F811
    configuration,  # noqa: F811
    killed,
):
    run = send_at(NOON + 48 * HOUR, configuration, killed)

    assert (run.status, fake.total()) == ("ERROR", 0)
    assert "whether 50 units of" in run.error
    assert f"settle_metered_hours --bill {killed.pk}" in run.error


@pytest.mark.parametrize(("word", "total"), [("--not-taken", 80), ("--taken", 30)])
def test_what_is_settled_is_sent_again_or_counts(
    fake,  # noqa: F811
    configuration,  # noqa: F811
    killed,
    word,
    total,
):
    call_command("settle_metered_hours", "--bill", str(killed.pk), word)
    bills.set_lines(killed, ["0.80"])

    run = send_at(NOON + 48 * HOUR, configuration, killed)

    assert (run.status, run.error, fake.total()) == ("COMPLETE", "", total)
    (hours,) = MarketplaceReport.objects.get().reported_usage.values()
    assert sum(hours.values()) == 80
    with pytest.raises(CommandError, match="Nothing of this bill is open"):
        call_command("settle_metered_hours", "--bill", str(killed.pk), word)


def test_what_was_refused_for_good_leaves_its_hour_free(
    fake,  # noqa: F811
    configuration,  # noqa: F811
    account,  # noqa: F811
    market,  # noqa: F811
):
    configuration.config_data = {"dimension": f"{market.prefix}nosuch"}
    configuration.save()
    bill = bills.make_bill(account, ["0.50"])
    assert send_at(NOON, configuration, bill).status == "ERROR"
    assert not MeteredHour.objects.exists()
    configuration.config_data = {"dimension": f"{market.prefix}units"}
    configuration.save()

    run = send_at(NOON + HOUR, configuration, bill)

    assert (run.status, run.error, fake.total()) == ("COMPLETE", "", 50)


def test_a_run_that_could_not_send_for_hours_meters_the_hour_it_is_then(
    fake,  # noqa: F811
    configuration,  # noqa: F811
    account,  # noqa: F811
    market,  # noqa: F811
):
    fake.fail = [market.throttled] * 9
    bill = bills.make_bill(account, ["0.50"])
    run = send_at(NOON, configuration, bill)
    assert run.status == "RATE_LIMIT_RETRY"
    fake.fail = []

    perform_at(NOON + 20 * HOUR, run)

    assert (run.status, run.error, fake.total()) == ("COMPLETE", "", 50)


def test_a_gateway_that_fails_leaves_the_hour_kept(
    fake,  # noqa: F811
    configuration,  # noqa: F811
    account,  # noqa: F811
):
    fake.fail = [Answered(503, b"{}")] * 2
    run = send_at(NOON, configuration, bills.make_bill(account, ["0.50"]))

    assert run.status == "AWAITING_RETRY"
