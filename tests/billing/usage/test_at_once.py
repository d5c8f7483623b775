"""Small batches without faults are stored by one statement; everything else the general way."""

import os
from datetime import timedelta
from decimal import Decimal
from unittest import mock

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Account, IngestFailure
from billing.usage import resolution, store
from catalog.models import Meter
from organizations import attachments
from organizations.kernel import changes, principals
from organizations.models import PermissionPolicy, PolicyAttachment, PrincipalType
from tests.billing.usage.stored import NOON, accept, failures, gigabytes, item, stored
from tests.clients import ApiClient
from tests.factories import make_account, make_founded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def founded():
    return make_founded()


@pytest.fixture
def organization(founded):
    gigabytes(founded.organization)
    make_account(founded.organization, code="acme")
    accept(founded.organization, item(uid="first"))
    return founded.organization


@pytest.fixture
def at_once():
    """Notes what each call of the one statement answered."""
    answers = []

    def claim_and_append(*args, **keywords):
        answers.append(store.at_once.claim_and_append(*args, **keywords))
        return answers[-1]

    with mock.patch.object(store, "claim_and_append", claim_and_append):
        yield answers


def test_known_accounts_and_new_uids_take_one_statement_and_no_query_besides(organization, at_once):
    with CaptureQueriesContext(connection) as queries:
        accept(
            organization,
            item(uid="b", ets="2026-06-02T00:00:00Z", measure={"gb": Decimal("0.1")}),
            item(uid="a", measure={"gb": 2}),
        )

    assert at_once == [True]
    assert len(queries) == 0  # Django counts what goes by its own cursors
    assert stored(organization) == ["a", "b", "first"]
    assert stored(organization, "fields ->> 'gb', ets IS NULL") == [
        ("2", True), ("0.1", False), ("1", True),
    ]  # fmt: skip
    assert not IngestFailure.objects.exists()


def test_a_uid_seen_before_stores_nothing_at_once_and_is_a_failure_in_the_end(
    organization, at_once
):
    accept(organization, item(uid="new"), item(uid="first"))

    assert at_once == [False]
    assert stored(organization) == ["first", "new"]
    assert failures(organization) == [("DuplicateUid", ["first"])]


def test_a_uid_whose_window_is_over_is_taken_again(organization, at_once):
    accept(organization, item(uid="first"), at=NOON + timedelta(days=36))

    assert at_once == [False]
    assert stored(organization) == ["first", "first"]
    assert failures(organization) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"meter": "nobody-knows"},
        {"measure": {}},
        {"account": "new account"},
        {"uid": None},
        {"uid": "twin"},
    ],
)
def test_a_batch_with_anything_odd_is_not_even_tried(organization, at_once, odd):
    accept(organization, item(uid="twin"), item(**odd))

    assert at_once == []
    assert "twin" in stored(organization)


def test_a_changed_meter_is_what_counts_from_the_next_measurement_on(organization, at_once):
    meter = Meter.objects.get(organization=organization)
    with changes.editing(meter, by=principals.system(organization.pk)) as changed:
        changed.data_fields = [{**changed.data_fields[0], "code": "tb"}]

    accept(organization, item(uid="late"))

    assert at_once == [False]  # what was remembered is of an older revision
    assert stored(organization) == ["first"]
    assert failures(organization) == [("MissingField", ["late"])]


def test_a_deleted_account_gets_nothing_more(organization, at_once):
    was = Account.objects.get(organization=organization)
    changes.delete(was, by=principals.system(organization.pk))

    accept(organization, item(uid="late"))

    assert at_once == [False]
    assert stored(organization, "account_id") == [
        (was.pk), Account.objects.get(organization=organization).pk,
    ]  # fmt: skip


def test_a_claim_made_at_the_same_moment_undoes_the_statement(organization):
    catalog = resolution.latest(organization.pk)
    row = store.Measurement(
        catalog.accounts["acme"], catalog.meters["storage"].id, NOON, None, "raced", {"gb": 1}
    )
    # What the statement looks for is not there yet; the key is what stops it.
    unseeing = store.at_once.STORE.replace(b"uid = ANY($3::text[])", b"uid IS NULL")
    assert unseeing != store.at_once.STORE
    accept(organization, item(uid="raced"))

    # Under a name of its own: the connection has prepared the real one.
    with mock.patch.multiple(store.at_once, STORE=unseeing, NAME=b"unseeing"):
        is_stored = store.claim_and_append(
            organization.pk, [row], revision=catalog.revision, at=NOON
        )

    assert is_stored is False
    assert stored(organization) == ["first", "raced"]


