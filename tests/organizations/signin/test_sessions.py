"""Sessions: cookies, how long they last, what ends them, and the list of one's own."""

import importlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from organizations.kernel import clock
from organizations.models import Membership, OpenSession, PersonalToken
from organizations.signin import sessions
from tests.organizations.people_made import make_member
from tests.organizations.signin.browsers import PASSWORD, log_in, logged_in, place

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
PROFILE = "/admin/sign-in/profile/"


@pytest.fixture
def ann(organization):
    """A member with a password."""
    return make_member(organization).user


def change_password(browser, new="correct-horse-battery", old=PASSWORD):
    """Change the password through the form."""
    return browser.post(
        "/admin/password_change/",
        {"old_password": old, "new_password1": new, "new_password2": new},
    )


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(ann):
    cookies = logged_in(ann).cookies

    for name in ("sessionid", "billwright_known"):
        assert (cookies[name]["httponly"], cookies[name]["samesite"]) == (True, "Lax")
    assert cookies["sessionid"]["max-age"] == 12 * 3600


def test_with_tls_required_cookies_are_secure_and_browsers_are_told_to_stay(monkeypatch):
    from config import settings as module

    with monkeypatch.context() as patch:
        patch.setenv("REQUIRE_TLS", "1")
        strict = importlib.reload(module)
        found = (
            strict.SESSION_COOKIE_SECURE, strict.CSRF_COOKIE_SECURE, strict.SECURE_HSTS_SECONDS,
            strict.SECURE_PROXY_SSL_HEADER,
        )  # fmt: skip
        patch.setenv("TRUSTED_PROXIES", "10.0.0.0/8")
        behind = importlib.reload(module).SECURE_PROXY_SSL_HEADER
    plain = importlib.reload(module)

    assert found == (True, True, 31_536_000, None)
    assert behind == ("HTTP_X_FORWARDED_PROTO", "https")
    assert (plain.SESSION_COOKIE_SECURE, plain.SECURE_HSTS_SECONDS) == (False, 0)


def test_the_session_gets_a_new_key_when_somebody_logs_in(ann):
    browser = Client()
    browser.get("/admin/login/")
    browser.post("/admin/sign-in/provider/", {"email": "x@example.com"})
    session = browser.session
    session["planted"] = True
    session.save()
    browser.cookies["sessionid"] = before = session.session_key

    log_in(ann.email, client=browser)

    assert browser.cookies["sessionid"].value != before


def test_two_hours_without_a_request_end_it(ann):
    with time_machine.travel(NOON, tick=False) as moved:
        browser = logged_in(ann)
        moved.shift(timedelta(hours=1, minutes=59))
        kept = browser.get("/admin/")
        moved.shift(timedelta(hours=2))
        ended = browser.get("/admin/")

    assert kept.status_code == 200
    assert place(ended) == "/admin/login/"
    assert "_auth_user_id" not in browser.session
    assert not OpenSession.objects.exists()


def test_twelve_hours_end_it_however_busy_it_is(ann):
    with time_machine.travel(NOON, tick=False) as moved:
        browser = logged_in(ann)
        for _ in range(11):
            moved.shift(timedelta(hours=1))
            assert browser.get("/admin/").status_code == 200
        moved.shift(timedelta(hours=1))

        assert place(browser.get("/admin/")) == "/admin/login/"


def test_a_person_sees_their_sessions_and_ends_one(ann, organization):
    stranger = logged_in(make_member(organization).user)
    here = logged_in(ann, HTTP_USER_AGENT="Browser here")
    there = logged_in(ann, HTTP_USER_AGENT="Browser there", REMOTE_ADDR="10.1.2.3")

    page = here.get(PROFILE).content.decode()
    row = OpenSession.objects.get(user_agent="Browser there")
    here.post(f"/admin/sign-in/profile/sessions/{row.pk}/end/")

    assert "Browser here" in page
    assert "10.1.2.3" in page
    assert place(there.get("/admin/")) == "/admin/login/"
    assert here.get("/admin/").status_code == 200
    assert stranger.get("/admin/").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(ann, organization):
    other = logged_in(make_member(organization).user)
    row = OpenSession.objects.get()

    logged_in(ann).post(f"/admin/sign-in/profile/sessions/{row.pk}/end/")

    assert other.get("/admin/").status_code == 200


