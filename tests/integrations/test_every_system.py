"""What must hold for every system that takes bills: one document, exact totals, no secrets."""

import json
from decimal import Decimal
from typing import Any

import pytest

from integrations.models import (
    ExternalMapping,
    IntegrationConfiguration,
    IntegrationRun,
    RunLogEntry,
)
from organizations.models import AuditEntry, Event
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.serving import Answered, serving
from tests.integrations.systems_table import ROWS, Row

pytestmark = pytest.mark.django_db


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test every system; with the writes and the totals that a system has."""
    if "write" in metafunc.fixturenames:
        found = [(row, write) for row in ROWS for write in range(1, row.writes + 1)]
        metafunc.parametrize(("row", "write"), found, ids=[f"{row}-{n}" for row, n in found])
    elif "case" in metafunc.fixturenames:
        cases = [(row, case) for row in ROWS for case in row.totals]
        ids = [f"{row}-{case[0]}-{len(case[1])}" for row, case in cases]
        metafunc.parametrize(("row", "case"), cases, ids=ids)
    else:
        can_close = metafunc.function is test_a_document_that_is_closed_cannot_be_changed
        metafunc.parametrize("row", [r for r in ROWS if r.close or not can_close], ids=str)


@pytest.fixture
def fake(row: Row, settings: Any) -> Any:
    found = row.make()
    with serving(found.answer) as address:
        settings.INTEGRATION_ADDRESSES = {row.destination: address}
        yield found


@pytest.fixture
def account(organization):
    return factories.make_account(organization)


@pytest.fixture
def configuration(row: Row, organization, account):
    bills.map_account(account, row.destination, row.account_table, row.account_id)
    return bills.connect(organization, row.destination, row.secrets, **row.settings)


def test_a_bill_becomes_one_document_with_a_mapping_and_a_link(row, fake, configuration, account):
    bill = bills.make_bill(account, ["12.30", "2.05"], external_invoice_reference="INV-7",
                           purchase_order_number="PO 7")  # fmt: skip

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    (document,) = row.documents(fake)
    assert row.total(fake, document) == Decimal("14.35")
    mapping = ExternalMapping.objects.get(entity="Bill")
    assert (mapping.external_id, mapping.external_table) == (run.external_id, row.bill_table)
    assert mapping.configuration == configuration
    assert run.url.startswith("http")


def test_sending_again_changes_the_same_document_to_the_last_content(
    row, fake, configuration, account
):
    bill = bills.make_bill(account, ["10", "5"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["10", "7", "1"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["9"])

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    (document,) = row.documents(fake)
    assert row.total(fake, document) == 9
    assert ExternalMapping.objects.filter(entity="Bill").count() == 1


def test_a_worker_killed_after_any_write_leaves_no_second_document(
    row, fake, configuration, account, write
):
    bill = bills.make_bill(account, ["10", "5", "2"])
    run = bills.send_and_be_killed(configuration, bill, after_write=write)
    # Meanwhile the bill was calculated again.
    bills.set_lines(bill, ["10", "6"])

    bills.perform(run)

    assert (run.status, run.error) == ("COMPLETE", "")
    (document,) = row.documents(fake)
    assert row.total(fake, document) == 16


def test_a_document_lost_to_a_kill_is_found_beside_many_others(row, fake, configuration, account):
    bill = bills.make_bill(account, ["10"])
    run = bills.send_and_be_killed(configuration, bill, after_write=row.writes)
    for month in range(1, 41):
        other = bills.make_bill(account, ["1"], boundary_date=f"20{month + 30}-01-01")
        assert bills.send(configuration, other).status == "COMPLETE"

    bills.perform(run)

    assert (run.status, run.error) == ("COMPLETE", "")
    assert len(row.documents(fake)) == 41


def test_a_document_deleted_over_there_is_made_again(row, fake, configuration, account):
    bill = bills.make_bill(account, ["10"])
    bills.send(configuration, bill)
    fake.forget(row.documents(fake)[0])
    bills.set_lines(bill, ["11"])

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    (document,) = row.documents(fake)
    assert row.total(fake, document) == 11
    assert ExternalMapping.objects.get(entity="Bill").external_id == run.external_id


def test_negative_lines_arrive_or_are_refused_before_any_call(row, fake, configuration, account):
    run = bills.send(configuration, bills.make_bill(account, ["12.30", "-2.05"]))

    if row.takes_negative:
        assert (run.status, run.error) == ("COMPLETE", "")
        assert row.total(fake, row.documents(fake)[0]) == Decimal("10.25")
        return
    assert run.status == "ERROR"
    assert "Usage 2 (-2.05)" in run.error
    assert fake.asked == []
    assert Event.objects.filter(name="integration.validation.error").count() == 1


def test_a_document_that_is_closed_cannot_be_changed(row, fake, configuration, account):
    bill = bills.make_bill(account, ["10"])
    bills.send(configuration, bill)
    row.close(row.documents(fake)[0])
    bills.set_lines(bill, ["11"])

    run = bills.send(configuration, bill)

    assert run.status == "INVOICE_ALREADY_PAID", run.error
    assert row.total(fake, row.documents(fake)[0]) == 10


def test_a_missing_account_mapping_has_an_event_that_names_the_account(
    row, fake, organization, account
):
    configuration = bills.connect(organization, row.destination, row.secrets, **row.settings)

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert run.status == "ERROR"
    assert row.documents(fake) == []
    event = Event.objects.get(name="integration.missingaccountmapping.error")
    assert event.payload["eventData"]["newDto"]["accountId"] == str(account.pk)


def test_a_refused_key_disables_the_integration_at_once(row, fake, configuration, account):
    fake.key = "another"

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    configuration.refresh_from_db()
    assert (run.status, configuration.is_enabled) == ("AUTH_FAILED", False)
    assert not configuration.credential.is_authorized


def test_trouble_that_passes_is_tried_again_and_throttling_counts_as_no_attempt(
    row, fake, configuration, account
):
    fake.fail = [None, Answered(503, b"{}"), Answered(429, b"{}", {"Retry-After": "7"})]
    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, run.attempts_made) == ("AWAITING_RETRY", 1)
    assert bills.perform(run).attempts_made == 2
    bills.perform(run)
    assert (run.status, run.attempts_made) == ("RATE_LIMIT_RETRY", 2)
    assert bills.perform(run).status == "COMPLETE"
    assert len(row.documents(fake)) == 1


def test_secrets_are_nowhere_but_sealed(row, fake, configuration, account):
    bills.send(configuration, bills.make_bill(account, ["1"]))
    told = " and ".join(row.planted)
    fake.fail = [Answered(400, json.dumps({"error": told}).encode())]
    failed = bills.send(configuration, bills.make_bill(account, ["2"], boundary_date="2026-07-01"))

    assert failed.status == "ERROR"
    kept = [
        *RunLogEntry.objects.values_list("text", flat=True),
        *(str(event.payload) for event in Event.objects.all()),
        *(str(entry.difference) for entry in AuditEntry.objects.all()),
        *map(str, IntegrationRun.objects.values()),
        *map(str, IntegrationConfiguration.objects.values()),
        configuration.credential.sealed_secrets,
    ]
    assert any("[hidden]" in text for text in kept)
    assert not [text for text in kept for secret in row.planted if secret in text]


def test_an_empty_bill_sends_nothing_and_is_done(row, fake, configuration, account):
    run = bills.send(configuration, bills.make_bill(account, []))

    assert (run.status, fake.asked) == ("COMPLETE", [])


def test_totals_agree_to_the_last_unit(row, fake, configuration, account, case):
    currency, amounts, total = case
    bill = bills.make_bill(account, list(amounts), currency=currency)

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    (document,) = row.documents(fake)
    assert row.total(fake, document) == Decimal(total)
