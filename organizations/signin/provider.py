"""Sign in through an organization's OpenID Connect provider: the protocol.

Authorization code with PKCE, state and nonce, by Authlib; the provider is discovered from its
issuer. What comes back is checked there (signature, issuer, audience, times, nonce); who may enter
is decided in ``organizations.signin.recognition``.
"""

import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App
from authlib.integrations.requests_client import OAuth2Session
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from joserfc.errors import JoseError

from organizations.kernel import sealing
from organizations.kernel.connecting import Deadline, PinnedAdapter
from organizations.kernel.errors import DomainError
from organizations.kernel.public_addresses import is_public
from organizations.models import SignInSettings

PURPOSE = "sign-in provider"
TIMEOUT_SECONDS = 10
EXCHANGE_SECONDS = 20
# Only signatures a provider alone can make; never "none", never a shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
TROUBLES = (
    AuthlibBaseError, JoseError, requests.RequestException, OSError, ValueError, KeyError,
    RuntimeError, TypeError, AttributeError,
)  # fmt: skip


class ProviderFailed(DomainError):
    """The provider could not be reached, or what it answered does not hold."""

    code = "PROVIDER_FAILED"

    def __init__(self, reason: str = "The sign-in provider did not answer as it should.") -> None:
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says about a person, checked for origin but not yet believed."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    first_name: str
    last_name: str


def redirect_to(request: HttpRequest, row: SignInSettings, *, email: str = "") -> HttpResponse:
    """Send the browser to the provider. Raises ``ProviderFailed``."""
    extra = {"login_hint": email} if email else {}
    try:
        return _client(row).authorize_redirect(request, callback_address(), **extra)
    except TROUBLES as error:
        raise ProviderFailed from error


def claims_of(request: HttpRequest, row: SignInSettings) -> Claims:
    """Return what the provider says of whom it sent back. Raises ``ProviderFailed``."""
    try:
        client = _client(row)
        token = client.authorize_access_token(
            request,
            claims_options={
                "iss": {"essential": True, "value": row.provider_issuer},
                "sub": {"essential": True},
            },
        )
        said: dict[str, Any] = dict(token.get("userinfo") or {})
        if not said:
            raise ProviderFailed("The sign-in provider sent no identity token.")
        if "email" not in said and "userinfo_endpoint" in client.server_metadata:
            more = client.userinfo(token=token)
            if more.get("sub") == said["sub"]:
                said = {**more, **said}
        return _claims(row, said)
    except TROUBLES as error:
        raise ProviderFailed from error


def check_reachable(issuer: str) -> None:
    """Discover the provider once, before its settings are kept. Raises ``ProviderFailed``."""
    row = SignInSettings(provider_issuer=issuer, provider_client_id="discovery")
    try:
        _client(row).load_server_metadata()
    except TROUBLES as error:
        raise ProviderFailed("no OpenID Connect provider was found at this issuer") from error


def callback_address() -> str:
    """Return the one address to register with every provider."""
    return settings.PUBLIC_URL + reverse("signin:callback")


def _claims(row: SignInSettings, said: dict[str, Any]) -> Claims:
    texts = {
        name: str(said.get(name) or "").replace("\x00", "").strip()
        for name in ("sub", "email", "given_name", "family_name")
    }
    if not 1 <= len(texts["sub"]) <= 255:  # what the standard allows
        raise ProviderFailed("The sign-in provider does not say who you are.")
    return Claims(
        issuer=row.provider_issuer,
        subject=texts["sub"],
        email=texts["email"],
        # Some providers send the text "true".
        is_email_verified=str(said.get("email_verified", "")).lower() == "true",
        first_name=texts["given_name"][:100],
        last_name=texts["family_name"][:100],
    )


class _CarefulSession(OAuth2Session):
    """Calls the public addresses it has checked, follows no redirect and ends at a deadline.

    ``exchange_ends`` is when all requests of one sign-in have to be over, by ``time.monotonic``.
    """

    def __init__(self, *args: Any, exchange_ends: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self.trust_env = False
        self._exchange_ends = exchange_ends

    def request(self, method: str, url: str, **options: Any) -> Any:
        """Send one request to the addresses that were checked; raises ``ProviderFailed``."""
        left = min(TIMEOUT_SECONDS, self._exchange_ends - time.monotonic())
        if left <= 0:
            raise ProviderFailed("The sign-in provider takes too long.")
        addresses = _checked_addresses(url)
        options.update(timeout=left, allow_redirects=False)
        with Deadline(left) as deadline:
            for scheme in ("https://", "http://"):
                self.mount(scheme, PinnedAdapter(addresses, deadline))
            return super().request(method, url, **options)


class _Client(DjangoOAuth2App):
    client_cls = _CarefulSession
    configured_issuer = ""

    def load_server_metadata(self) -> dict[str, Any]:
        """Discover the provider; what it calls itself must be the issuer that was configured."""
        found = super().load_server_metadata()
        if found.get("issuer") != self.configured_issuer:
            raise ProviderFailed("The sign-in provider calls itself by another name.")
        offered = found.get("id_token_signing_alg_values_supported") or ["RS256"]
        found["id_token_signing_alg_values_supported"] = [a for a in ALGORITHMS if a in offered]
        return found


def _client(row: SignInSettings) -> _Client:
    secret = row.provider_secret and sealing.unseal(row.provider_secret, purpose=PURPOSE)
    client = _Client(
        DjangoIntegration(str(row.organization_id)),
        client_id=row.provider_client_id,
        client_secret=secret or None,
        server_metadata_url=row.provider_issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "exchange_ends": time.monotonic() + EXCHANGE_SECONDS,
            **({} if secret else {"token_endpoint_auth_method": "none"}),
        },
    )
    client.configured_issuer = row.provider_issuer
    return client


def _checked_addresses(url: str) -> list[str]:
    """Return the addresses of a host, refusing what no administrator may make our servers call."""
    parts = urlsplit(url)
    is_private_allowed = settings.OIDC_ALLOW_PRIVATE_PROVIDERS
    if not parts.hostname or (parts.scheme != "https" and not is_private_allowed):
        raise ProviderFailed("The sign-in provider must be reached by https.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not is_private_allowed and not all(is_public(address) for address in addresses):
        raise ProviderFailed("The sign-in provider is not on the public network.")
    return addresses
