"""What an organization may ask of its people at the door, and what would lock it out of itself."""

import re
from urllib.parse import urlsplit

from django.conf import settings

from organizations.kernel import sealing
from organizations.kernel.errors import FieldRefused
from organizations.models import SignInSettings
from organizations.signin import provider
from organizations.signin.sessions import Way

DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z")


def check(row: SignInSettings, *, way: Way, is_operator: bool) -> None:
    """Refuse half a provider, and to require one nobody has come through yet.

    ``way`` is how the session that saves was opened: only somebody who has come through the
    provider may require it, so that a wrong secret locks out nobody. Operators may do it anyway.
    """
    if row.provider_issuer:
        check_issuer(row.provider_issuer)
        if not row.provider_client_id:
            raise FieldRefused("providerClientId", "the provider knows Billwright by a client id")
    elif row.provider_client_id or row.requires_provider:
        raise FieldRefused("providerIssuer", "which provider?")
    for domain in row.provider_domains:
        if not DOMAIN.match(domain):
            raise FieldRefused("providerDomains", f"not a domain: {domain}")
    is_same = (way.issuer, way.client_id) == (row.provider_issuer, row.provider_client_id)
    if row.requires_provider and not (is_same or is_operator):
        raise FieldRefused(
            "requiresProvider",
            "sign in through this provider once yourself before you ask it of everybody",
        )


def check_issuer(issuer: str) -> None:
    """Refuse an issuer that is no plain https address."""
    parts = urlsplit(issuer)
    schemes = {"https", "http"} if settings.OIDC_ALLOW_PRIVATE_PROVIDERS else {"https"}
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        raise FieldRefused("providerIssuer", "must be an https address without ? and #")


def keep_secret(row: SignInSettings, secret: str) -> None:
    """Seal a new client secret into the row; an empty one keeps the old, unless nobody needs it."""
    if not row.provider_issuer:
        row.provider_secret = ""
    elif secret:
        row.provider_secret = sealing.seal(secret, purpose=provider.PURPOSE)
