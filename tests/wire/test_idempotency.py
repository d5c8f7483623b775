"""``Idempotency-Key``: sent twice, done once, answered twice (B7.8)."""

import threading
from contextvars import copy_context
from typing import Any

import pytest
import time_machine
from django.db import connection, connections

from billing.models import Account
from catalog.models import Product
from organizations import tasks, tokens
from organizations.kernel import exact_json
from organizations.kernel.api import idempotency
from organizations.models import AccessKey, AuditEntry, Event, KeptAnswer, ServiceUser
from tests.clients import ApiAnswer, ApiClient
from tests.factories import make_account, make_founded, make_meter

pytestmark = pytest.mark.django_db
PRODUCT = {"name": "Storage", "code": "storage"}


def post(api: ApiClient, path: str, body: Any, key: str, **headers: str) -> ApiAnswer:
    """POST with an idempotency key."""
    return ApiAnswer(
        api.client.post(
            f"/organizations/{api.organization.pk}/{path}",
            body if isinstance(body, bytes) else exact_json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {api.token}", "Idempotency-Key": key, **headers},
        )
    )


def test_the_second_of_two_equal_requests_gets_the_first_ones_answer_and_changes_nothing(api):
    first = post(api, "products", PRODUCT, "k-1")
    second = post(api, "products", PRODUCT, "k-1")

    assert (first.status, second.status) == (200, 200)
    assert second.raw == first.raw
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Product.objects.count() == 1
    assert Event.objects.filter(name="configuration.product.created").count() == 1
    assert AuditEntry.objects.filter(entity_id=first.json["id"]).count() == 1


def test_the_key_itself_is_not_stored(api):
    post(api, "products", PRODUCT, "a-key-of-the-client")

    assert "a-key-of-the-client" not in str(KeptAnswer.objects.values())


@pytest.mark.parametrize(
    ("path", "body"),
    [("products", {**PRODUCT, "name": "Other"}), ("picklists/currency", PRODUCT)],
)
def test_the_key_with_another_request_is_a_400_that_names_the_header(api, path, body):
    post(api, "products", PRODUCT, "k-1")

    answer = post(api, path, body, "k-1")

    assert (answer.status, answer.json["code"]) == (400, "IDEMPOTENCY_KEY")
    assert [error["field"] for error in answer.json["errors"]] == ["Idempotency-Key"]
    assert [row.name for row in Product.objects.all()] == ["Storage"]


def test_a_refusal_is_repeated_as_well(api):
    first = post(api, "products", {"name": ""}, "k-1")

    second = post(api, "products", {"name": ""}, "k-1")

    assert (first.status, second.raw) == (400, first.raw)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\u00e9"])
def test_a_key_that_is_none_is_refused(api, key):
    answer = post(api, "products", PRODUCT, key)

    assert (answer.status, answer.json["code"]) == (400, "IDEMPOTENCY_KEY")
    assert not Product.objects.exists()


def test_another_principal_with_the_same_key_is_somebody_else(api, founded):
    theirs = ApiClient(make_founded())
    post(api, "products", PRODUCT, "k-1")

    answer = post(theirs, "products", PRODUCT, "k-1")

    assert answer.status == 200
    assert Product.objects.filter(organization=theirs.organization).count() == 1
    assert "Idempotent-Replayed" not in answer.headers


def test_after_a_day_the_key_is_new_again(api):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        fresh = ApiClient(api.founded)
        post(fresh, "products", PRODUCT, "k-1")
        clock.shift(24 * 3600 + 1)

        fresh = ApiClient(api.founded)
        answer = post(fresh, "products", {**PRODUCT, "code": "other"}, "k-1")

    assert (answer.status, answer.json["code"]) == (200, "other")
    assert "Idempotent-Replayed" not in answer.headers
    assert KeptAnswer.objects.count() == 1


def test_old_answers_are_deleted_and_young_ones_are_not(api):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        post(ApiClient(api.founded), "products", PRODUCT, "old")
        clock.shift(24 * 3600 - 1)
        post(ApiClient(api.founded), "products", {**PRODUCT, "code": "young"}, "young")
        clock.shift(2)

        tasks.delete_kept_answers()

    assert b"young" in bytes(KeptAnswer.objects.get().body)


def test_a_failure_of_ours_is_not_kept_and_nothing_of_it_stays(api, monkeypatch):
    from organizations.kernel import events

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken on purpose")

    api.client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(events, "record_changes", fail)
        assert post(api, "products", PRODUCT, "k-1").status == 500
    assert (Product.objects.count(), KeptAnswer.objects.count()) == (0, 0)

    answer = post(api, "products", PRODUCT, "k-1")

    assert answer.status == 200
    assert "Idempotent-Replayed" not in answer.headers


