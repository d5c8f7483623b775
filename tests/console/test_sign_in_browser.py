"""Signing in in a real browser: with an app's code, by mail, by invitation, through a provider."""

import re

import pyotp
import pytest
from django.core import mail

from organizations import invitations
from organizations.kernel import clock, principals, sealing
from organizations.models import Invitation, Membership, SignInSettings, User
from organizations.signin import passwords, provider
from tests import factories
from tests.console.browsing import Visit, chromium  # noqa: F401  (a fixture)
from tests.organizations.signin import fake_provider

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a-long-secret"


@pytest.fixture
def visit(live_server, chromium):  # noqa: F811
    """Return a function that opens a window; scripts must not complain in any of them."""
    opened = []

    def open_window():
        window = Visit(chromium, live_server.url, viewport={"width": 1400, "height": 900})
        opened.append(window)
        return window

    yield open_window
    complaints = [each for window in opened for each in window.complaints]
    outside = [each for window in opened for each in window.outside()]
    for window in opened:
        window.context.close()
    assert (complaints, outside) == ([], [])


@pytest.fixture
def founded(transactional_db):
    """An organization with an administrator."""
    return factories.make_founded(admin_email="admin@example.com", admin_password=PASSWORD)


def fill_login(window, email, password):
    """Send the login form, whatever follows."""
    page = window.open("/admin/login/")
    page.fill("[name=username]", email)
    page.fill("[name=password]", password)
    page.click("button:has-text('Log in')")
    return page


def mailed_path():
    """Return the path of the link in the latest mail."""
    return re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[-1].body)[1]


def test_an_app_is_set_up_and_asked_at_the_next_login_and_a_recovery_code_replaces_it(
    visit, founded
):
    window = visit()
    page = window.log_in(founded.admin.email, PASSWORD)

    # Set it up from the profile; the picture is drawn here.
    page.goto(window.base + "/admin/sign-in/profile/")
    page.click("text=Set up a second factor")
    assert page.locator(".bw-qr svg").bounding_box()["width"] > 150
    secret = page.inner_text("#second-factor-key").replace(" ", "")
    page.fill("[name=code]", pyotp.TOTP(secret).now())
    page.click("text=Turn on")
    page.wait_for_selector("#recovery-codes")
    codes = page.locator("#recovery-codes li").all_inner_texts()
    page.click("text=I have kept them")
    page.wait_for_selector("#sign-in >> text=10 recovery codes left")

    # Elsewhere the password is half of the way; the code of the app is the other.
    elsewhere = visit()
    page = fill_login(elsewhere, founded.admin.email, PASSWORD)
    page.fill("[name=code]", pyotp.TOTP(secret).at(clock.now().timestamp() + 30))
    page.click("text=Continue")
    page.wait_for_url(elsewhere.base + "/admin/")

    # Without the phone, a recovery code.
    lost = visit()
    page = fill_login(lost, founded.admin.email, PASSWORD)
    page.fill("[name=code]", codes[0])
    page.click("text=Continue")
    page.wait_for_url(lost.base + "/admin/")
    page.goto(lost.base + "/admin/sign-in/profile/")

    assert len(set(codes)) == 10
    assert "9 recovery codes left" in page.inner_text("#sign-in")
    assert page.locator("#sessions tbody tr").count() == 3


def test_an_organization_that_asks_for_a_second_factor_leads_to_it_first(visit, founded):
    SignInSettings.objects.filter(organization=founded.organization).update(
        requires_second_factor=True
    )
    window = visit()

    page = fill_login(window, founded.admin.email, PASSWORD)
    page.wait_for_selector(".bw-qr svg")
    asked = page.inner_text("body")
    secret = page.inner_text("#second-factor-key").replace(" ", "")
    page.fill("[name=code]", pyotp.TOTP(secret).now())
    page.click("text=Turn on")
    page.click("text=I have kept them")
    page.wait_for_url(window.base + "/admin/")

    assert f"{founded.organization.name} asks for more" in asked


def test_a_forgotten_password_is_replaced_by_mail(visit, founded):
    window = visit()
    page = window.open("/admin/login/")

    page.click("text=Forgotten your password?")
    page.fill("[name=email]", founded.admin.email)
    page.click("text=Send the link")
    page.wait_for_selector("text=a link is on its way")
    passwords.mail_link(founded.admin.email)
    page.goto(window.base + mailed_path())
    page.fill("[name=new_password1]", "correct-horse-battery")
    page.fill("[name=new_password2]", "correct-horse-battery")
    page.click("text=Change the password")
    page.wait_for_selector("text=Your password is changed. Log in with it.")
    page = fill_login(window, founded.admin.email, "correct-horse-battery")
    page.wait_for_url(window.base + "/admin/")

    assert User.objects.get(pk=founded.admin.pk).check_password("correct-horse-battery")


