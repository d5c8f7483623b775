"""The demonstration's receiver believes signatures alone; its sandbox refuses what Stripe would."""

import time
from functools import partial

import pytest

from config.demonstration import loopback
from config.demonstration.stripe_sandbox import KEY, StripeSandbox
from integrations import sending, signing

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
BODY = b'{"event": {"eventName": "billing.bill.updated"}}'


def signed(*, secret: str = SECRET, age: int = 0) -> dict[str, str]:
    """Return the headers of an attempt."""
    return signing.headers(
        delivery_id="d-1",
        timestamp=int(time.time()) - age,
        body=BODY,
        api_key="key",
        secrets=[secret],
    )


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (BODY, signed, 204),
        (BODY + b" ", signed, 401),
        (BODY, partial(signed, secret="whsec_b3RoZXI="), 401),
        (BODY, partial(signed, age=3600), 401),
        (BODY, dict, 401),
    ],
)
def test_only_a_fresh_genuine_signature_is_received(settings, body, headers, status):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    with loopback.open_outside() as outside:
        outside.receiver.secret = SECRET

        answer = sending.post(outside.address + loopback.HOOK, body, headers())

    assert answer.status_code == status
    assert list(outside.receiver.received) == (["d-1"] if status == 204 else [])
    assert outside.receiver.refused == (0 if status == 204 else 1)


def ask(sandbox, method, path, form=None, **headers):
    headers = {"authorization": f"Bearer {KEY}", "stripe-version": "2024-06-20", **headers}
    return sandbox.answer(method, path, {}, form or {}, headers)


def test_a_draft_adds_up_to_its_items():
    sandbox = StripeSandbox()
    status, made = ask(sandbox, "POST", "/v1/invoices", {"customer": "cus_a", "currency": "usd"})
    for amount in ("1050", "-50"):
        form = {"invoice": made["id"], "amount": amount, "period[start]": "1", "period[end]": "2"}
        ask(sandbox, "POST", "/v1/invoiceitems", form)

    assert status == 200
    assert ask(sandbox, "GET", f"/v1/invoices/{made['id']}")[1]["total"] == 1000


@pytest.mark.parametrize(
    ("method", "path", "form", "headers", "status"),
    [
        ("POST", "/v1/invoices", {"customer": "c"}, {}, 400),
        ("POST", "/v1/invoiceitems", {"invoice": "in_9", "amount": "1"}, {}, 404),
        ("GET", "/v1/invoices/in_9", {}, {}, 404),
        ("DELETE", "/v1/invoices/in_9", {}, {}, 404),
        ("GET", "/v2/anything", {}, {}, 404),
        ("GET", "/v1/invoices", {}, {"authorization": "Bearer other"}, 401),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_kept(method, path, form, headers, status):
    sandbox = StripeSandbox()

    answered, body = ask(sandbox, method, path, form, **headers)

    assert (answered, "error" in body) == (status, True)
    assert not sandbox.invoices and not sandbox.items


def test_a_key_of_idempotency_is_answered_as_before_and_refused_with_other_fields():
    sandbox = StripeSandbox()
    form = {"customer": "cus_a", "currency": "usd"}
    key = {"idempotency-key": "k"}
    _, first = ask(sandbox, "POST", "/v1/invoices", form, **key)

    _, again = ask(sandbox, "POST", "/v1/invoices", dict(form), **key)
    status, _ = ask(sandbox, "POST", "/v1/invoices", {**form, "currency": "eur"}, **key)

    assert again == first and len(sandbox.invoices) == 1
    assert status == 400
