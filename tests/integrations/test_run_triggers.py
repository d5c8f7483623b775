"""Which events make runs of which configurations, once each, and what leaves a trace (A5)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from billing import representations
from integrations import dispatch
from integrations.models import IntegrationConfiguration, IntegrationRun, RunStatus
from integrations.runs import execution, triggers
from organizations.kernel import events
from organizations.models import Event
from tests import factories
from tests.integrations import sending_bills as bills

pytestmark = pytest.mark.django_db
AT = datetime(2026, 6, 2, 10, 20, tzinfo=UTC)


@pytest.fixture
def account(organization):
    return factories.make_account(organization, address={"country": "UK"})


@pytest.fixture
def bill(account):
    return bills.make_bill(account, ["10.00"])


def connect(organization, destination="STRIPE_TEST", *, since=AT, entity="Bill", **settings):
    row = bills.connect(organization, destination, {"apiKey": "planted"}, **settings)
    IntegrationConfiguration.objects.filter(pk=row.pk).update(created_at=since, entity_type=entity)
    # What making all of this recorded is none of the events these tests are about.
    Event.objects.filter(organization=organization).update(dispatched_at=AT)
    row.refresh_from_db()
    return row


def looks(bill, **changes):
    return {**representations.bill(bill), **changes}


def happens(bill, *, new=None, old=None, verb="updated", at=AT, account_id=None):
    """An event of a bill, dispatched; returns the runs there are, in their order."""
    data = events.data(bill.organization_id, new=new or looks(bill), old=old)
    events.record(
        bill.organization_id, f"billing.bill.{verb}", data,
        resource_id=bill.pk, account_id=account_id or bill.account_id, at=at,
    )  # fmt: skip
    dispatch.dispatch(at)
    return list(IntegrationRun.objects.order_by("created_at", "pk"))


def calculated_again(bill, at=AT):
    return happens(bill, new=looks(bill, billTotal="11.00"), old=looks(bill), at=at)


def approved(bill):
    return happens(bill, new=looks(bill, status="APPROVED"), old=looks(bill, status="PENDING"))


def test_a_bill_that_is_made_is_sent_at_once(organization, bill):
    configuration = connect(organization)

    (run,) = happens(bill, verb="created")

    assert (run.configuration, run.entity_id) == (configuration, str(bill.pk))
    assert (run.account_id, run.destination) == (bill.account_id, "STRIPE_TEST")
    assert (run.status, run.next_attempt_at) == (RunStatus.WAITING, AT)


@pytest.mark.parametrize(
    ("new", "old", "is_sent"),
    [
        ({"billTotal": "11.00"}, {"billTotal": "10.00"}, True),
        ({"lastCalculatedDate": "b"}, {"lastCalculatedDate": "a"}, True),
        ({"status": "APPROVED"}, {"status": "PENDING"}, False),
        ({"billTotal": "11.00", "locked": True}, {"billTotal": "10.00"}, False),
        ({"purchaseOrderNumber": "2"}, {"purchaseOrderNumber": "1"}, False),
    ],
)
def test_a_changed_bill_is_sent_when_it_was_calculated(organization, bill, new, old, is_sent):
    connect(organization)

    runs = happens(bill, new=looks(bill, **new), old=looks(bill, **old))

    assert len(runs) == is_sent


def test_with_approval_alone_nothing_else_sends_and_approving_does_once(organization, bill):
    connect(organization, onlySendOnApproval=True)

    assert happens(bill, verb="created") == []
    assert calculated_again(bill) == []
    assert len(approved(bill)) == 1
    still = looks(bill, status="APPROVED")
    assert len(happens(bill, new={**still, "locked": True}, old=still)) == 1


def test_changes_meanwhile_are_one_run_that_waits(organization, bill):
    connect(organization)
    (first,) = happens(bill, verb="created")
    assert [one.pk for one in calculated_again(bill)] == [first.pk]
    IntegrationRun.objects.update(started_at=AT, status=RunStatus.STARTED)

    for minute in (1, 2, 3):
        runs = calculated_again(bill, AT + timedelta(minutes=minute))

    assert [one.status for one in runs] == [RunStatus.STARTED, RunStatus.WAITING]


def test_each_configuration_has_a_run_of_its_own(organization, bill):
    both = {connect(organization).pk, connect(organization, "XERO").pk}

    assert {run.configuration_id for run in happens(bill, verb="created")} == both


def test_a_disabled_configuration_leaves_a_trace_each_time_and_sends_nothing(organization, bill):
    row = connect(organization)
    IntegrationConfiguration.objects.update(is_enabled=False)
    happens(bill, verb="created")

    runs = calculated_again(bill, AT + timedelta(minutes=1))

    assert [run.status for run in runs] == [RunStatus.DISABLED] * 2
    assert [run.next_attempt_at for run in runs] == [None] * 2
    assert all(run.finished_at and run.error == triggers.IS_OFF for run in runs)
    IntegrationConfiguration.objects.filter(pk=row.pk).update(is_enabled=True)
    assert triggers.hand_out(AT + timedelta(days=1)) == []


@pytest.mark.parametrize("case", ["older", "other organization", "another entity", "deleted"])
def test_what_does_not_concern_a_configuration_makes_no_run(organization, bill, case):
    row = connect(organization, since=AT + timedelta(seconds=1) if case == "older" else AT)
    if case == "another entity":
        IntegrationConfiguration.objects.filter(pk=row.pk).update(entity_id=uuid4())
    if case == "other organization":
        other = factories.make_organization()
        bill = bills.make_bill(factories.make_account(other), ["1.00"])
    verb = "deleted" if case == "deleted" else "created"

    assert happens(bill, verb=verb) == []


def test_a_configuration_of_one_entity_sends_that_one(organization, bill, account):
    row = connect(organization)
    IntegrationConfiguration.objects.filter(pk=row.pk).update(entity_id=bill.pk)
    other = bills.make_bill(account, ["1.00"], start_date="2026-04-01", boundary_date="2026-05-01")

    happens(other, verb="created")

    assert [run.entity_id for run in happens(bill, verb="created")] == [str(bill.pk)]


@pytest.mark.parametrize(
    ("config", "is_sent"),
    [
        ({"accountFilter": "address.country == UK"}, True),
        ({"accountFilter": "address.country == US"}, False),
        ({"accountIds": ["ours"]}, True),
        ({"accountIds": ["theirs"]}, False),
        ({"restrictedAccountIds": ["ours"]}, False),
        ({"accountIds": ["ours"], "restrictedAccountIds": ["ours"]}, False),
        ({"accountIds": ["ours"], "accountFilter": "address.country == US"}, False),
    ],
)
def test_accounts_that_are_not_meant_have_no_run(organization, bill, config, is_sent):
    names = {"ours": str(bill.account_id), "theirs": str(uuid4())}
    known = {
        key: [names[one] for one in value] if isinstance(value, list) else value
        for key, value in config.items()
    }
    connect(organization, **known)

    assert len(happens(bill, verb="created")) == is_sent


def test_a_system_that_is_swept_waits_for_the_hour(organization, bill):
    connect(organization, "AWS")

    (run,) = happens(bill, verb="created")

    assert run.next_attempt_at == datetime(2026, 6, 2, 11, tzinfo=UTC)
    assert triggers.hand_out(AT) == []


def test_an_account_is_sent_to_who_takes_accounts(organization, account):
    connect(organization, "SALESFORCE", entity="Account")
    looks = representations.account(account)
    data = events.data(organization.pk, new=looks, old=looks)
    events.record(organization.pk, "billing.account.updated", data, resource_id=account.pk, at=AT)

    dispatch.dispatch(AT)

    (run,) = IntegrationRun.objects.all()
    assert (run.entity_type, run.entity_id) == ("Account", str(account.pk))
    assert run.account_id == account.pk


def test_two_dispatches_of_the_same_events_make_one_run(organization, bill):
    connect(organization)
    happens(bill, verb="created")
    Event.objects.filter(resource_id=bill.pk).update(dispatched_at=None)

    dispatch.dispatch(AT + timedelta(seconds=1))

    assert IntegrationRun.objects.count() == 1


def test_what_was_handed_out_is_not_handed_out_again_while_it_is_in_the_queue(organization, bill):
    connect(organization)
    (run,) = happens(bill, verb="created")

    assert triggers.hand_out(AT) == [run.pk]
    assert triggers.hand_out(AT + timedelta(seconds=59)) == []
    assert triggers.hand_out(AT + timedelta(seconds=60)) == [run.pk]


def test_a_run_whose_worker_died_waits_in_the_queue_again(organization, bill):
    connect(organization)
    (run,) = happens(bill, verb="created")
    begun = execution._begin(run.pk, AT)
    assert begun is not None
    assert triggers.hand_out(AT + execution.LEASE - timedelta(seconds=1)) == []

    assert triggers.hand_out(AT + execution.LEASE) == [run.pk]

    run.refresh_from_db()
    assert run.status == RunStatus.AWAITING_RETRY and not execution.renew(begun)


def test_a_credential_that_was_throttled_holds_up_the_runs_of_it(organization, bill, account):
    row = connect(organization)
    (run,) = happens(bill, verb="created")
    row.credential.paused_until = AT + timedelta(minutes=5)
    row.credential.save()

    assert triggers.hand_out(AT + timedelta(minutes=4)) == []
    assert triggers.hand_out(AT + timedelta(minutes=5)) == [run.pk]


def test_a_batch_takes_as_many_statements_however_many_bills_there_are(
    organization, account, django_assert_max_num_queries
):
    connect(organization, accountFilter="address.country == UK")
    for month in (1, 2, 3, 4, 5):
        made = bills.make_bill(
            account, ["1.00"], start_date=f"2025-0{month}-01", boundary_date=f"2025-0{month + 1}-01"
        )
        data = events.data(organization.pk, new=looks(made))
        events.record(
            organization.pk, "billing.bill.created", data,
            resource_id=made.pk, account_id=account.pk, at=AT,
        )  # fmt: skip

    with django_assert_max_num_queries(16):
        dispatch.dispatch(AT)

    assert {UUID(run.entity_id) for run in IntegrationRun.objects.all()} >= {made.pk}
    assert IntegrationRun.objects.count() == 5