def invite(founded, email):
    """Invite somebody and return the path of the mailed link."""
    invitation = invitations.invite(
        Invitation(organization=founded.organization, email=email, first_name="Ann"),
        by=principals.system(founded.organization.pk),
    )
    invitations.send_mail(str(invitation.pk))
    return mailed_path()


def test_an_unknown_person_accepts_an_invitation_and_is_in(visit, founded):
    path = invite(founded, "ann@example.com")
    window = visit()
    page = window.open(path)

    assert page.input_value("[name=first_name]") == "Ann"
    page.fill("[name=last_name]", "Lee")
    page.fill("[name=password]", "correct-horse-battery")
    page.fill("[name=repeated]", "correct-horse-battery")
    page.click("text=Accept the invitation")
    page.wait_for_url(window.base + "/admin/")
    window.open(path)
    used = page.inner_text("body")

    assert Membership.objects.get(user__email="ann@example.com").user.first_name == "Ann"
    assert "not valid any more" in used
    # An answer with status 410 is mentioned by the browser.
    window.complaints[:] = [each for each in window.complaints if "410" not in each]


def test_a_person_of_two_organizations_chooses_one(visit, founded):
    other = factories.make_founded(admin_email=founded.admin.email, name="Beta Works")
    window = visit()

    page = fill_login(window, founded.admin.email, PASSWORD)
    page.wait_for_url("**/admin/sign-in/organizations/")
    page.click("button:has-text('Beta Works')")
    page.wait_for_url(window.base + "/admin/")
    shown = page.inner_text("body")

    assert other.organization.name in shown


def test_the_domain_of_the_address_leads_through_the_provider_and_in(
    visit, founded, settings, live_server
):
    settings.OIDC_ALLOW_PRIVATE_PROVIDERS = True
    settings.PUBLIC_URL = live_server.url
    with fake_provider.running() as running:
        running.says["email"] = founded.admin.email
        SignInSettings.objects.filter(organization=founded.organization).update(
            provider_issuer=running.issuer,
            provider_client_id=fake_provider.CLIENT_ID,
            provider_secret=sealing.seal(fake_provider.CLIENT_SECRET, purpose=provider.PURPOSE),
            provider_domains=["example.com"],
        )
        window = visit()
        page = window.open("/admin/login/")

        page.click("text=Sign in through your organization's provider")
        page.fill("[name=email]", founded.admin.email)
        page.click("button:has-text('Continue')")
        page.wait_for_url(window.base + "/admin/")

        assert any(url.startswith(f"{running.issuer}/authorize") for url in window.asked)
        window.asked[:] = [url for url in window.asked if not url.startswith(running.issuer)]


def test_a_token_is_minted_on_the_profile_page(visit, founded):
    window = visit()
    page = window.log_in(founded.admin.email, PASSWORD)
    page.goto(window.base + "/admin/sign-in/profile/")

    page.click("#mint-token")
    page.wait_for_selector("#bearer")
    bearer = page.inner_text("#bearer")
    page.click("text=I have copied it")
    page.wait_for_selector("#tokens >> text=Revoke all")

    me = page.request.get(
        f"{window.base}/organizations/{founded.organization.pk}/users/me",
        headers={"Authorization": f"Bearer {bearer}"},
    )
    assert me.json()["user"]["email"] == founded.admin.email


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (800, "dark")])
def test_every_page_of_signing_in_fits_and_follows_the_colour_scheme(visit, founded, width, scheme):
    factories.make_founded(admin_email=founded.admin.email)
    window = visit()
    page = window.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    outside = ["/admin/login/", "/admin/sign-in/forgotten/", "/admin/sign-in/provider/",
               invite(founded, "ann@example.com")]  # fmt: skip
    inside = ["organizations/", "profile/", "second-factor/"]

    def wrong(path):
        assert page.goto(window.base + path).status == 200, path
        is_dark = page.evaluate("document.documentElement.classList.contains('dark')")
        return window.overflows() or is_dark != (scheme == "dark")

    found = [path for path in outside if wrong(path)]
    fill_login(window, founded.admin.email, PASSWORD)
    found += [path for path in inside if wrong(f"/admin/sign-in/{path}")]

    assert found == []
