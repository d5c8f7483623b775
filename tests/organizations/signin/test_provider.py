"""Signing in through an organization's OpenID Connect provider: who gets in, and where."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from organizations import invitations
from organizations.kernel import clock, sealing
from organizations.models import (
    AuditEntry,
    Invitation,
    Membership,
    ProviderIdentity,
    SignInSettings,
    User,
)  # fmt: skip
from organizations.signin import provider as protocol
from tests.factories import make_founded
from tests.organizations.people_made import make_member
from tests.organizations.signin import fake_provider
from tests.organizations.signin.browsers import ask, logged_in, place

pytestmark = pytest.mark.django_db
CALLBACK = "/admin/sign-in/provider/callback/"


@pytest.fixture
def provider(settings):
    """A provider that runs on loopback."""
    settings.OIDC_ALLOW_PRIVATE_PROVIDERS = True
    with fake_provider.running() as running:
        yield running


def trust(organization, provider, **more):
    """Let the organization's people sign in through the provider."""
    return ask(
        organization,
        provider_issuer=provider.issuer,
        provider_client_id=fake_provider.CLIENT_ID,
        provider_secret=sealing.seal(fake_provider.CLIENT_SECRET, purpose=protocol.PURPOSE),
        **more,
    )


@pytest.fixture
def rules(organization, provider):
    """An organization whose people sign in there."""
    return trust(organization, provider, provider_domains=["example.com"])


@pytest.fixture
def ann(organization):
    """A member whose address the provider vouches for."""
    return make_member(organization, email="Ann@example.com").user


def start(organization, browser):
    """Follow the organization's own sign-in address; returns where at the provider it leads."""
    answer = browser.get(reverse("signin:provider_of", args=[organization.pk]))
    assert answer.status_code == 302, answer.content
    return answer.headers["Location"]


def sign_in(organization, provider, browser=None):
    """Go there and back; returns the answer of coming back."""
    browser = browser or Client()
    return browser.get(CALLBACK, provider.authorize(start(organization, browser)))


def assert_refused(answer, browser):
    """Nobody is logged in, and nobody new is known."""
    assert answer.status_code in (400, 403)
    assert "_auth_user_id" not in browser.session
    assert not ProviderIdentity.objects.exists()


def test_a_member_is_in_and_known_by_issuer_and_subject_from_then_on(
    organization, provider, rules, ann
):
    browser = Client()

    answer = sign_in(organization, provider, browser)

    assert place(answer) == "/admin/"
    assert browser.get("/admin/").wsgi_request.user == ann
    bound = ProviderIdentity.objects.get()
    assert (bound.user, bound.issuer, bound.subject) == (ann, provider.issuer, "subject-1")
    assert "code_verifier" in provider.asked[0]
    entry = AuditEntry.objects.get(entity_id=ann.pk, action="signed in")
    assert entry.difference["way"] == [None, "provider"]


def test_the_request_carries_state_nonce_and_the_one_redirect_address(
    organization, provider, rules, settings
):
    settings.PUBLIC_URL = "https://billing.example.com"

    query = parse_qs(urlsplit(start(organization, Client())).query)

    assert query["redirect_uri"] == [f"https://billing.example.com{CALLBACK}"]
    assert query["scope"] == ["openid email profile"]
    assert len(query["state"][0]) >= 20
    assert len(query["nonce"][0]) >= 20


def test_afterwards_the_subject_counts_and_not_the_address(organization, provider, rules, ann):
    sign_in(organization, provider)
    provider.says |= {"email": "married@elsewhere.org", "email_verified": False}
    same = Client()
    assert place(sign_in(organization, provider, same)) == "/admin/"
    provider.says |= {"sub": "subject-2", "email": "ann@example.com", "email_verified": True}
    other = Client()

    answer = sign_in(organization, provider, other)

    assert same.session["_auth_user_id"] == str(ann.pk)
    assert answer.status_code == 403
    assert "unlink" in answer.content.decode()
    assert "_auth_user_id" not in other.session


@pytest.mark.parametrize(
    "said",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email": ""},
        {"email": "ann@example.org"},
        {"email": "nobody@example.com"},
    ],
)
def test_an_unverified_foreign_or_unknown_address_is_not_let_in(
    organization, provider, rules, ann, said
):
    provider.says |= said
    browser = Client()

    answer = sign_in(organization, provider, browser)

    assert_refused(answer, browser)
    assert User.objects.filter(email__iexact=provider.says["email"]).exclude(pk=ann.pk).count() == 0
    refusal = AuditEntry.objects.get(action="sign-in refused")
    assert (refusal.organization_id, refusal.is_allowed) == (organization.pk, False)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://elsewhere.example"},
        {"aud": "another-client"},
        {"exp": int(time.time()) - 3600},
        {"nonce": "another"},
        {"sub": ""},
    ],
)
def test_a_token_that_is_not_for_us_is_refused(organization, provider, rules, ann, claims):
    provider.token = claims
    browser = Client()

    assert_refused(sign_in(organization, provider, browser), browser)


