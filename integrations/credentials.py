"""Credentials: what a kind of them needs, and how they are made. Nothing secret ever comes out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.models import IntegrationCredential
from integrations.systems import known, registry
from organizations.kernel import changes
from organizations.kernel.errors import FieldError, FieldRefused, FieldsRefused
from organizations.kernel.principals import Principal

LONGEST = 8000
HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing a credential consists of: its key on the wire, and what people call it."""

    key: str
    label: str
    is_secret: bool = True
    is_needed: bool = True
    # A name that becomes part of a host: letters, digits and hyphens, nothing that leads elsewhere.
    is_host_label: bool = False


def _plain(key: str, label: str) -> Detail:
    return Detail(key, label, is_secret=False)


_CLIENT = (_plain("clientId", "Client id"), Detail("clientSecret", "Client secret"))
_SIGNED = (Detail("apiKey", "API key"), Detail("secret", "Secret"))
_KEY = (Detail("apiKey", "API key"),)
# By the word of a request (A7). Lists advertise some without ``_AUTH``; both are read.
KINDS: Mapping[str, tuple[Detail, ...]] = {
    "HTTP_BASIC": (_plain("username", "User name"), Detail("password", "Password")),
    "OAUTH_CLIENT_CREDENTIALS": (
        *_CLIENT,
        Detail("tenantId", "Tenant id", is_secret=False, is_needed=False),
    ),
    "M3TER_SIGNED_REQUEST": _SIGNED,
    "AWS_INTEGRATION": (
        _plain("accessKeyId", "Access key id"),
        Detail("secretAccessKey", "Secret access key"),
        Detail("roleArn", "Role to assume", is_secret=False, is_needed=False),
        Detail("region", "Region", is_secret=False, is_needed=False),
    ),
    "PADDLE_AUTH": (
        Detail("vendorId", "Vendor id", is_secret=False, is_needed=False),
        Detail("vendorAuthCode", "API key, or vendor auth code"),
    ),
    "NETSUITE_AUTH": (
        Detail("externalCustomerId", "NetSuite account id", is_secret=False, is_host_label=True),
        _plain("clientId", "Client id"),
        _plain("keyId", "Key id"),
        Detail("privateKey", "Private key"),
    ),
    "CHARGEBEE_AUTH": (
        Detail("site", "Site", is_secret=False, is_host_label=True),
        Detail("apiKey", "API key"),
    ),
    "M3TER_APP_SIGNATURE": _SIGNED,
    "M3TER_SERVICE_USER": _SIGNED,
    "STRIPE_SIGNED_REQUEST": _KEY,
    "HUBSPOT_ACCESS_TOKEN": (Detail("accessToken", "Access token"),),
    "HUBSPOT_CLIENT_SECRET": _CLIENT,
    "OPSGENIE_KEY": _KEY,
    "SAP_BYD": (_plain("username", "User name"), Detail("password", "Password")),
    "SLACK_WEBHOOK": (Detail("url", "Webhook address"),),
    "SAGE_INTACCT_CLIENT_CREDENTIALS": _CLIENT,
    "SAGE_INTACCT_CLIENT_SECRET": _CLIENT,
    "STATIC_API_KEY": _KEY,
}
# Made in the console alone: a person gives consent at the system ("connect").
OAUTH = "OAUTH_CODE"
OAUTH_DETAILS = _CLIENT
DESTINATIONS = (
    "WEBHOOK", "NETSUITE", "STRIPE", "STRIPE_TEST", "AWS", "PADDLE", "PADDLE_SANDBOX",
    "SALESFORCE", "XERO", "CHARGEBEE", "QUICKBOOKS", "QUICKBOOKS_SANDBOX", "M3TER", "AZURE",
)  # fmt: skip


def details(kind: str) -> tuple[Detail, ...]:
    """Return what a kind of credential consists of."""
    return OAUTH_DETAILS if kind == OAUTH else KINDS.get(kind, ())


def built(
    organization_id: Any, values: Mapping[str, Any], *, destination: str, prefix: str = ""
) -> IntegrationCredential:
    """Return a new credential, not saved; refuses details that are missing, by name."""
    kind = str(values["type"])
    is_empty = bool(values.get("empty"))
    secrets, refused = {}, []
    for detail in details(kind):
        given = values.get(detail.key)
        if given in (None, ""):
            if detail.is_needed and not is_empty:
                refused.append(FieldRefused(f"{prefix}{detail.key}", f"is needed for {kind}"))
        elif not isinstance(given, str) or len(given) > LONGEST or "\x00" in given:
            sentence = f"must be a string of at most {LONGEST:,} characters"
            refused.append(FieldRefused(f"{prefix}{detail.key}", sentence))
        elif detail.is_host_label and not HOST_LABEL.fullmatch(given):
            sentence = "must be a name of letters, digits and hyphens, without dots"
            refused.append(FieldRefused(f"{prefix}{detail.key}", sentence))
        else:
            secrets[detail.key] = given
    if refused:
        raise refused[0] if len(refused) == 1 else FieldsRefused(refused)
    row = IntegrationCredential(
        organization_id=organization_id,
        name=values.get("name"),
        type=kind,
        destination=values.get("destination") or destination,
        is_empty=is_empty,
        # A system's answer may take it away again; consent by OAuth is still to come.
        is_authorized=kind != OAUTH and (is_empty or bool(secrets)),
    )
    row.secrets = secrets
    return row


def create(row: IntegrationCredential, *, by: Principal) -> IntegrationCredential:
    """Keep a credential."""
    return changes.create(row, by=by)


def check_use(row: IntegrationCredential | None, destination: str) -> None:
    """Refuse a credential that was made for another system."""
    if row is None or not row.destination:
        return
    if known.key(row.destination) != known.key(destination):
        raise FieldRefused(
            "integrationCredentialsId", f"is a credential for {row.destination}, not {destination}"
        )


def kinds_for(destination: str) -> tuple[str, ...]:
    """Return the kinds a system takes, as a request spells them."""
    system = known.find(destination)
    if system is None:
        return tuple(KINDS)
    sender = registry.find(destination)
    kept = [kind for kind in system.authentication if kind != OAUTH or (sender and sender.oauth)]
    return tuple(kind if kind in KINDS or kind == OAUTH else f"{kind}_AUTH" for kind in kept)


def errors_of(refusal: FieldRefused | FieldsRefused) -> tuple[FieldError, ...]:
    """Return the faults of a refusal."""
    return refusal.errors
