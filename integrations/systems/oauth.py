"""OAuth: the code flow of "connect" (state, PKCE), tokens that are renewed or just issued.

A state is a row that ends after ten minutes, belongs to the person who left for the system, and is
used once. Codes and tokens are asked for outside of transactions and are never logged.
"""

import base64
import hashlib
import secrets as chance
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import requests
from django.conf import settings
from django.db import transaction

from integrations import targets
from integrations.models import IntegrationCredential, OAuthConnection
from integrations.systems import registry
from integrations.systems.base import NotAuthorized, OAuth, System, TryAgain
from organizations.kernel import changes, clock, principals, sealing
from organizations.kernel.connecting import Deadline, PinnedAdapter
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal

LASTS = timedelta(minutes=10)
SECONDS = 20.0
MOST_DIGITS = 10  # of the seconds a token lasts: some systems tell centuries, others nonsense
SEALED_FOR = "oauth verifier"


class ConnectionRefused(DomainError):
    """What came back from the system is not what somebody left for."""


def leave(credential: IntegrationCredential, *, by: Principal, back: str, at: datetime) -> str:
    """Return where to send the person, to give their consent; ``back`` is where they return to."""
    flow = _flow(credential)
    state, verifier = chance.token_urlsafe(32), chance.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    OAuthConnection.objects.filter(ends_at__lte=at).delete()
    OAuthConnection.objects.create(
        organization_id=credential.organization_id,
        credential=credential,
        person_id=by.id,
        hashed_state=_hashed(state),
        sealed_verifier=sealing.seal(verifier, purpose=SEALED_FOR),
        ends_at=at + LASTS,
    )
    query = {
        "response_type": "code",
        "client_id": credential.secrets.get("clientId", ""),
        "redirect_uri": back,
        "scope": " ".join(flow.scopes),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        **flow.extra,
    }
    return f"{_address(credential, flow.authorize_url)}?{urlencode(query)}"


def arrive(
    organization_id: UUID, query: Mapping[str, str], *, by: Principal, back: str, at: datetime
) -> IntegrationCredential:
    """Take the consent a person comes back with; raises ``ConnectionRefused``."""
    with transaction.atomic():
        rows = OAuthConnection.objects.select_for_update().filter(
            organization_id=organization_id, hashed_state=_hashed(query.get("state", ""))
        )
        known = rows.select_related("credential").first()
        if known is None or known.ends_at <= at or known.person_id != by.id:
            raise ConnectionRefused(
                "The connection was not begun here, or too long ago. Try again."
            )
        known.delete()
    credential = known.credential
    if query.get("error") or not query.get("code"):
        raise ConnectionRefused("The system gave no consent.")
    secrets = credential.secrets
    answer = _tokens(
        credential,
        {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": back,
            "code_verifier": sealing.unseal(known.sealed_verifier, purpose=SEALED_FOR),
        },
        secrets,
    )
    # Some systems tell beside the code whose books they are (QuickBooks: realmId).
    beside = {key: query[key] for key in _flow(credential).kept if key in query}
    return _keep(credential, {**secrets, **beside}, answer, by=by)


def renewed(credential: IntegrationCredential, system: System) -> Mapping[str, str]:
    """Return the secrets with a new access token; raises ``NotAuthorized`` or ``TryAgain``.

    Several runs of a credential may come here at once, and a refresh token is good for one: what
    another worker got meanwhile is taken, before asking and when ours was refused.
    """
    secrets = credential.secrets
    if (theirs := _renewed_by_another(credential, secrets)) is not None:
        return theirs
    form = {"grant_type": "refresh_token", "refresh_token": secrets["refreshToken"]}
    try:
        answer = _tokens(credential, form, secrets)
    except ConnectionRefused as error:
        if (theirs := _renewed_by_another(credential, secrets)) is not None:
            return theirs
        raise NotAuthorized(str(error)) from None
    by = principals.system(credential.organization_id)
    return _keep(credential, secrets, answer, by=by).secrets


def _renewed_by_another(
    credential: IntegrationCredential, secrets: Mapping[str, str]
) -> Mapping[str, str] | None:
    """Return the secrets as they are stored, when their token is another one and lasts."""
    stored = IntegrationCredential.objects.get(pk=credential.pk)
    is_other = stored.secrets.get("accessToken") != secrets.get("accessToken")
    lasts = stored.tokens_end_at is None or stored.tokens_end_at > clock.now()
    return stored.secrets if is_other and lasts else None


