"""POST measurements: what is received, what is refused whole, what is answered."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client

from billing.models import Account, IngestFailure
from organizations import grants
from organizations.kernel import ids
from organizations.models import Event, OrganizationConfig, PolicyAttachment
from tests.billing.usage.stored import gigabytes, item, stored
from tests.clients import ApiClient
from tests.factories import make_founded

pytestmark = pytest.mark.django_db


def refused(api, body, status, message):
    """Send a body that must be refused and leave nothing behind."""
    events = Event.objects.for_organization(api.organization).count()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    answer = api.post("measurements", data)

    assert answer.status == status, answer
    assert answer.json["message"] == message
    assert answer.headers["Content-Type"] == "application/json"
    assert stored(api.organization) == []
    assert not IngestFailure.objects.exists()
    assert Event.objects.for_organization(api.organization).count() == events
    assert not Account.objects.exists()
    return answer.json


def test_a_batch_is_accepted_and_stored_when_the_answer_comes(api):
    gigabytes(api.organization)

    answer = api.post("measurements", {"measurements": [item(uid="a"), item(uid="b")]})

    assert (answer.status, answer.raw) == (200, b'{"result":"accepted"}')
    assert stored(api.organization) == ["a", "b"]


def test_an_unknown_meter_is_accepted_too(api):  # E20
    answer = api.post("measurements", {"measurements": [item()]})

    assert answer.json == {"result": "accepted"}
    assert IngestFailure.objects.get().type == "UndefinedMeter"


def test_a_thousand_items_are_taken_and_one_more_is_not(api):  # E22
    gigabytes(api.organization)
    items = [item() for _ in range(1001)]
    message = "measurements: must hold 1 to 1000 items, this has 1001"
    refused(api, {"measurements": items}, 400, message)

    answer = api.post("measurements", {"measurements": items[:1000]})

    assert answer.status == 200
    assert len(stored(api.organization)) == 1000


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"meter": None}, "meter", "is required"),
        ({"account": None}, "account", "is required"),
        ({"ts": None}, "ts", "is required"),
        ({"meter": ""}, "meter", "must have 1 to 80 characters"),
        ({"account": "x" * 81}, "account", "must have 1 to 80 characters"),
        (
            {"account": " x"},
            "account",
            ids.relaxed_code.message,
        ),
        (
            {"meter": "a\u0000b"},
            "meter",
            ids.relaxed_code.message,
        ),
        ({"meter": 5}, "meter", "must be text, not a whole number"),
        ({"uid": "x" * 51}, "uid", "may have at most 50 characters"),
        ({"uid": "a\u0000"}, "uid", "may not contain NUL"),
        ({"uid": 7}, "uid", "must be text or null, not a whole number"),
        ({"ts": "yesterday"}, "ts", "must be an ISO 8601 date-time"),
        ({"ts": ""}, "ts", "must be an ISO 8601 date-time"),
        ({"ts": "2024-02-30T00:00:00Z"}, "ts", "must be an ISO 8601 date-time"),
        ({"ts": 1718000000}, "ts", "must be text, not a whole number"),
        ({"ts": "1969-12-31T23:59:59Z"}, "ts", "may not be before 1970"),
        ({"ts": "1970-01-01T00:00:00+01:00"}, "ts", "may not be before 1970"),
        ({"ts": "9999-12-31T23:00:00-14:00"}, "ts", "must be an ISO 8601 date-time"),
        ({"ets": "2026-05-31T23:59:59.999Z"}, "ets", "may not be before ts"),
        ({"ets": "9999-12-31T23:00:00-14:00"}, "ets", "must be an ISO 8601 date-time"),
        ({"measure": {"gb": "1"}}, "measure.gb", "must be a number"),
        ({"measure": {"gb": True}}, "measure.gb", "must be a number"),
        ({"measure": {"gb": [1]}}, "measure.gb", "must be a number"),
        ({"measure": 5}, "measure", "must be an object or null, not a whole number"),
        ({"cost": {"gb": 10**20}}, "cost.gb", "must be smaller than 1e20"),
        ({"measure": {"g\u0000": 1}}, "measure", "may not contain NUL"),
        ({"who": {"user": 5}}, "who.user", "must be text or null, not a whole number"),
        ({"where": {"place": "a\u0000"}}, "where.place", "may not contain NUL"),
        ({"metadata": {"ref": "x" * 257}}, "metadata.ref", "may have at most 256 characters"),
    ],
)
def test_the_refusal_names_item_and_field(api, change, field, message):
    gigabytes(api.organization)

    body = refused(
        api,
        {"measurements": [item(), item(**change), item()]},
        400,
        f"measurements[1].{field}: {message}",
    )

    assert body["errors"] == [{"field": f"measurements[1].{field}", "message": message}]


NUMBER = "must be smaller than 1e20, with at most 38 digits"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("1e20", NUMBER),
        ("-1e20", NUMBER),
        ("1e400", NUMBER),
        ("1e99999999999999999999", NUMBER),
        ("1e-99999999999999999999", NUMBER),
        ("1e-2000", NUMBER),
        ("0.123456789012345678901234567890123456789", NUMBER),
        ("100000000000000000000", "must be smaller than 1e20"),
        ("-100000000000000000000", "must be smaller than 1e20"),
        ("9" * 5000, "Integer value out of range"),
    ],
)
def test_numbers_beyond_the_limits_are_refused(api, number, message):
    text = json.dumps({"measurements": [item(measure={"gb": 1})]}).replace(
        '"gb": 1', f'"gb": {number}'
    )

    answer = api.post("measurements", text.encode())

    assert answer.status == 400
    assert answer.json["message"].startswith("measurements[0].measure")
    assert answer.json["message"].endswith(message)
    assert stored(api.organization) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"measurements": [NaN]}',
        b'{"measurements": [{"meter": "m", "account": "a", "measure": {"x": NaN}}]}',
        b'{"measurements": [{"meter": "m", "account": "a", "measure": {"x": Infinity}}]}',
        b'{"measurements": [{"uid": "\xff"}]}',
        b'{"measurements": [{"uid": "\\ud800"}]}',
        b'{"measurements": [{"uid": "\\ud800x"}]}',
        b'{"measurements": [{"uid": "\\udc00\\ud800"}]}',
        b'{"measurements": [{"uid": "\xed\xa0\x80"}]}',
        b'{"x": ' + b"[" * 100_000 + b"}",
    ],
)
def test_what_is_not_json_is_refused(api, body):
    answer = api.post("measurements", body)

    assert answer.status == 400, answer
    assert answer.json["message"].startswith("The request body is not valid JSON")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "measurements: is required"),
        ([], "body: must be an object, not a list"),
        ({"measurements": None}, "measurements: must be a list, not null"),
        ({"measurements": []}, "measurements: must hold 1 to 1000 items, this has 0"),
        ({"measurements": [5]}, "measurements[0]: must be an object, not a whole number"),
    ],
)
def test_another_shape_is_refused(api, body, message):
    refused(api, body, 400, message)


def test_keys_nobody_knows_are_ignored(api):
    gigabytes(api.organization)
    sent = {"measurements": [item(uid="a", extra={"x": ["\u0000", 1e300]})], "more": 1}

    assert api.post("measurements", json.dumps(sent).encode()).status == 200

    assert stored(api.organization) == ["a"]


def test_a_body_of_512_000_bytes_is_too_large_and_one_byte_less_is_not(api):
    gigabytes(api.organization)
    body = json.dumps({"measurements": [item(uid="a")]}).encode()
    largest = body + b" " * (511_999 - len(body))
    refused(api, largest + b" ", 403, "The payload must be below 512,000 bytes.")

    assert api.post("measurements", largest).status == 200
    assert stored(api.organization) == ["a"]


@time_machine.travel(datetime(2026, 6, 15, 12, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("ts", "is_taken"),
    [
        ("2026-06-15T13:00:00Z", False),  # E25
        ("2026-06-15T12:01:00.001Z", False),
        ("2026-06-15T12:01:00Z", True),
        ("2026-06-15T14:01:00+02:00", True),
    ],
)
def test_a_time_in_the_future_is_refused_beyond_a_minute(api, ts, is_taken):
    gigabytes(api.organization)

    answer = api.post("measurements", {"measurements": [item(uid="a"), item(uid="b", ts=ts)]})

    assert answer.status == (200 if is_taken else 400)
    assert stored(api.organization) == (["a", "b"] if is_taken else [])


@pytest.mark.parametrize(
    ("ts", "instant"),
    [
        ("2024-06-01T10:00:00Z", datetime(2024, 6, 1, 10, tzinfo=UTC)),
        ("2024-06-01t10:00:00z", datetime(2024, 6, 1, 10, tzinfo=UTC)),
        ("2024-06-01T10:00:00", datetime(2024, 6, 1, 10, tzinfo=UTC)),
        ("2024-06-01 10:00:00", datetime(2024, 6, 1, 10, tzinfo=UTC)),
        ("2024-06-01T10:00:00+05:30", datetime(2024, 6, 1, 4, 30, tzinfo=UTC)),
        ("2024-06-01T10:00:00.1234567Z", datetime(2024, 6, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        # A plain date is midnight in the organization's timezone (B6.5).
        ("2024-06-01", datetime(2024, 5, 31, 22, tzinfo=UTC)),
    ],
)
def test_times_are_understood_in_every_common_form(api, ts, instant):
    config = OrganizationConfig.objects.for_organization(api.organization)
    config.update(timezone="Europe/Berlin")
    gigabytes(api.organization)

    answer = api.post("measurements", {"measurements": [item(ts=ts)]})

    assert answer.status == 200, answer
    assert stored(api.organization, "ts") == [instant]


def test_other_content_and_other_verbs_are_refused(api):
    address = f"/organizations/{api.organization.pk}/measurements"
    headers = {"Authorization": f"Bearer {api.token}"}
    form = Client().post(address, {"measurements": "1"}, headers=headers)
    got = api.get("measurements")

    assert (form.status_code, form.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert (got.status, got.headers["Allow"]) == (405, "POST")


def test_without_permission_the_body_is_not_even_looked_at(api):
    PolicyAttachment.objects.for_organization(api.organization).delete()
    grants.rederive(api.organization.pk)

    refused(api, b"{", 403, "You are not allowed to do this.")


def test_another_organization_is_as_closed_as_one_that_does_not_exist(api):
    other = make_founded()
    gigabytes(other.organization)
    address = f"/organizations/{other.organization.pk}/measurements"
    headers = {"Authorization": f"Bearer {api.token}"}
    body = json.dumps({"measurements": [item()]})

    answer = Client().post(address, body, content_type="application/json", headers=headers)
    nobody = Client().post(address, body, content_type="application/json")

    assert (answer.status_code, nobody.status_code) == (403, 401)
    assert stored(other.organization) == []


def failed_file(api):
    """Send a measurement that fails and return the file its event names."""
    api.post("measurements", {"measurements": [item(uid="bad", meter="nothing", account="a b")]})
    event = Event.objects.get(name="ingest.validation.failure")
    return urlsplit(event.payload["eventData"]["newDto"]["getDownloadUrl"])


def test_the_log_of_a_failure_is_downloaded_through_a_signed_address(api):
    call = failed_file(api)
    headers = {"Authorization": f"Bearer {api.token}"}

    url = Client().get(f"{call.path}?{call.query}", headers=headers).json()["url"]
    log = Client().get(urlsplit(url).path)

    assert log.headers["Content-Type"] == "application/json"
    assert log.json()["errorType"] == "UndefinedMeter"
    assert log.json()["message"] == "There is no meter with code nothing."
    assert log.json()["measurements"] == [
        {
            "uid": "bad",
            "meter": "nothing",
            "account": "a b",
            "ts": "2026-06-01T00:00:00Z",
            "measure": {"gb": 1},
        }
    ]


def test_the_signed_address_lives_five_minutes(api):
    call = failed_file(api)
    file = call.query.removeprefix("file=")
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        url = api.get("measurements/failedIngest/getDownloadUrl", file=file).json["url"]
        clock.shift(timedelta(seconds=299))
        assert Client().get(urlsplit(url).path).status_code == 200

        clock.shift(timedelta(seconds=2))
        late = Client().get(urlsplit(url).path)

    assert late.status_code == 403
    assert late.json()["message"] == "This download address is not valid or has expired."
    assert Client().get(urlsplit(url).path[:-1] + "!").status_code == 403


@pytest.mark.parametrize(
    ("file", "status"),
    [("nothing.json", 404), ("", 400), ("00000000-0000-7000-8000-000000000000.json", 404)],
)
def test_files_that_do_not_exist_are_not_found(api, file, status):
    assert api.get("measurements/failedIngest/getDownloadUrl", file=file).status == status


def test_the_file_of_another_organization_is_not_found(api):
    call = failed_file(api)
    other = ApiClient(make_founded())

    answer = other.get(
        "measurements/failedIngest/getDownloadUrl", file=call.query.removeprefix("file=")
    )

    assert answer.status == 404