def test_all_other_sessions_end_at_once(ann):
    others = [logged_in(ann), logged_in(ann)]
    here = logged_in(ann)

    here.post("/admin/sign-in/profile/sessions/end/")

    assert [place(each.get("/admin/")) for each in others] == ["/admin/login/"] * 2
    assert here.get("/admin/").status_code == 200


def test_logging_out_takes_the_session_off_the_list(ann):
    browser = logged_in(ann)
    browser.post("/admin/logout/")

    assert not OpenSession.objects.exists()


def test_a_changed_password_ends_other_sessions_and_tokens_and_keeps_this_one(ann, organization):
    here, there = logged_in(ann), logged_in(ann)
    PersonalToken.objects.create(organization=organization, user=ann, expires_at=clock.now())

    changed = change_password(here)

    assert changed.status_code == 302
    assert here.get("/admin/").status_code == 200
    assert place(there.get("/admin/")) == "/admin/login/"
    assert OpenSession.objects.filter(user=ann).count() == 1
    assert not PersonalToken.objects.exists()


def test_an_end_of_access_one_second_ahead_acts_then(ann):
    with time_machine.travel(NOON, tick=False) as moved:
        browser = logged_in(ann)
        ends = NOON + timedelta(seconds=1)
        Membership.objects.filter(user=ann).update(access_ends_at=ends)
        before = browser.get("/admin/")
        moved.shift(timedelta(seconds=1))
        after = browser.get("/admin/")

    assert before.status_code == 200
    assert place(after) == "/admin/login/"


@pytest.mark.parametrize("address", ["/admin/login/", "/admin/", PROFILE, "/invitations/x/"])
def test_pages_run_no_inline_scripts_and_are_framed_by_nobody(ann, address):
    policy = logged_in(ann).get(address).headers.get("Content-Security-Policy", "")

    if address != "/admin/login/":  # leads on for somebody who is logged in
        assert "script-src 'self' 'unsafe-eval';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy


def test_no_template_of_ours_needs_an_inline_script():
    import re
    from pathlib import Path

    root = Path(__file__).resolve().parents[3]
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\son[a-z]+=\"|href=\"javascript:")
    places = [root / "config/templates", *root.glob("*/templates")]

    assert [
        str(path.relative_to(root))
        for place_ in places
        for path in place_.rglob("*.html")
        if inline.search(path.read_text())
    ] == []


def test_the_profile_is_saved_versioned_and_audited(ann):
    from organizations.models import AuditEntry

    browser = logged_in(ann)

    browser.post(PROFILE, {"first_name": "Ann", "last_name": "Lee", "contact_number": "12"})
    refused = browser.post(PROFILE, {"first_name": "", "last_name": "x" * 101})

    ann.refresh_from_db()
    assert (ann.first_name, ann.last_name, ann.contact_number) == ("Ann", "Lee", "12")
    assert (ann.version, ann.modified_by) == (2, ann.pk)
    assert refused.status_code == 200
    entry = AuditEntry.objects.get(action="profile changed")
    assert entry.difference["difference"][1]["first_name"] == ["", "Ann"]


def test_what_is_left_of_sessions_that_are_over_is_swept(ann):
    from django.contrib.sessions.models import Session

    with time_machine.travel(NOON, tick=False) as moved:
        logged_in(ann)
        moved.shift(timedelta(hours=11))
        logged_in(ann)
        moved.shift(timedelta(hours=2))
        sessions.forget_ended()

        assert (OpenSession.objects.count(), Session.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
         "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0",
         "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 Version/17 Safari/605",
         "Safari on Mac OS"),
        ("curl/8.5.0", "curl"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_a_browser_is_shown_by_its_name(said, shown):
    assert sessions.browser_of(said) == shown