def test_who_may_send_is_remembered_until_a_policy_changes(founded, organization, at_once):
    api = ApiClient(founded)

    def send():
        return api.post("measurements", {"measurements": [item()]}).status

    def revision():
        organization.refresh_from_db()
        return organization.catalog_revision

    assert [send(), send()] == [200, 200]
    with CaptureQueriesContext(connection) as queries:
        assert send() == 200
    assert at_once == [True, True, True]
    assert len(queries) == 0  # not even for the policies
    before = revision()
    deny = changes.create(
        PermissionPolicy(
            organization=organization,
            name="No usage",
            statements=[{"effect": "deny", "action": ["measurements:upload"], "resource": ["*"]}],
        ),
        by=principals.system(organization.pk),
    )
    service_user = PolicyAttachment.objects.get(
        organization=organization, principal_type=PrincipalType.SERVICEUSER
    ).principal_id
    attached = attachments.attach(
        deny, PrincipalType.SERVICEUSER, service_user, by=principals.system(organization.pk)
    )

    refused = send()

    assert refused == 403
    assert revision() > before
    changes.delete(attached, by=principals.system(organization.pk))
    assert send() == 200


def test_what_is_sent_again_and_again_is_refused_as_soon_as_a_policy_says_so(founded, organization):
    api = ApiClient(founded)
    batch = {"measurements": [item(uid="again")]}
    assert [api.post("measurements", batch).status for _ in range(3)] == [200] * 3
    before = failures(organization)
    for attached in PolicyAttachment.objects.filter(principal_type=PrincipalType.SERVICEUSER):
        changes.delete(attached, by=principals.system(organization.pk))

    answer = api.post("measurements", batch)

    assert answer.status == 403
    assert (len(before), failures(organization)) == (2, before)


def test_whoever_may_not_send_is_not_told_what_is_wrong_with_the_body(founded, organization):
    api = ApiClient(founded)
    for _ in range(2):
        api.post("measurements", {"measurements": [item()]})
    policy_ids = PolicyAttachment.objects.filter(principal_type=PrincipalType.SERVICEUSER)
    for attached in policy_ids:
        changes.delete(attached, by=principals.system(organization.pk))

    answer = api.post("measurements", {"measurements": []})

    assert answer.status == 403


def test_after_a_batch_with_faults_the_next_is_not_tried_until_one_was_without(
    organization, at_once
):
    accept(organization, item(uid="a"), item(uid="first"))
    accept(organization, item(uid="a"), item(uid="first"))
    accept(organization, item(uid="b"))
    accept(organization, item(uid="c"))

    assert at_once == [False, True]
    assert stored(organization) == ["a", "b", "c", "first"]
    assert len(failures(organization)) == 2


def test_a_connection_that_is_lost_stores_nothing_and_the_next_one_prepares_anew(organization):
    def send(uid):
        catalog = resolution.latest(organization.pk)
        row = store.Measurement(
            catalog.accounts["acme"], catalog.meters["storage"].id, NOON, None, uid, {"gb": 1}
        )
        return store.claim_and_append(organization.pk, [row], revision=catalog.revision, at=NOON)

    assert send("before") is True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        victim = cursor.fetchone()[0]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [victim])

    with pytest.raises(OperationalError):
        send("lost")
    connection.close_if_unusable_or_obsolete()
    assert send("after") is True
    assert set(stored(organization)) == {"first", "before", "after"}


def test_within_a_transaction_of_somebody_else_nothing_is_stored(organization):
    catalog = resolution.latest(organization.pk)
    row = store.Measurement(
        catalog.accounts["acme"], catalog.meters["storage"].id, NOON, None, "x", {"gb": 1}
    )

    with transaction.atomic(), pytest.raises(OperationalError):
        Account.objects.count()
        store.claim_and_append(organization.pk, [row], revision=catalog.revision, at=NOON)

    assert stored(organization) == ["first"]