def test_a_token_signed_by_somebody_else_is_refused(organization, provider, rules, ann):
    provider.key = fake_provider.OTHER_KEY
    browser = Client()

    assert_refused(sign_in(organization, provider, browser), browser)


def test_a_provider_that_calls_itself_otherwise_is_refused(organization, provider, rules, ann):
    provider.metadata = {"issuer": "https://accounts.example"}
    browser = Client()

    answer = browser.get(reverse("signin:provider_of", args=[organization.pk]))

    assert answer.status_code == 502
    assert "_auth_user_id" not in browser.session


def test_coming_back_without_having_gone_or_with_anothers_state_opens_nothing(
    organization, provider, rules, ann
):
    gone = Client()
    back = provider.authorize(start(organization, gone))
    for browser, query in (
        (Client(), back),
        (gone, {**back, "state": "x"}),
        (gone, {"error": "access_denied", "state": back["state"]}),
        (gone, {}),
    ):
        assert_refused(browser.get(CALLBACK, query), browser)


def test_a_code_works_once(organization, provider, rules, ann):
    browser = Client()
    query = provider.authorize(start(organization, browser))
    browser.get(CALLBACK, query)
    browser.post("/admin/logout/")

    assert browser.get(CALLBACK, query).status_code == 400
    assert "_auth_user_id" not in browser.session


def test_the_domain_of_the_address_leads_to_the_provider_whoever_it_is(
    organization, provider, rules, ann
):
    known, unknown = (
        Client().post("/admin/sign-in/provider/", {"email": email})
        for email in ("ann@example.com", "nobody@EXAMPLE.com")
    )
    elsewhere = Client().post("/admin/sign-in/provider/", {"email": "ann@example.org"})

    assert place(known) == place(unknown) == f"{provider.issuer}/authorize"
    assert parse_qs(urlsplit(known.headers["Location"]).query)["login_hint"] == ["ann@example.com"]
    assert elsewhere.status_code == 200


def test_organizations_of_one_domain_with_different_providers_are_a_choice(
    organization, provider, rules
):
    other = make_founded().organization
    trust(other, provider, provider_domains=["example.com"])
    SignInSettings.objects.filter(organization=other).update(provider_client_id="theirs")

    page = Client().post("/admin/sign-in/provider/", {"email": "ann@example.com"})

    text = page.content.decode()
    assert organization.name in text
    assert other.name in text


def test_an_ended_access_is_ended_here_too(organization, provider, rules, ann):
    sign_in(organization, provider)
    Membership.objects.filter(user=ann).update(access_ends_at=clock.now())
    browser = Client()

    assert sign_in(organization, provider, browser).status_code == 403
    assert "_auth_user_id" not in browser.session


def invite(organization, **more):
    """Make an open invitation for the address the provider vouches for."""
    ends = clock.now().replace(year=clock.now().year + 1)
    return Invitation.objects.create(
        organization=organization, **{"email": "ann@example.com", "expires_at": ends, **more}
    )


def test_an_invited_person_without_account_gets_one_without_a_password(
    organization, provider, rules
):
    invitation = invite(organization, first_name="A.", last_name="L.")
    browser = Client()

    answer = sign_in(organization, provider, browser)

    person = User.objects.get(email="ann@example.com")
    assert place(answer) == "/admin/"
    assert (person.first_name, person.last_name) == ("Ann", "Lee")
    assert not person.has_usable_password()
    assert Membership.objects.filter(user=person, organization=organization).exists()
    invitation.refresh_from_db()
    assert (invitation.is_accepted, invitation.token_hash) == (True, None)


def test_an_expired_invitation_lets_nobody_in(organization, provider, rules):
    invite(organization, expires_at=clock.now())
    browser = Client()

    assert_refused(sign_in(organization, provider, browser), browser)
    assert not User.objects.filter(email="ann@example.com").exists()


def test_an_invited_person_who_has_an_account_joins_with_it(organization, provider, rules):
    elsewhere = make_member(make_founded().organization, email="ann@example.com")
    invite(organization)

    sign_in(organization, provider)

    assert Membership.objects.filter(user=elsewhere.user, organization=organization).exists()


def test_a_provider_opens_its_own_organizations_and_tells_of_no_other(
    organization, provider, rules, ann
):
    elsewhere = make_founded(admin_email=ann.email).organization
    browser = Client()
    sign_in(organization, provider, browser)

    switch = reverse("admin:switch_organization", args=[elsewhere.pk])
    browser.post(switch)
    foreign = browser.get("/admin/")
    choice = browser.get("/admin/sign-in/organizations/").content.decode()
    trust(elsewhere, provider)
    browser.post(switch)
    shared = browser.get("/admin/")

    assert foreign.wsgi_request.organization == organization
    assert elsewhere.name not in choice
    assert shared.wsgi_request.organization == elsewhere