def test_an_answer_with_a_secret_is_neither_stored_nor_repeated(api):
    user = ServiceUser.objects.get(pk=api.founded.service_user.pk)
    path = f"serviceusers/{user.pk}/accesskeys"
    first = post(api, path, {}, "k-1")

    second = post(api, path, {}, "k-1")

    assert (first.status, second.status) == (200, 400)
    assert "shown only once" in second.json["message"]
    assert AccessKey.objects.count() == 2
    assert KeptAnswer.objects.get().body is None


def test_a_denied_request_is_audited_each_time_and_carried_out_once_a_policy_allows_it(api):
    user = api.post("serviceusers", {"name": "Without policies"}).json
    key = api.post(f"serviceusers/{user['id']}/accesskeys").json
    token = tokens.token_for(AccessKey.objects.get(pk=key["id"]))
    stranger = ApiClient(api.founded, token=token)

    answers = [post(stranger, "products", PRODUCT, "k-1") for _ in range(2)]

    assert [answer.status for answer in answers] == [403, 403]
    assert AuditEntry.objects.filter(is_allowed=False).count() == 2
    assert not KeptAnswer.objects.exists()

    [policy] = [p for p in api.get("permissionpolicies").json["data"]
                if p["name"] == "Administrator"]  # fmt: skip
    path = f"permissionpolicies/{policy['id']}/addtoserviceuser"
    assert api.post(path, {"principalId": user["id"]}).status == 200
    answers = [post(stranger, "products", PRODUCT, "k-1") for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert Product.objects.count() == 1


def test_usage_sent_twice_is_taken_in_once_without_duplicates(api):
    meter = make_meter(api.organization)
    account = make_account(api.organization)
    usage = {"meter": meter.code, "account": account.code, "ts": "2024-06-01T00:00:00Z",
             "uid": "u-1", "measure": {"tokens": 1}}  # fmt: skip

    answers = [post(api, "measurements", {"measurements": [usage]}, "k-1") for _ in range(2)]

    assert [answer.json for answer in answers] == [{"result": "accepted"}] * 2
    assert not Event.objects.filter(name="ingest.validation.failure").exists()
    assert Account.objects.count() == 1


def test_a_request_without_the_header_asks_the_database_nothing_more(
    api, django_assert_max_num_queries
):
    api.post("products", {**PRODUCT, "code": "warm"})
    with django_assert_max_num_queries(10) as without:
        api.post("products", PRODUCT)

    assert not [query for query in without.captured_queries if "keptanswer" in query["sql"]]


def in_threads(call: Any, count: int) -> list[ApiAnswer]:
    """Make the same call ``count`` times at the same moment."""
    gate, answers = threading.Barrier(count), []

    def run() -> None:
        try:
            gate.wait(10)
            answers.append(call())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=copy_context().run, args=(run,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_the_same_time_one_is_carried_out_and_all_get_its_answer(founded):
    api = ApiClient(founded)

    answers = in_threads(lambda: post(ApiClient(founded), "products", PRODUCT, "k-1"), 8)

    assert {answer.status for answer in answers} == {200}
    assert len({answer.raw for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert len(api.get("products").json["data"]) == 1


@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_for_the_first_is_told_to_come_again(founded, monkeypatch):
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.2)
    api = ApiClient(founded)
    claimed, finished = threading.Event(), threading.Event()
    answer_of_view = idempotency._keep
    answers = []

    def keep_slowly(*about: Any) -> None:
        claimed.set()
        finished.wait(10)
        answer_of_view(*about)

    def first() -> None:
        try:
            answers.append(post(ApiClient(founded), "products", PRODUCT, "k-1"))
        finally:
            connection.close()

    monkeypatch.setattr(idempotency, "_keep", keep_slowly)
    thread = threading.Thread(target=copy_context().run, args=(first,))
    thread.start()
    assert claimed.wait(10)

    second = post(api, "products", PRODUCT, "k-1")
    finished.set()
    thread.join()

    assert (second.status, second.headers["Retry-After"]) == (429, "1")
    assert [answer.status for answer in answers] == [200]
    assert post(api, "products", PRODUCT, "k-1").raw == answers[0].raw
    assert Product.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_dying_before_the_answer_is_committed_leaves_nothing_behind(founded, monkeypatch):
    api = ApiClient(founded)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(idempotency, "_keep", die)
        with pytest.raises(KeyboardInterrupt):
            post(api, "products", PRODUCT, "k-1")
    assert (Product.objects.count(), KeptAnswer.objects.count()) == (0, 0)

    assert post(api, "products", PRODUCT, "k-1").status == 200
    assert Product.objects.count() == 1
