"""A second factor: set up with an app, asked for at the login, asked for by organizations."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from organizations.models import AuditEntry, OpenSession, RecoveryCode, SecondFactor
from organizations.signin import second_factor
from tests.factories import make_founded
from tests.organizations.people_made import make_member
from tests.organizations.signin.browsers import (
    PASSWORD,
    ask,
    code_of,
    log_in,
    logged_in,
    place,
    set_up,
)  # fmt: skip

pytestmark = pytest.mark.django_db
MANAGE, CODE, CONFIRM = (
    "/admin/sign-in/second-factor/",
    "/admin/sign-in/code/",
    "/admin/sign-in/confirm/",
)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def ann(organization):
    """A member with a password."""
    return make_member(organization).user


def actions_of(user):
    """Return what the audit trail says happened to the person, in order."""
    entries = AuditEntry.objects.filter(entity_id=user.pk, resource="config:orgUser")
    return list(entries.order_by("id").values_list("action", flat=True))


def secret_shown(page):
    """Return the key on the set-up page."""
    shown = re.search(r'id="second-factor-key">([A-Z2-7 ]+)<', page.content.decode())[1]
    return shown.replace(" ", "")


def test_it_is_set_up_with_the_first_code_and_ten_recovery_codes_are_shown_once(ann):
    browser = logged_in(ann)
    page = browser.get(MANAGE)
    secret = secret_shown(page)

    done = browser.post(MANAGE, {"code": code_of(secret)})

    codes = re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", done.content.decode())
    assert len(set(codes)) == 10
    assert "<svg" in page.content.decode()
    stored = SecondFactor.objects.get(user=ann)
    hashes = [bytes(row.code_hash) for row in RecoveryCode.objects.filter(user=ann)]
    assert secret not in stored.secret
    assert not any(code.replace("-", "").encode() in each for code in codes for each in hashes)
    assert codes[0] not in browser.get(MANAGE).content.decode()
    assert actions_of(ann)[-1] == "second factor set up"


def test_a_reload_keeps_the_picture_and_a_wrong_code_sets_nothing_up(ann):
    browser = logged_in(ann)
    first = secret_shown(browser.get(MANAGE))

    refused = browser.post(MANAGE, {"code": "000000"})

    assert secret_shown(refused) == first
    assert "This code is not valid" in refused.content.decode()
    assert not SecondFactor.objects.exists()


def test_the_password_alone_opens_nothing_then(ann):
    set_up(ann)
    browser = Client()

    answer = log_in(ann.email, client=browser)

    assert place(answer) == CODE
    assert place(browser.get("/admin/")) == "/admin/login/"
    assert "_auth_user_id" not in browser.session
    assert not OpenSession.objects.filter(user=ann).exists()


def test_the_code_of_the_app_opens_the_session_and_leads_to_what_was_wanted(ann):
    secret, _ = set_up(ann)
    browser = Client()
    wanted = "/admin/catalog/product/"
    browser.post(
        f"/admin/login/?next={wanted}",
        {"username": ann.email, "password": PASSWORD, "next": wanted},
    )

    answer = browser.post(CODE, {"code": code_of(secret)})

    assert answer.headers["Location"] == wanted
    assert browser.session["signed_in"]["has_second_factor"] is True
    entry = AuditEntry.objects.filter(entity_id=ann.pk, action="signed in").get()
    assert entry.difference["secondFactor"] == [None, True]


def test_a_code_works_once_and_for_a_minute_and_a_half(ann):
    with time_machine.travel(NOON, tick=False) as clock:
        secret, _ = set_up(ann)
        now, next_one = code_of(secret), code_of(secret, steps=1)

        assert second_factor.check(ann, f" {now[:3]} {now[3:]} ")
        assert not second_factor.check(ann, now)
        clock.shift(timedelta(seconds=60))
        assert second_factor.check(ann, next_one)
        clock.shift(timedelta(seconds=60))
        assert not second_factor.check(ann, code_of(secret, steps=-2))
        assert not second_factor.check(ann, code_of(secret, steps=2))


def test_a_recovery_code_replaces_the_app_once(ann):
    _, codes = set_up(ann)
    first, second = Client(), Client()
    for browser in (first, second):
        log_in(ann.email, client=browser)

    let_in = first.post(CODE, {"code": codes[3].upper().replace("-", " ")})
    again = second.post(CODE, {"code": codes[3]})

    assert (let_in.status_code, again.status_code) == (302, 200)
    assert RecoveryCode.objects.filter(user=ann).count() == 9


def test_codes_of_one_person_are_nothing_for_another(ann, organization):
    other = make_member(organization).user
    set_up(ann)
    _, codes = set_up(other)

    assert not second_factor.check(ann, codes[0])
    assert RecoveryCode.objects.filter(user=other).count() == 10


def test_five_wrong_codes_lock_the_code_but_not_the_login_form(ann):
    secret, _ = set_up(ann)
    browser = Client()
    log_in(ann.email, client=browser)
    for _ in range(5):
        browser.post(CODE, {"code": "000000"})

    answer = browser.post(CODE, {"code": code_of(secret)})

    assert "Too many failed attempts" in answer.content.decode()
    assert place(log_in(ann.email)) == CODE


def test_the_code_page_is_for_somebody_who_has_given_the_password_and_not_for_long(ann):
    secret, _ = set_up(ann)
    browser = Client()
    assert place(browser.get(CODE)) == "/admin/login/"

    with time_machine.travel(NOON, tick=False) as clock:
        log_in(ann.email, client=browser)
        assert browser.get(CODE).status_code == 200
        clock.shift(timedelta(seconds=601))
        assert place(browser.post(CODE, {"code": code_of(secret)})) == "/admin/login/"


def test_a_password_changed_in_between_ends_the_half_open_login(ann):
    secret, _ = set_up(ann)
    browser = Client()
    log_in(ann.email, client=browser)
    ann.set_password("another-long-password")
    ann.save()

    assert place(browser.post(CODE, {"code": code_of(secret)})) == "/admin/login/"
    assert "_auth_user_id" not in browser.session


def test_new_recovery_codes_and_removal_ask_for_a_code(ann):
    browser = logged_in(ann)
    secret = secret_shown(browser.get(MANAGE))
    with time_machine.travel(NOON, tick=False) as clock:
        browser = logged_in(ann)
        secret = secret_shown(browser.get(MANAGE))
        browser.post(MANAGE, {"code": code_of(secret)})
        before = set(RecoveryCode.objects.values_list("pk", flat=True))

        browser.post(MANAGE, {"do": "remove", "code": "000000"})
        assert SecondFactor.objects.filter(user=ann).exists()
        clock.shift(timedelta(seconds=30))
        browser.post(MANAGE, {"do": "renew", "code": code_of(secret)})
        assert not before & set(RecoveryCode.objects.values_list("pk", flat=True))
        clock.shift(timedelta(seconds=30))
        browser.post(MANAGE, {"do": "remove", "code": code_of(secret)})

    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert actions_of(ann)[-2:] == ["recovery codes renewed", "second factor removed"]


def test_an_organization_that_asks_for_it_leads_people_without_one_to_set_it_up(ann, organization):
    browser = logged_in(ann)
    assert browser.get("/admin/").status_code == 200
    ask(organization, requires_second_factor=True)

    stopped = browser.get("/admin/catalog/product/?q=x")
    secret = secret_shown(browser.get(stopped.headers["Location"]))
    done = browser.post(MANAGE, {"code": code_of(secret), "next": "/admin/catalog/product/?q=x"})

    assert place(stopped) == MANAGE
    assert 'href="/admin/catalog/product/?q=x"' in done.content.decode()
    assert browser.get("/admin/").status_code == 200


@pytest.mark.parametrize("address", ["/admin/", "/admin/search/?s=a", "/admin/usage-chart/",
                                     "/admin/organizations/membership/"])  # fmt: skip
def test_nothing_of_the_organization_is_shown_before(ann, organization, address):
    ask(organization, requires_second_factor=True)
    browser = logged_in(ann)

    assert place(browser.get(address)) == MANAGE
    assert place(browser.post(address)) == MANAGE
    page = browser.get(MANAGE)
    assert page.context["request"].principal is None


def test_a_session_without_the_code_gives_it_later(ann, organization):
    browser = logged_in(ann)
    secret, _ = set_up(ann)
    ask(organization, requires_second_factor=True)

    stopped = browser.get("/admin/")
    wrong = browser.post(CONFIRM, {"code": "000000"})
    still = browser.get("/admin/")
    right = browser.post(CONFIRM, {"code": code_of(secret), "next": "/admin/"})

    assert [place(stopped), place(still)] == [CONFIRM, CONFIRM]
    assert (wrong.status_code, place(right)) == (200, "/admin/")
    assert browser.get("/admin/").status_code == 200


def test_only_the_organization_that_asks_is_closed(ann, organization):
    other = make_founded(admin_email=ann.email).organization
    ask(organization, requires_second_factor=True)
    browser = logged_in(ann)
    switch = reverse("admin:switch_organization", args=[other.pk])

    browser.post(switch)
    open_one = browser.get("/admin/")
    browser.post(reverse("admin:switch_organization", args=[organization.pk]))

    assert open_one.status_code == 200
    assert place(browser.get("/admin/")) == MANAGE
