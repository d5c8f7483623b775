"""The client's own address behind proxies, plain HTTP, and pages of other origins."""

import pytest
from django.conf import LazySettings

from organizations.kernel.api.transport import Proxies
from organizations.models import AuditEntry
from tests.wire.sending import request, send

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("words", "peer", "forwarded", "client"),
    [
        # Nobody is trusted: whatever is written into the header is not looked at.
        ([], "192.0.2.9", "203.0.113.1", "192.0.2.9"),
        # By network: the way back as far as it leads over our proxies.
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.1", "203.0.113.1"),
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.1, 10.9.9.9", "203.0.113.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, 203.0.113.1", "203.0.113.1"),
        (["10.0.0.0/8"], "192.0.2.9", "203.0.113.1", "192.0.2.9"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "unknown", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, <script>", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.1:4711", "203.0.113.1"),
        (["10.0.0.0/8"], "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "203.0.113.1", "203.0.113.1"),
        (["10.0.0.0/8"], "10.0.0.1", "10.0.0.2", "10.0.0.2"),
        (["::1", "127.0.0.1"], "::1", "203.0.113.1", "203.0.113.1"),
        # By number: what that many proxies have written, and no more.
        (["1"], "192.0.2.9", "203.0.113.1", "203.0.113.1"),
        (["1"], "192.0.2.9", "1.1.1.1, 203.0.113.1", "203.0.113.1"),
        (["2"], "192.0.2.9", "1.1.1.1, 203.0.113.1, 192.0.2.8", "203.0.113.1"),
        (["2"], "192.0.2.9", "203.0.113.1", "203.0.113.1"),
        (["0"], "192.0.2.9", "203.0.113.1", "192.0.2.9"),
    ],
)
def test_the_client_is_who_stands_behind_our_last_proxy(words, peer, forwarded, client):
    assert Proxies(words).client(peer, forwarded.split(",")) == client


def test_audit_and_lockout_know_the_client_behind_the_proxy(api, settings: LazySettings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    headers = {
        "Authorization": f"Bearer {api.token}",
        "Content-Type": "application/json",
        "X-Forwarded-For": "6.6.6.6, 203.0.113.5",
    }
    address = f"/organizations/{api.organization.pk}/products"

    answer = send(request("POST", address, headers, b'{"name":"A","code":"a"}'), peer="10.1.2.3")

    assert answer.status == 200
    entry = AuditEntry.objects.get(entity_id=answer.json["id"])
    assert entry.source_address == "203.0.113.5"


@pytest.fixture
def tls(settings: LazySettings) -> None:
    """TLS is required, and ends at a proxy of ours."""
    settings.REQUIRE_TLS = True
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def test_where_tls_is_required_plain_http_is_refused_in_our_shape(tls):
    answer = send(request("GET", "/organizations/x/products"), peer="10.0.0.1")

    assert (answer.status, answer.json["code"]) == (403, "TLS_REQUIRED")
    assert answer.json["requestId"] == answer.headers["x-request-id"]


def test_only_a_proxy_of_ours_can_say_that_the_client_came_over_tls(api, tls):
    headers = {"Authorization": f"Bearer {api.token}", "X-Forwarded-Proto": "https"}
    sent = request("GET", f"/organizations/{api.organization.pk}/products", headers)

    assert send(sent, peer="10.0.0.1").status == 200
    assert send(sent, peer="192.0.2.9").status == 403


@pytest.mark.parametrize(
    ("said", "status"),
    [("HTTPS", 200), ("http, https", 200), ("https, http", 403), ("", 403), ("httpsx", 403)],
)
def test_of_several_schemes_that_of_the_proxy_next_to_us_counts(api, tls, said, status):
    headers = {"Authorization": f"Bearer {api.token}", "X-Forwarded-Proto": said}
    sent = request("GET", f"/organizations/{api.organization.pk}/products", headers)

    assert send(sent, peer="10.0.0.1").status == status


@pytest.fixture
def shared(settings: LazySettings) -> None:
    """One origin may call the API."""
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    settings.MIDDLEWARE = [
        settings.MIDDLEWARE[0],
        "corsheaders.middleware.CorsMiddleware",
        *settings.MIDDLEWARE[1:],
    ]


def preflight(path: str, origin: str) -> object:
    """Ask as a browser does before a page of another origin sends a request with a token."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
    }
    return send(request("OPTIONS", path, headers))


def test_no_origin_is_allowed_unless_listed(api):
    answer = preflight(f"/organizations/{api.organization.pk}/products", "https://app.example.com")

    assert answer.status == 401
    assert "access-control-allow-origin" not in answer.headers


def test_a_listed_origin_may_send_a_token_and_no_cookies(api, shared):
    path = f"/organizations/{api.organization.pk}/products"

    asked = preflight(path, "https://app.example.com")
    answer = send(request("GET", f"/{path}", {
        "Origin": "https://app.example.com", "Authorization": f"Bearer {api.token}",
    }))  # fmt: skip

    assert (asked.status, asked.raw) == (200, b"")
    assert asked.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "PUT" in asked.headers["access-control-allow-methods"]
    assert "PATCH" not in asked.headers["access-control-allow-methods"]
    allowed = asked.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "x-stainless-lang"} <= set(allowed)
    assert "access-control-allow-credentials" not in asked.headers
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "retry-after" in answer.headers["access-control-expose-headers"]


def test_a_refusal_can_be_read_by_a_page_as_well(shared):
    answer = send(
        request("GET", "/organizations/x/products", {"Origin": "https://app.example.com"})
    )

    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://app.example.com"])
def test_another_origin_gets_no_permission(api, shared, origin):
    path = f"/organizations/{api.organization.pk}/products"

    assert "access-control-allow-origin" not in preflight(path, origin).headers


def test_the_console_is_never_shared_with_other_origins(shared):
    answer = preflight("/admin/login/", "https://app.example.com")

    assert "access-control-allow-origin" not in answer.headers
