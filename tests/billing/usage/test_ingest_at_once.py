"""Batches at the same time: no deadlock, nothing twice, nothing to yesterday's account."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from billing.models import Account, IngestFailure
from billing.usage import store
from organizations.kernel import changes, isolation, principals
from organizations.models import Event
from tests.billing.usage.stored import NOON, accept, failures, gigabytes, item, stored, total
from tests.factories import make_account, make_organization

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def organization():
    return make_organization()


def at_once(calls: Iterable[Callable[[], object]]) -> list[object]:
    """Run the calls in threads that begin together; raises what any of them raises."""
    calls = list(calls)
    gate = threading.Barrier(len(calls))

    @isolation.everywhere()
    def run(call: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            gate.wait(timeout=10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, c) for c in calls]]


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=36)])
def test_the_same_uids_in_different_order_never_deadlock(organization, age):
    gigabytes(organization)
    make_account(organization, code="acme")
    rounds, size = 30, 200

    for number in range(rounds):
        batch = [item(uid=f"{number}-{n}") for n in range(size)]
        if age:  # claims whose window is over: they are taken over, in order too
            store.claim(organization.pk, [sent["uid"] for sent in batch], at=NOON - age)
        orders = [batch, batch[::-1], batch[100:] + batch[:100]]
        at_once(lambda order=order: accept(organization, *order) for order in orders)

    assert len(stored(organization)) == rounds * size
    assert len(set(stored(organization))) == rounds * size
    duplicates = [uid for _, uids in failures(organization) for uid in uids]
    assert len(duplicates) == 2 * rounds * size


@pytest.mark.parametrize("look_first", [False, True])
def test_of_live_old_and_new_uids_the_live_ones_are_not_ours(organization, look_first):
    store.claim(organization.pk, ["live", "other"], at=NOON - timedelta(days=34))
    store.claim(organization.pk, ["old"], at=NOON - timedelta(days=36))

    asked = ["new", "old", "live", "new"]
    won = store.claim(organization.pk, asked, at=NOON, look_first=look_first)

    assert won == {"new", "old"}
    assert store.claim(organization.pk, asked, at=NOON, look_first=look_first) == set()
    assert store.claim(organization.pk, [], at=NOON, look_first=look_first) == set()


def test_claims_deleted_while_they_are_asked_for_are_not_duplicates(organization):
    gigabytes(organization)
    make_account(organization, code="acme")
    rounds = 20

    for number in range(rounds):
        uids = [f"{number}-{n}" for n in range(100)]
        store.claim(organization.pk, uids, at=NOON - timedelta(days=36))
        batch = [item(uid=uid) for uid in uids]
        at_once([partial(accept, organization, *batch), partial(store.forget_old, at=NOON)])

    assert len(stored(organization)) == rounds * 100
    assert failures(organization) == []


def test_new_codes_that_arrive_together_become_one_account_each(organization):
    meter = gigabytes(organization)
    rounds = 10

    for number in range(rounds):
        codes = [f"new-{number}-{n}" for n in range(20)]
        orders = [codes, codes[::-1]]
        at_once(
            lambda order=order: accept(organization, *(item(account=code) for code in order))
            for order in orders
        )

    accounts = Account.objects.for_organization(organization)
    assert accounts.count() == rounds * 20
    assert {total(account.pk, meter) for account in accounts} == {2}
    assert Event.objects.filter(name="configuration.account.created").count() == rounds * 20


def test_similar_new_codes_that_arrive_together_become_one_account(organization):
    gigabytes(organization)

    for number in range(10):
        at_once(
            lambda code=code: accept(organization, item(uid=code, account=code))
            for code in (f"Co {number}", f"CO {number}")
        )

    assert Account.objects.for_organization(organization).count() == 10
    assert len(stored(organization)) == 10
    assert [row.type for row in IngestFailure.objects.all()] == ["InvalidAccountCode"] * 10
    # The uids of the losers are free.
    losers = [(row.uids[0], row.message) for row in IngestFailure.objects.all()]
    assert store.claim(organization.pk, [uid for uid, _ in losers], at=NOON) == {
        uid for uid, _ in losers
    }


def test_an_account_made_meanwhile_by_a_person_is_used(organization):
    meter = gigabytes(organization)
    by = principals.system(organization.pk)

    def make(code):
        row = Account(
            organization=organization, code=code, name="By hand", email_address="a@example.com"
        )
        try:
            changes.create(row, by=by)
        except changes.ConstraintRefused:
            return None
        return row.pk

    for number in range(10):
        code = f"co-{number}"
        at_once([partial(make, code), partial(accept, organization, item(account=code))])

    accounts = Account.objects.for_organization(organization)
    assert accounts.count() == 10
    assert {total(account.pk, meter) for account in accounts} == {1}


def test_a_skeleton_does_not_wait_for_a_person_who_makes_another_account(organization):
    gigabytes(organization)
    by = principals.system(organization.pk)
    row = Account(organization=organization, code="x", name="X", email_address="a@example.com")

    with transaction.atomic():
        changes.create(row, by=by)
        at_once([lambda: accept(organization, item(uid="a", account="new"))])

    assert stored(organization) == ["a"]


def test_a_change_made_elsewhere_is_seen_by_the_next_batch(organization):
    gigabytes(organization)
    account = make_account(organization, code="acme")
    accept(organization, item(uid="before"))

    def rename():
        with changes.editing(account, by=principals.system(organization.pk)) as locked:
            locked.code = "acme_corp"

    at_once([rename])
    accept(organization, item(uid="after"), item(uid="again", account="acme_corp"))

    skeleton = Account.objects.get(organization=organization, code="acme")
    owners = dict(stored(organization, "uid, account_id"))
    assert owners == {"before": account.pk, "after": skeleton.pk, "again": account.pk}


def test_no_batch_books_to_the_old_account_after_the_change_was_committed(organization):
    gigabytes(organization)
    first, second = (make_account(organization, code=code) for code in ("a", "b"))
    by = principals.system(organization.pk)

    def swap():
        """Give the code ``acme`` to the other account, in one transaction."""
        with transaction.atomic():
            for account, code in ((first, "tmp"), (second, "x"), (first, "y"), (second, "acme")):
                with changes.editing(account, by=by) as locked:
                    locked.code = code

    with changes.editing(first, by=by) as locked:
        locked.code = "acme"
    accept(organization, item(uid="1", account="acme"))
    at_once([swap, *(lambda: accept(organization, item(account="acme")) for _ in range(3))])

    accept(organization, item(uid="2", account="acme"))

    owners = dict(stored(organization, "uid, account_id"))
    assert (owners["1"], owners["2"]) == (first.pk, second.pk)
    assert set(owners.values()) == {first.pk, second.pk}
    assert Account.objects.for_organization(organization).count() == 2


def test_a_batch_that_fails_stores_nothing_and_burns_no_uid(organization, monkeypatch):
    gigabytes(organization)

    def broken(*_args, **_options):
        raise RuntimeError("the connection is lost")

    with monkeypatch.context() as patched:
        patched.setattr("billing.usage.failures.record", broken)
        with pytest.raises(RuntimeError):
            accept(organization, item(uid="a"), item(uid="b", meter="nothing"))

    assert stored(organization) == []
    assert not Account.objects.for_organization(organization).exists()

    accept(organization, item(uid="a"))
    assert stored(organization) == ["a"]


def test_a_batch_that_was_chosen_to_end_a_deadlock_is_taken_in_again(organization, monkeypatch):
    gigabytes(organization)
    real, calls = store.claim, []

    def claim(*args, **options):
        calls.append(options)
        if len(calls) == 1:
            raise OperationalError from DeadlockDetected()
        return real(*args, **options)

    monkeypatch.setattr(store, "claim", claim)

    accept(organization, item(uid="a"))

    assert (len(calls), stored(organization)) == (2, ["a"])
