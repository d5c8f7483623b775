"""Passwords: temporary ones, forgotten ones, and guessing that locks out no one for ever."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from organizations import people
from organizations.kernel.errors import DomainError
from organizations.models import Membership, OpenSession, SignInSettings, User
from tests.factories import make_founded
from tests.organizations.people_made import make_member
from tests.organizations.signin.browsers import PASSWORD, ask, log_in, logged_in, place, set_up

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
FORGOTTEN = "/admin/sign-in/forgotten/"
NEW = "correct-horse-battery"


@pytest.fixture
def ann(organization):
    """A member with a password."""
    return make_member(organization, email="ann@example.com").user


@pytest.fixture
def forget(eager_tasks, django_capture_on_commit_callbacks):
    """Return a function that asks for a link, and returns the link's path if one was mailed."""

    def ask(email, **extra):
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            answer = Client().post(FORGOTTEN, {"email": email}, **extra)
        assert answer.status_code == 200
        found = mail.outbox and re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[0].body)
        return found[1] if found else None

    return ask


def choose(path, password=NEW, browser=None):
    """Follow the link and choose a password; returns the last answer."""
    browser = browser or Client()
    shown = browser.get(path)
    if shown.status_code != 302:
        return shown
    return browser.post(
        shown.headers["Location"], {"new_password1": password, "new_password2": password}
    )


def test_the_link_chooses_a_password_once_and_ends_every_session(ann, forget):
    there = logged_in(ann)
    path = forget("ANN@example.com")

    chosen = choose(path)

    assert mail.outbox[0].to == ["ann@example.com"]
    assert mail.outbox[0].alternatives[0].mimetype == "text/html"
    assert place(chosen) == "/admin/login/"
    assert place(there.get("/admin/")) == "/admin/login/"
    assert not OpenSession.objects.exists()
    assert log_in(ann.email, PASSWORD).status_code == 200
    assert log_in(ann.email, NEW).status_code == 302
    again = choose(path, "yet-another-password")
    assert "not valid any more" in again.content.decode()
    assert User.objects.get(pk=ann.pk).check_password(NEW)


def test_the_link_does_not_log_in_and_a_second_factor_is_still_asked_for(ann, forget):
    set_up(ann)
    browser = Client()

    choose(forget(ann.email), browser=browser)

    assert "_auth_user_id" not in browser.session
    assert place(log_in(ann.email, NEW)) == "/admin/sign-in/code/"


def test_the_link_ends_after_an_hour_and_with_the_next_login(ann, forget):
    with time_machine.travel(NOON, tick=False) as moved:
        late = forget(ann.email)
        moved.shift(timedelta(seconds=3601))
        assert "not valid any more" in choose(late).content.decode()
        early = forget(ann.email)
        moved.shift(timedelta(seconds=1))
        logged_in(ann)
        assert "not valid any more" in choose(early).content.decode()

    assert User.objects.get(pk=ann.pk).check_password(PASSWORD)


def test_the_answer_is_the_same_whoever_asks(ann, forget):
    inactive = User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    pages = [
        Client().post(FORGOTTEN, {"email": email}).content.decode().replace(email, "...")
        for email in (ann.email, inactive.email, "nobody@example.com")
    ]
    pages = [re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page) for page in pages]

    assert pages[0] == pages[1] == pages[2]
    assert forget(inactive.email) is None
    assert forget("nobody@example.com") is None


def test_somebody_whose_access_has_ended_gets_no_mail(ann, forget):
    Membership.objects.filter(user=ann).update(access_ends_at=datetime.now(UTC))

    assert forget(ann.email) is None
    assert mail.outbox == []


def test_five_mails_an_hour_are_enough(ann, forget):
    paths = [forget(ann.email, REMOTE_ADDR=f"10.0.0.{n}") for n in range(7)]

    assert [path is not None for path in paths] == [True] * 5 + [False] * 2


def test_a_poor_password_is_not_taken(ann, forget):
    answer = choose(forget(ann.email), "12345678")

    assert answer.status_code == 200
    assert User.objects.get(pk=ann.pk).check_password(PASSWORD)


def test_an_outdated_temporary_password_is_for_an_administrator_to_renew(ann, forget):
    User.objects.filter(pk=ann.pk).update(
        must_change_password=True, temporary_password_expires_at=datetime.now(UTC)
    )

    assert forget(ann.email) is None
    assert "administrator" in mail.outbox[0].body


