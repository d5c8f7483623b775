"""Signatures against the vectors of the specification and an independent implementation."""

import pytest

from integrations import signing

BODY = (
    b'{"type":"notification.triggered","timestamp":"2026-01-15T10:00:00.000Z",'
    b'"data":{"code":"commitment_under_10_percent"}}'
)


@pytest.mark.parametrize(
    ("secret", "signature"),
    [
        (
            "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "v1,tL+MX9QcvEFAFwJrkmf3FDTz6mYt1YM/i3VUh/bD72Q=",
        ),
        ("my-api-secret", "v1,j9Eqg/TReqg292E4djF6/2TNLvct0rdWR2M8+W0iZeI="),
    ],
)
def test_the_published_vectors_come_out(secret, signature):
    assert signing.sign(secret, "msg_7f3c1a52", 1768471200, BODY) == signature


def test_during_rotation_both_secrets_sign_the_new_one_first():
    headers = signing.headers(
        delivery_id="msg_7f3c1a52",
        timestamp=1768471200,
        body=BODY,
        api_key="key-1",
        secrets=["my-api-secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="],
    )

    assert headers == {
        "webhook-id": "msg_7f3c1a52",
        "webhook-timestamp": "1768471200",
        "webhook-signature": "v1,j9Eqg/TReqg292E4djF6/2TNLvct0rdWR2M8+W0iZeI= "
        "v1,tL+MX9QcvEFAFwJrkmf3FDTz6mYt1YM/i3VUh/bD72Q=",
        "x-api-key": "key-1",
    }


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64", "whsec_AAA"])
def test_a_prefixed_secret_that_is_not_base64_is_refused(secret):
    with pytest.raises(signing.SecretMalformed):
        signing.key_of(secret)


def test_a_receiver_of_another_scheme_gets_the_same_values_under_its_own_names():
    headers = signing.headers(
        delivery_id="msg_7f3c1a52",
        timestamp=1768471200,
        body=BODY,
        api_key="key-1",
        secrets=["my-api-secret"],
        names={"webhook-id": "X-Vendor-Id", "webhook-signature": "X-Vendor-Signature"},
    )

    assert headers == {
        "X-Vendor-Id": "msg_7f3c1a52",
        "webhook-timestamp": "1768471200",
        "X-Vendor-Signature": "v1,j9Eqg/TReqg292E4djF6/2TNLvct0rdWR2M8+W0iZeI=",
        "x-api-key": "key-1",
    }


@pytest.mark.parametrize(
    "names",
    [
        {"webhook-id": ""},
        {"webhook-id": "X Id"},
        {"webhook-id": "X-Id\r\nX-Other"},
        {"webhook-id": "-x"},
        {"webhook-id": "x" * 65},
        {"webhook-id": "Content-Type"},
        {"webhook-id": "X-API-KEY"},
        {"webhook-id": "same", "x-api-key": "Same"},
        {"webhook-colour": "X-Colour"},
    ],
)
def test_names_that_are_no_header_or_anothers_are_refused(names):
    with pytest.raises(signing.NameRefused):
        signing.check_names(names)
