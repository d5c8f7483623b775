"""Webhook destinations over the API, exactly as the contract has them."""

import json
import threading
from datetime import timedelta

import pytest

from integrations.models import Delivery, WebhookDestination
from organizations.models import AuditEntry, Event
from tests.clients import ApiClient
from tests.integrations.receiving import (
    NOON,
    connect_with_everything,
    make_delivery,
    make_destination,
)

pytestmark = pytest.mark.django_db
PATH = "integrationdestinations/webhooks"


def body(**overrides):
    fields = {
        "name": "Ledger",
        "description": "Books what was billed",
        "url": "http://127.0.0.1:9/hook",
        "credentials": {"type": "M3TER_SIGNED_REQUEST", "apiKey": "key-1", "secret": "s3cret-one"},
    }
    return {**fields, **overrides}


def credentials(**overrides):
    return {**body()["credentials"], **overrides}


def test_a_destination_is_made_and_answers_with_a_masked_secret(api):
    answer = api.post(PATH, body(code="ledger"))

    assert answer.status == 200
    row = WebhookDestination.objects.get()
    nested = answer.json["credentials"]
    assert {
        key: answer.json[key] for key in ("id", "version", "name", "code", "active", "url")
    } == {
        "id": str(row.pk),
        "version": 1,
        "name": "Ledger",
        "code": "ledger",
        "active": True,
        "url": "http://127.0.0.1:9/hook",
    }
    assert nested["id"] == str(row.credentials_id) != str(row.pk)
    assert (nested["type"], nested["destination"], nested["destinationId"]) == (
        "M3TER_SIGNED_REQUEST",
        "WEBHOOK",
        str(row.pk),
    )
    assert (nested["apiKey"], nested["secret"], nested["name"]) == ("key-1", "********", None)
    assert row.secret == "s3cret-one"


def test_read_list_and_delete_show_the_same(api):
    made = api.post(PATH, body()).json

    assert api.get(f"{PATH}/{made['id']}").json == made
    assert api.get(PATH, ids=made["id"]).json == {"data": [made], "nextToken": None}
    assert api.delete(f"{PATH}/{made['id']}").json == made
    assert api.get(f"{PATH}/{made['id']}").status == 404
    assert WebhookDestination.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": None}, "name"),
        ({"description": ""}, "description"),
        ({"description": "x" * 501}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"code": " padded "}, "code"),
        ({"code": "x" * 81}, "code"),
        ({"active": "true"}, "active"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "http://user:pw@127.0.0.1/"}, "url"),
        ({"url": "http://127.0.0.1/#x"}, "url"),
        ({"url": "http://no-such-host.invalid/"}, "url"),
        ({"url": "http://127.0.0.1/" + "a" * 2048}, "url"),
        ({"credentials": None}, "credentials"),
        ({"credentials": "secret"}, "credentials"),
        ({"credentials": credentials(type="HTTP_BASIC")}, "credentials.type"),
        ({"credentials": credentials(destination="STRIPE")}, "credentials.destination"),
        ({"credentials": credentials(apiKey="")}, "credentials.apiKey"),
        ({"credentials": credentials(apiKey="a\r\nx: y")}, "credentials.apiKey"),
        ({"credentials": credentials(apiKey="\u00fc")}, "credentials.apiKey"),
        ({"credentials": credentials(secret="")}, "credentials.secret"),
        ({"credentials": credentials(secret="whsec_???")}, "credentials.secret"),
        ({"credentials": credentials(secret="********")}, "credentials.secret"),
        ({"credentials": credentials(secret="a\x00b")}, "credentials.secret"),
    ],
)
def test_a_refusal_names_the_field_and_stores_nothing(api, change, field):
    answer = api.post(PATH, body(**change))

    assert answer.status == 400
    assert field in [error["field"] for error in answer.json["errors"]]
    assert WebhookDestination.objects.count() == 0


def test_private_targets_are_refused_unless_the_setting_allows_them(api, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False

    for url in ("http://example.com/", "https://127.0.0.1/", "https://localhost/"):
        answer = api.post(PATH, body(url=url))
        assert (answer.status, answer.json["errors"][0]["field"]) == (400, "url")

    assert WebhookDestination.objects.count() == 0


def test_a_put_with_the_mask_keeps_the_secret_and_replaces_the_rest(api):
    made = api.post(PATH, body(code="ledger")).json
    changed = body(version=1, name="Books", credentials=credentials(secret="********"))

    answer = api.put(f"{PATH}/{made['id']}", changed)

    assert (answer.status, answer.json["version"]) == (200, 2)
    assert (answer.json["name"], answer.json["code"]) == ("Books", None)
    row = WebhookDestination.objects.get()
    assert (row.secret, row.previous_secret) == ("s3cret-one", None)


def test_a_new_secret_leaves_the_old_one_signing_for_a_day(api):
    from integrations import claims

    made = api.post(PATH, body()).json

    api.put(f"{PATH}/{made['id']}", body(version=1, credentials=credentials(secret="s3cret-two")))

    row = WebhookDestination.objects.get()
    ends = row.previous_secret_ends_at
    assert ends - row.modified_at < timedelta(hours=24, seconds=5)
    assert ends - row.modified_at > timedelta(hours=24, seconds=-5)
    assert (row.secret, row.previous_secret) == ("s3cret-two", "s3cret-one")
    both = (row.sealed_secret, row.sealed_previous_secret)
    assert claims._secrets(row, ends - timedelta(seconds=1)) == both
    assert claims._secrets(row, ends) == both[:1]


def test_a_put_needs_the_current_version(api):
    made = api.post(PATH, body()).json

    assert api.put(f"{PATH}/{made['id']}", body(name="A")).status == 400
    stale = api.put(f"{PATH}/{made['id']}", body(name="A", version=7))

    assert (stale.status, stale.headers["x-should-retry"]) == (409, "false")
    assert WebhookDestination.objects.get().name == "Ledger"


def test_a_code_is_used_once(api):
    api.post(PATH, body(code="ledger"))

    answer = api.post(PATH, body(code="ledger"))

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "code")
    assert WebhookDestination.objects.count() == 1


