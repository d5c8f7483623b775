"""A new SECRET_KEY, the old one in SECRET_KEY_FALLBACKS: nothing that the old one made is lost."""

import base64

import pyotp
import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from billing.models import IngestFailure
from billing.usage import failures
from organizations import invitations, tokens
from organizations.kernel import exact_json, ids, principals, sealing
from organizations.models import AccessKey, Invitation
from organizations.signin import second_factor
from tests.clients import ApiClient
from tests.factories import make_product
from tests.organizations.people_made import make_member

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password"


@pytest.fixture
def rotate(settings):
    """Return a function that replaces the key, and one that drops the old one."""

    def do(*, keep=True):
        before = settings.SECRET_KEY
        settings.SECRET_KEY = f"{before} and something new"
        settings.SECRET_KEY_FALLBACKS = [before] if keep else []

    return do


def ask(founded):
    """Return the answer of the token endpoint to the first key."""
    basic = base64.b64encode(f"{founded.access_key_id}:{founded.api_secret}".encode()).decode()
    return Client().post(
        "/oauth/token",
        exact_json.dumps({"grant_type": "client_credentials"}),
        content_type="application/json",
        headers={"Authorization": f"Basic {basic}"},
    )


def test_an_access_key_works_and_its_hash_is_made_anew(founded, rotate, settings):
    before = bytes(AccessKey.objects.get(pk=founded.access_key_id).secret_hash)
    rotate()

    assert ask(founded).status_code == 200

    assert bytes(AccessKey.objects.get(pk=founded.access_key_id).secret_hash) != before
    settings.SECRET_KEY_FALLBACKS = []
    assert ask(founded).status_code == 200


def test_without_the_old_key_it_is_dead(founded, rotate):
    rotate(keep=False)

    assert ask(founded).status_code == 401


def test_a_wrong_secret_is_no_righter(founded, rotate):
    rotate()
    basic = base64.b64encode(f"{founded.access_key_id}:wrong".encode()).decode()

    answer = Client().post(
        "/oauth/token", {"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )  # fmt: skip

    assert answer.status_code in {401, 415}
    with pytest.raises(tokens.InvalidClient):
        tokens.issue(founded.access_key_id, "wrong")


def test_a_bearer_token_and_a_page_token_work(founded, rotate):
    api = ApiClient(founded)
    for _ in range(2):
        make_product(founded.organization)
    following = api.get("products", pageSize=1).json["nextToken"]
    rotate()

    assert api.get("products", pageSize=1, nextToken=following).status == 200


def test_recovery_codes_and_the_app_work(organization, rotate):
    user = make_member(organization).user
    secret = second_factor.new_secret()
    codes = second_factor.set_up(user, secret, pyotp.TOTP(secret).now())
    rotate()

    assert second_factor.check(user, codes[0])
    assert not second_factor.check(user, codes[0])
    assert not second_factor.check(user, "aaaaa-aaaaa")
    assert sealing.unseal(user.second_factor.secret, purpose=second_factor.PURPOSE) == secret


def test_an_open_session_goes_on(organization, rotate):
    user, browser = make_member(organization).user, Client()
    browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
    rotate()

    assert browser.get(reverse("admin:password_change")).status_code == 200


def test_the_step_between_password_and_code_goes_on(organization, rotate):
    user, browser = make_member(organization).user, Client()
    secret = second_factor.new_secret()
    codes = second_factor.set_up(user, secret, pyotp.TOTP(secret).now())
    browser.post(reverse("admin:login"), {"username": user.email, "password": PASSWORD})
    rotate()

    answer = browser.post(reverse("signin:code"), {"code": codes[0]})

    assert answer.status_code == 302 and "login" not in answer["Location"]


def test_an_invitation_opens(organization, rotate):
    by = principals.system(organization.pk)
    row = invitations.invite(
        Invitation(organization=organization, email=f"{ids.new_id()}@example.com"), by=by
    )
    token = invitations.renew_token(row)
    rotate()

    assert invitations.find(token).pk == row.pk


def test_a_mailed_link_for_a_new_password_opens(organization, rotate):
    user = make_member(organization).user
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    address = reverse("signin:reset", args=[uid, default_token_generator.make_token(user)])
    rotate()

    answer = Client().get(address, follow=True)

    assert b"new_password1" in answer.content


def test_a_download_address_works(organization, rotate):
    failure = IngestFailure.objects.create(
        organization=organization, event_id=ids.new_id(), type="UndefinedMeter", message="m",
        account_code="a", measurements=[],
    )  # fmt: skip
    token = failures.sign(failure)
    rotate()

    assert failures.opened(token).pk == failure.pk