def issued(credential: IntegrationCredential, system: System) -> Mapping[str, str]:
    """Return the secrets with a token that nobody consents to; raises as ``renewed``."""
    secrets = credential.secrets
    assert system.machine is not None
    details = {name: quote(value, safe="") for name, value in secrets.items()}
    given = settings.INTEGRATION_ADDRESSES.get(system.about.identifier)
    url = system.machine.token_url.format_map(details)
    if url.startswith("/"):
        url = f"{system.base(secrets)}{url}"
    form = system.token_form(secrets, url)
    address = f"{given}/{url.split('/', 3)[3]}" if given else url
    try:
        answer = _asked(address, dict(form))
    except ConnectionRefused as error:
        raise NotAuthorized(str(error)) from None
    by = principals.system(credential.organization_id)
    return _keep(credential, secrets, answer, by=by).secrets


def _keep(
    credential: IntegrationCredential,
    secrets: Mapping[str, str],
    answer: Mapping[str, Any],
    *,
    by: Principal,
) -> IntegrationCredential:
    if not isinstance(answer.get("access_token"), str):
        raise ConnectionRefused("The system gave no token.")
    made = {**secrets, "accessToken": answer["access_token"]}
    if isinstance(answer.get("refresh_token"), str):
        made["refreshToken"] = answer["refresh_token"]
    system = registry.find(credential.destination or "")
    for key in system.oauth.kept if system and system.oauth else ():
        if key in answer:
            made[key] = str(answer[key])
    lasts = _lasts(answer, system)
    with changes.editing(credential, by=by) as row:
        row.secrets = made
        row.is_authorized = True
        row.tokens_end_at = None if lasts is None else clock.now() + lasts
    return row


def _lasts(answer: Mapping[str, Any], system: System | None) -> timedelta | None:
    """Return how long a token lasts: as the answer says, else as the system is known for."""
    told = str(answer.get("expires_in") or "")
    if told.isascii() and told.isdigit() and len(told) < MOST_DIGITS:
        return timedelta(seconds=int(told))
    return system.oauth.lasts if system and system.oauth else None


def _tokens(
    credential: IntegrationCredential, form: Mapping[str, str], secrets: Mapping[str, str]
) -> Mapping[str, Any]:
    """Ask the token address; a refusal tells nothing of what was sent."""
    flow = _flow(credential)
    url = _address(credential, flow.token_url)
    client = (secrets.get("clientId", ""), secrets.get("clientSecret", ""))
    sent = (
        dict(form)
        if flow.is_basic
        else {**form, "client_id": client[0], "client_secret": client[1]}
    )
    return _asked(url, sent, client if flow.is_basic else None)


def _asked(
    url: str, form: Mapping[str, str], client: tuple[str, str] | None = None
) -> Mapping[str, Any]:
    """Ask an address for a token."""
    deadline = Deadline(SECONDS)
    try:
        addresses = targets.resolve(targets.parse(url))
        with deadline, requests.Session() as session:
            session.trust_env = False
            adapter = PinnedAdapter(addresses, deadline)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            answer = session.post(
                url,
                data=form,
                auth=client,
                headers={"Accept": "application/json"},
                timeout=(5, SECONDS),
                allow_redirects=False,
            )
            status, body = answer.status_code, answer.json()
    except (requests.RequestException, targets.TargetRefused, OSError, ValueError):
        raise TryAgain("The system could not be asked for a token.") from None
    if status == 429 or status >= 500:
        raise TryAgain(f"The system answered {status} when asked for a token.")
    if status != 200 or not isinstance(body, dict):
        raise ConnectionRefused(f"The system answered {status} when asked for a token.")
    return body


def _flow(credential: IntegrationCredential) -> OAuth:
    system = registry.find(credential.destination or "")
    if system is None or system.oauth is None:
        raise ConnectionRefused("There is nothing to connect with.")
    return system.oauth


def _address(credential: IntegrationCredential, url: str) -> str:
    """Return an address of the flow, or the one of a system that stands in for it in tests."""
    system = registry.find(credential.destination or "")
    identifier = system.about.identifier if system else ""
    base = settings.INTEGRATION_ADDRESSES.get(identifier)
    return f"{base}/{url.split('/', 3)[3]}" if base else url


def _hashed(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
