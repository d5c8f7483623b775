"""The code flow: state and PKCE, used once, by the person who left; tokens are renewed once."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from integrations.models import IntegrationCredential, OAuthConnection
from integrations.systems import oauth, registry, tokens
from integrations.systems.base import NotAuthorized, TryAgain
from organizations.kernel import clock
from organizations.kernel.principals import Principal
from tests import factories
from tests.integrations.fakes.serving import Answered, Asked, serving

pytestmark = pytest.mark.django_db
BACK = "https://billing.example/back"
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


class TokenServer:
    """Gives tokens for one code and for the refresh token it gave last, as RFC 6749 has it."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.challenge = ""
        self.refresh = "refresh-1"
        self.given = 1
        self.instead: list[Answered] = []
        self.more: dict = {"expires_in": 1800}
        self.before_answer = lambda: None

    def answer(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        if self.instead:
            return self.instead.pop(0)
        client = base64.b64encode(b"the-client:planted-client-secret").decode()
        if asked.headers.get("authorization") != f"Basic {client}":
            return Answered(401, b'{"error": "invalid_client"}')
        self.before_answer()
        form = asked.form
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        is_code = (
            form["grant_type"] == "authorization_code"
            and form["code"] == "the-code"
            and form["redirect_uri"] == BACK
            and base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.challenge
        )
        is_refresh = form["grant_type"] == "refresh_token" and form["refresh_token"] == self.refresh
        if not (is_code or is_refresh):
            return Answered(400, b'{"error": "invalid_grant"}')
        self.given += 1
        self.refresh = f"refresh-{self.given}"
        body = {"access_token": f"access-{self.given}", "refresh_token": self.refresh, **self.more}
        return Answered(200, json.dumps(body).encode())


@pytest.fixture
def server(settings):
    found = TokenServer()
    with serving(found.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"XERO": address}
        yield found


@pytest.fixture
def person(organization):
    return Principal(uuid4(), "USER", organization.pk)


@pytest.fixture
def credential(organization):
    row = IntegrationCredential(organization=organization, type="OAUTH_CODE", destination="XERO")
    row.secrets = {"clientId": "the-client", "clientSecret": "planted-client-secret"}
    row.save()
    return row


def leave(credential, person, server, at=AT):
    """Leave for the system; returns what its address asks."""
    address = oauth.leave(credential, by=person, back=BACK, at=at)
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    server.challenge = query["code_challenge"]
    return query


def arrive(credential, person, query, at=AT):
    return oauth.arrive(credential.organization_id, query, by=person, back=BACK, at=at)


def stored(credential):
    return IntegrationCredential.objects.get(pk=credential.pk)


def connected(credential, *, ends_in):
    """Have tokens that end soon or late."""
    credential.secrets = {
        **credential.secrets, "accessToken": "access-1", "refreshToken": "refresh-1"
    }  # fmt: skip
    credential.tokens_end_at = clock.now() + ends_in
    credential.is_authorized = True
    credential.save()


def fresh(credential):
    return tokens.fresh(credential, registry.find("XERO"), lambda _text: None)


def test_who_leaves_carries_a_state_and_a_challenge_and_nothing_secret(server, credential, person):
    query = leave(credential, person, server)

    assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
    assert query["client_id"] == "the-client" and query["redirect_uri"] == BACK
    assert "offline_access" in query["scope"].split()
    (kept,) = OAuthConnection.objects.all()
    assert query["state"] not in (kept.hashed_state, kept.sealed_verifier)
    assert "planted-client-secret" not in str(query)


def test_the_code_is_traded_with_the_verifier_and_tokens_are_sealed(server, credential, person):
    query = leave(credential, person, server)

    arrive(credential, person, {"state": query["state"], "code": "the-code"})

    row = stored(credential)
    assert row.secrets["accessToken"] == "access-2" and row.secrets["refreshToken"] == "refresh-2"
    assert row.is_authorized and "access-2" not in row.sealed_secrets
    assert timedelta(minutes=29) < row.tokens_end_at - clock.now() <= timedelta(minutes=30)


def test_a_state_is_used_once(server, credential, person):
    back = {"state": leave(credential, person, server)["state"], "code": "the-code"}
    arrive(credential, person, back)

    with pytest.raises(oauth.ConnectionRefused, match="not begun here"):
        arrive(credential, person, back)

    assert len(server.asked) == 1


@pytest.mark.parametrize("case", ["state", "person", "organization", "late", "none"])
def test_who_did_not_leave_does_not_arrive_and_no_code_is_traded(server, credential, person, case):
    back = {"state": leave(credential, person, server)["state"], "code": "the-code"}
    at = AT + timedelta(minutes=10) if case == "late" else AT
    if case in ("state", "none"):
        back["state"] = "another" if case == "state" else ""
    if case == "person":
        person = Principal(uuid4(), "USER", credential.organization_id)
    organization = credential.organization_id
    if case == "organization":
        organization = factories.make_organization().pk

    with pytest.raises(oauth.ConnectionRefused, match="not begun here"):
        oauth.arrive(organization, back, by=person, back=BACK, at=at)

    assert not server.asked and not stored(credential).is_authorized


def test_consent_that_was_refused_ends_the_state(server, credential, person):
    back = {"state": leave(credential, person, server)["state"], "error": "access_denied"}

    with pytest.raises(oauth.ConnectionRefused, match="no consent"):
        arrive(credential, person, back)

    assert not OAuthConnection.objects.exists() and not server.asked


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answered(400, b'{"error": "invalid_grant"}'), oauth.ConnectionRefused),
        (Answered(200, b'{"expires_in": 1800}'), oauth.ConnectionRefused),
        (Answered(200, b'["access_token"]'), oauth.ConnectionRefused),
        (Answered(429, b"{}"), TryAgain),
        (Answered(503, b"{}"), TryAgain),
        (Answered(200, b"no JSON"), TryAgain),
        (Answered(302, b"{}", {"Location": "http://127.0.0.1:1/"}), oauth.ConnectionRefused),
    ],
)
def test_an_answer_without_a_token_connects_nothing(server, credential, person, answer, kind):
    back = {"state": leave(credential, person, server)["state"], "code": "the-code"}
    server.instead = [answer]

    with pytest.raises(kind) as refusal:
        arrive(credential, person, back)

    assert "planted" not in str(refusal.value) and "the-code" not in str(refusal.value)
    row = stored(credential)
    assert not row.is_authorized and row.secrets.keys() == {"clientId", "clientSecret"}