def test_switching_off_ends_what_waits_and_switching_on_sends_nothing_old(api):
    made = api.post(PATH, body()).json
    WebhookDestination.objects.update(created_at=NOON - timedelta(days=1))
    row = WebhookDestination.objects.get()
    connect_with_everything(row)
    waiting = make_delivery(row)

    off = api.call("PUT", f"{PATH}/{made['id']}/active", b"", active="false")
    on = api.call("PUT", f"{PATH}/{made['id']}/active", b"", active="true")

    assert (off.status, off.json["active"], off.json["version"]) == (200, False, 2)
    assert (on.status, on.json["active"], on.json["version"]) == (200, True, 3)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.next_attempt_at) == ("DISABLED", None)
    assert api.put(f"{PATH}/{made['id']}/active", active="maybe").status == 400


def test_deliveries_are_listed_and_sent_again(api, organization):
    destination = make_destination(organization, "http://127.0.0.1:9/hook")
    row = make_delivery(destination)
    Delivery.objects.filter(pk=row.pk).update(status="ERROR", next_attempt_at=None)

    listed = api.get(f"{PATH}/{destination.pk}/deliveries", status="ERROR")
    again = api.post(f"{PATH}/{destination.pk}/deliveries/{row.pk}/resend")

    assert [item["id"] for item in listed.json["data"]] == [str(row.pk)]
    assert (again.status, again.json["status"]) == (200, "WAITING")
    assert api.get(f"{PATH}/{destination.pk}/deliveries", status="ERROR").json["data"] == []
    assert api.get(f"{PATH}/{destination.pk}/deliveries", status="LOST").status == 400
    assert api.post(f"{PATH}/{destination.pk}/deliveries/{destination.pk}/resend").status == 404


def test_another_organization_sees_nothing(api):
    from tests.clients import ApiClient
    from tests.factories import make_founded

    made = api.post(PATH, body()).json
    other = ApiClient(make_founded())

    assert other.get(f"{PATH}/{made['id']}").status == 404
    assert other.delete(f"{PATH}/{made['id']}").status == 404
    assert other.get(PATH).json["data"] == []
    assert WebhookDestination.objects.count() == 1


def test_the_secret_is_in_no_answer_no_audit_entry_no_event_and_no_log(api, caplog):
    with caplog.at_level("DEBUG"):
        made = api.post(PATH, body())
        changed = api.put(
            f"{PATH}/{made.json['id']}",
            body(version=1, credentials=credentials(secret="s3cret-two")),
        )
        refused = api.put(
            f"{PATH}/{made.json['id']}",
            body(version=2, name="", credentials=credentials(secret="s3cret-three")),
        )

    audit = json.dumps(list(AuditEntry.objects.values_list("difference", flat=True)), default=str)
    events = json.dumps(list(Event.objects.values_list("payload", flat=True)), default=str)
    raw = str(made.raw) + str(changed.raw) + str(refused.raw)
    assert "s3cret" not in raw + audit + events + caplog.text
    assert refused.status == 400


@pytest.mark.django_db(transaction=True)
def test_of_twenty_equal_puts_at_once_one_wins(founded):
    from django.db import connection

    from tests.clients import ApiClient

    api = ApiClient(founded)
    made = api.post(PATH, body()).json
    together = threading.Barrier(20)
    statuses = []

    def put():
        together.wait()
        try:
            statuses.append(api.put(f"{PATH}/{made['id']}", body(version=1)).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=put) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] + [409] * 19
    assert WebhookDestination.objects.get().version == 2


def test_after_a_change_of_the_key_a_new_secret_brings_a_destination_back(api, settings):
    made = api.post(PATH, body()).json
    settings.SECRET_KEY = "changed " * 8
    api.token = ApiClient(api.founded).token

    answer = api.put(
        f"{PATH}/{made['id']}", body(version=1, credentials=credentials(secret="s3cret-two"))
    )

    assert answer.status == 200
    row = WebhookDestination.objects.get()
    assert (row.secret, row.previous_secret) == ("s3cret-two", None)
