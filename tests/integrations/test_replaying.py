"""Run again: a new run that names the old one, only when nothing of it is on its way (A6)."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from integrations.models import IntegrationConfiguration, IntegrationRun, RunStatus
from integrations.runs import replaying, triggers
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry
from tests import factories
from tests.integrations import sending_bills as bills

pytestmark = pytest.mark.django_db
AT = datetime(2026, 6, 2, 10, 20, tzinfo=UTC)


@pytest.fixture
def by(organization):
    return Principal(uuid4(), "USER", organization.pk, source_address="192.0.2.1")


@pytest.fixture
def configuration(organization):
    return bills.connect(organization, "STRIPE_TEST", {"apiKey": "planted"})


@pytest.fixture
def account(organization):
    return factories.make_account(organization)


def failed(configuration, entity_id, *, account=None, at=AT, status=RunStatus.ERROR):
    run = triggers.build(
        configuration, entity_type="Bill", entity_id=str(entity_id),
        account_id=account and account.pk, at=at,
    )  # fmt: skip
    run.status, run.started_at, run.finished_at, run.next_attempt_at = status, at, at, None
    run.error = "It failed."
    run.save()
    return run


def test_a_run_again_is_another_run_of_the_same_entity_and_written_down(configuration, account, by):
    before = failed(configuration, uuid4(), account=account)
    later = AT + timedelta(hours=1)

    made = replaying.again(before, by=by, at=later)

    made.refresh_from_db()
    assert made.replayed_from_id == before.pk and made.pk != before.pk
    assert (made.entity_id, made.account_id) == (before.entity_id, account.pk)
    assert (made.status, made.next_attempt_at) == (RunStatus.WAITING, later)
    before.refresh_from_db()
    assert (before.status, before.error) == (RunStatus.ERROR, "It failed.")
    entry = AuditEntry.objects.get(action="runAgain")
    assert (entry.entity_id, entry.principal_id) == (before.pk, by.id)
    assert triggers.hand_out(later) == [made.pk]


@pytest.mark.parametrize("status", [one for one in RunStatus if one != RunStatus.COMPLETE])
def test_whatever_way_a_run_ended_it_can_be_run_again(configuration, by, status):
    before = failed(configuration, uuid4(), status=status)

    assert replaying.again(before, by=by, at=AT).replayed_from_id == before.pk


@pytest.mark.parametrize("is_begun", [False, True])
def test_while_a_newer_run_is_on_its_way_nothing_is_made(configuration, by, is_begun):
    before = failed(configuration, uuid4())
    newer = replaying.again(before, by=by, at=AT)
    if is_begun:
        IntegrationRun.objects.filter(pk=newer.pk).update(
            started_at=AT, status=RunStatus.AWAITING_RETRY
        )

    with pytest.raises(replaying.NotOver, match="still on its way"):
        replaying.again(before, by=by, at=AT)

    assert IntegrationRun.objects.count() == 2
    assert AuditEntry.objects.filter(action="runAgain").count() == 1


@pytest.mark.parametrize("is_deleted", [False, True])
def test_without_a_configuration_that_is_enabled_nothing_is_made(configuration, by, is_deleted):
    before = failed(configuration, uuid4())
    if is_deleted:
        IntegrationRun.objects.update(configuration=None)
        before.refresh_from_db()
    else:
        IntegrationConfiguration.objects.update(is_enabled=False)

    with pytest.raises(replaying.IsOff):
        replaying.again(before, by=by, at=AT)

    assert IntegrationRun.objects.count() == 1


def test_a_run_of_another_configuration_is_not_in_the_way(organization, configuration, by):
    before = failed(configuration, uuid4())
    other = bills.connect(organization, "XERO", {"accessToken": "planted"})
    waiting = failed(other, before.entity_id)
    replaying.again(waiting, by=by, at=AT)

    assert replaying.again(before, by=by, at=AT).configuration == configuration


def test_of_many_each_entity_is_run_once_and_what_cannot_be_is_counted(
    organization, configuration, by
):
    twice, once, busy = uuid4(), uuid4(), uuid4()
    rows = [
        failed(configuration, twice, at=AT + timedelta(minutes=1)),
        failed(configuration, twice),
        failed(configuration, once),
        failed(configuration, busy),
    ]
    replaying.again(rows[3], by=by, at=AT)

    assert replaying.many(rows, by=by, at=AT) == (2, 1)

    made = IntegrationRun.objects.filter(replayed_from_id__in=[row.pk for row in rows[:3]])
    assert {run.replayed_from_id for run in made} == {rows[0].pk, rows[2].pk}