def test_a_provider_makes_no_operator_and_changes_no_account(organization, provider, rules, ann):
    User.objects.filter(pk=ann.pk).update(is_superuser=True)
    browser = Client()
    sign_in(organization, provider, browser)

    page = browser.get("/admin/")
    browser.post("/admin/sign-in/profile/", {"first_name": "Eve", "last_name": "Evil"})
    factor = browser.get("/admin/sign-in/second-factor/")
    password = browser.get("/admin/password_change/")

    assert page.wsgi_request.principal.is_superuser is False
    assert place(factor) == place(password) == "/admin/sign-in/profile/"
    ann.refresh_from_db()
    assert ann.first_name == ""


def test_an_organization_that_asks_for_its_provider_refuses_a_password(
    organization, provider, rules, ann
):
    ask(organization, requires_provider=True)
    browser = logged_in(ann)

    stopped = browser.get("/admin/")
    choice = browser.get(stopped.headers["Location"])
    let_in = sign_in(organization, provider, browser)

    assert place(stopped) == "/admin/sign-in/organizations/"
    assert reverse("signin:provider_of", args=[organization.pk]) in choice.content.decode()
    assert place(let_in) == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_who_comes_through_the_provider_is_not_asked_for_a_second_factor(
    organization, provider, rules, ann
):
    ask(organization, requires_second_factor=True)
    browser = Client()
    sign_in(organization, provider, browser)

    assert browser.get("/admin/").status_code == 200


def test_operators_give_a_second_factor_where_the_provider_does_not_know_them(
    organization, provider, rules
):
    ask(organization, requires_provider=True)
    operator = User.objects.create_superuser("operator@example.com", "a-long-password")
    browser = logged_in(operator)

    assert place(browser.get("/admin/")) == "/admin/sign-in/second-factor/"


def test_a_provider_without_https_or_in_a_private_network_is_not_called(
    organization, provider, rules, settings
):
    settings.OIDC_ALLOW_PRIVATE_PROVIDERS = False
    secure = provider.issuer.replace("http://", "https://")
    for issuer in (provider.issuer, secure, "https://localhost"):
        ask(organization, provider_issuer=issuer)

        answer = Client().get(reverse("signin:provider_of", args=[organization.pk]))

        assert answer.status_code == 502
        with pytest.raises(protocol.ProviderFailed):
            protocol.check_reachable(issuer)


def test_a_session_of_one_provider_accepts_no_invitation_of_another_organization(
    organization, provider, rules, ann
):
    elsewhere = make_founded().organization
    invitation = invite(elsewhere, email=ann.email)
    path = reverse("invitation", args=[invitations.renew_token(invitation)])
    browser = Client()
    sign_in(organization, provider, browser)

    page = browser.get(path)
    answer = browser.post(path)

    assert list(page.context["form"].fields) == ["password"]
    assert answer.status_code == 200  # asked for the password again
    assert not Membership.objects.filter(user=ann, organization=elsewhere).exists()


def test_an_address_that_carries_a_private_one_is_not_called(organization, rules, settings):
    settings.OIDC_ALLOW_PRIVATE_PROVIDERS = False
    for host in ("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "168.63.129.16"):
        with pytest.raises(protocol.ProviderFailed, match="not on the public network"):
            protocol._checked_addresses(f"https://{host}/")


def test_the_address_that_was_checked_is_the_one_that_is_called(organization, rules, monkeypatch):
    port = urlsplit(rules.provider_issuer).port
    real, asked = protocol.socket.getaddrinfo, []

    def resolve(host, port, *more, **options):
        if host != "idp.example":
            return real(host, port, *more, **options)
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.9.9.9", port))]

    monkeypatch.setattr(protocol.socket, "getaddrinfo", resolve)

    left = protocol.time.monotonic() + 5
    with protocol._CarefulSession("id", exchange_ends=left) as session:
        answer = session.request(
            "GET", f"http://idp.example:{port}/.well-known/openid-configuration",
            withhold_token=True,
        )  # fmt: skip

    assert answer.status_code == 200
    assert asked == ["idp.example"]


def test_a_provider_that_drips_is_given_up_at_the_deadline(organization, rules):
    class Drip(fake_provider.BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                while True:
                    self.wfile.write(b"H")
                    time.sleep(0.1)
            except OSError:
                return

    server = fake_provider.ThreadingHTTPServer(("127.0.0.1", 0), Drip)
    fake_provider.threading.Thread(target=server.serve_forever, daemon=True).start()
    begun = time.monotonic()

    with (
        pytest.raises(protocol.TROUBLES),
        protocol._CarefulSession("id", exchange_ends=begun + 1) as session,
    ):
        session.request("GET", f"http://127.0.0.1:{server.server_port}/", withhold_token=True)
    taken = time.monotonic() - begun
    server.shutdown()

    assert taken < 5