@pytest.mark.parametrize("told", ["9" * 30, 10**15, "²", -5, None, "soon"])
def test_how_long_a_token_lasts_may_be_told_badly(server, credential, person, told):
    back = {"state": leave(credential, person, server)["state"], "code": "the-code"}
    server.more = {"expires_in": told}

    arrive(credential, person, back)

    assert stored(credential).is_authorized


def test_a_token_that_lasts_is_used_as_it_is(server, credential):
    connected(credential, ends_in=timedelta(minutes=6))

    assert fresh(credential)["accessToken"] == "access-1"
    assert not server.asked


def test_a_token_that_ends_soon_is_renewed_and_kept(server, credential):
    connected(credential, ends_in=timedelta(minutes=4))

    assert fresh(credential)["accessToken"] == "access-2"
    assert stored(credential).secrets["refreshToken"] == "refresh-2"


def test_a_token_another_worker_has_renewed_is_not_renewed_again(server, credential):
    connected(credential, ends_in=timedelta(minutes=4))
    ours, theirs = stored(credential), stored(credential)
    fresh(theirs)

    found = fresh(ours)

    assert found["accessToken"] == "access-2" and len(server.asked) == 1


def test_who_renews_at_the_same_moment_and_loses_takes_what_the_other_got(server, credential):
    connected(credential, ends_in=timedelta(minutes=4))
    ours, theirs = stored(credential), stored(credential)

    def other_is_quicker():
        server.before_answer = lambda: None
        row = stored(theirs)
        row.secrets = {**row.secrets, "accessToken": "access-9", "refreshToken": "refresh-9"}
        row.tokens_end_at = clock.now() + timedelta(minutes=30)
        row.save()
        server.refresh = "refresh-9"

    post = oauth._tokens
    calls = []

    def slow(*words):
        if not calls:
            calls.append(1)
            other_is_quicker()
        return post(*words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oauth, "_tokens", slow)
        found = fresh(ours)

    assert found["accessToken"] == "access-9"
    assert stored(credential).secrets["refreshToken"] == "refresh-9"


def test_a_refresh_token_that_is_taken_back_is_a_refused_credential(server, credential):
    connected(credential, ends_in=timedelta(minutes=4))
    server.refresh = "another"

    with pytest.raises(NotAuthorized):
        fresh(credential)

    assert stored(credential).secrets["accessToken"] == "access-1"