def test_a_temporary_password_is_good_for_30_days_and_must_be_replaced_by_another(ann):
    with time_machine.travel(NOON, tick=False) as moved:
        member = Membership.objects.get(user=ann)
        User.objects.filter(pk=ann.pk).update(must_change_password=True)
        temporary = people.renew_password(member)
        moved.shift(timedelta(days=29, hours=23))
        browser = Client()
        assert log_in(ann.email, temporary, client=browser).status_code == 302
        assert place(browser.get("/admin/")) == "/admin/password_change/"
        values = {"old_password": temporary}
        kept = browser.post(
            "/admin/password_change/",
            {**values, "new_password1": temporary, "new_password2": temporary},
        )
        moved.shift(timedelta(hours=2))
        late = log_in(ann.email, temporary)

    assert kept.status_code == 200
    assert "temporary password has expired" in late.content.decode()
    ann.refresh_from_db()
    assert ann.must_change_password is True


def test_once_it_is_replaced_an_administrator_cannot_resend_it(ann):
    with pytest.raises(DomainError):
        people.renew_password(Membership.objects.get(user=ann))

    assert User.objects.get(pk=ann.pk).check_password(PASSWORD)


def test_founding_gives_a_generated_password_30_days_and_a_given_one_for_good():
    with time_machine.travel(NOON, tick=False):
        generated = make_founded(admin_password=None).admin
        given = make_founded(admin_password="a-long-secret").admin

    assert generated.must_change_password is True
    assert generated.temporary_password_expires_at == NOON + timedelta(days=30)
    assert (given.must_change_password, given.temporary_password_expires_at) == (False, None)


def test_a_known_browser_is_not_locked_out_by_strangers(ann):
    known = logged_in(ann)
    known.post("/admin/logout/")
    for n in range(12):
        log_in(ann.email, "wrong", REMOTE_ADDR=f"10.0.0.{n}")
    unknown = log_in(ann.email)

    let_in = log_in(ann.email, client=known)

    assert "Too many failed attempts" in unknown.content.decode()
    assert let_in.status_code == 302


def test_a_known_browser_may_not_guess_for_ever_either(ann):
    known = logged_in(ann)
    known.post("/admin/logout/")
    for _ in range(10):
        log_in(ann.email, "wrong", client=known)

    assert "Too many failed attempts" in log_in(ann.email, client=known).content.decode()


def test_a_known_browser_is_known_for_its_person_only_and_cannot_be_forged(ann, organization):
    other = make_member(organization).user
    known = logged_in(other)
    known.post("/admin/logout/")
    forged = Client()
    forged.cookies["billwright_known"] = known.cookies["billwright_known"].value + "x"
    for n in range(10):
        log_in(ann.email, "wrong", REMOTE_ADDR=f"10.0.0.{n}")
        log_in(other.email, "wrong", REMOTE_ADDR=f"10.0.0.{n}")

    assert log_in(ann.email, client=known).status_code == 200
    assert log_in(other.email, client=forged).status_code == 200
    assert log_in(other.email, client=known).status_code == 302


def test_the_login_answers_alike_for_known_and_unknown_people(ann):
    pages = []
    for email in (ann.email, "nobody@example.com"):
        said = [
            re.sub(r"<[^>]+>|\s+", " ", log_in(email, "wrong").content.decode()).replace(email, "")
            for _ in range(11)
        ]
        pages.append(said)

    assert pages[0] == pages[1]
    assert "Too many failed attempts" in pages[0][10]


def test_passwords_are_kept_with_argon2_and_old_ones_still_open(ann, settings):
    from config import settings as configured

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ann.set_password(PASSWORD)
    ann.save()
    settings.PASSWORD_HASHERS = configured.PASSWORD_HASHERS

    assert log_in(ann.email).status_code == 302

    ann.refresh_from_db()
    assert ann.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_operator_lets_somebody_in_again(ann, capsys):
    set_up(ann)
    for n in range(10):
        log_in(ann.email, "wrong", REMOTE_ADDR=f"10.0.0.{n}")

    call_command("recover_access", "--email", "Ann@Example.com")

    told = capsys.readouterr().out
    password = re.search(r"for 30 days: (\S+)", told)[1]
    browser = Client()
    assert log_in(ann.email, password, client=browser).status_code == 302
    assert place(browser.get("/admin/")) == "/admin/password_change/"
    assert "second factor is removed" in told


def test_recovery_keeps_what_it_is_told_to_keep_and_says_when_nobody_is_meant(ann, capsys):
    set_up(ann)

    call_command("recover_access", "--email", ann.email, "--keep-password", "--keep-second-factor")
    with pytest.raises(CommandError):
        call_command("recover_access", "--email", "nobody@example.com")

    assert "Temporary password" not in capsys.readouterr().out
    assert place(log_in(ann.email)) == "/admin/sign-in/code/"


def test_recovery_opens_an_organization_whose_provider_is_gone(ann, organization):
    ask(organization, provider_issuer="https://gone.example", provider_client_id="x",
        requires_provider=True)  # fmt: skip

    call_command("recover_access", "--email", ann.email, "--keep-password", "--without-provider")

    assert SignInSettings.objects.get(organization=organization).requires_provider is False
    assert logged_in(ann).get("/admin/").status_code == 200
