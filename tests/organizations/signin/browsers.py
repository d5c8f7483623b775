"""People in front of the login, with Django's test client."""

from typing import Any

import pyotp
from django.test import Client
from django.urls import reverse

from organizations.kernel import clock
from organizations.models import SignInSettings, User
from organizations.signin import second_factor

PASSWORD = "a-long-password"


def log_in(email: str, password: str = PASSWORD, client: Client | None = None, **extra: Any) -> Any:
    """Send the login form; returns the answer, its client as ``answer.client``."""
    client = client or Client()
    return client.post(reverse("admin:login"), {"username": email, "password": password}, **extra)


def logged_in(user: User, **options: Any) -> Client:
    """Return a browser in which the person is logged in with the password."""
    client = Client()
    assert log_in(user.email, client=client, **options).status_code == 302
    return client


def set_up(user: User) -> tuple[str, list[str]]:
    """Give the person a second factor; returns the app's secret and the recovery codes."""
    secret = second_factor.new_secret()
    codes = second_factor.set_up(user, secret, code_of(secret, steps=-1))
    return secret, codes


def code_of(secret: str, *, steps: int = 0) -> str:
    """Return what the app shows, now or some steps of 30 s away."""
    return pyotp.TOTP(secret).at(int(clock.now().timestamp()) + 30 * steps)


def ask(organization: Any, **settings: Any) -> SignInSettings:
    """Set what an organization asks of its people."""
    SignInSettings.objects.filter(organization=organization).update(**settings)
    return SignInSettings.objects.get(organization=organization)


def place(answer: Any) -> str:
    """Return where an answer leads, without its query."""
    assert answer.status_code == 302, answer.status_code
    return answer.headers["Location"].split("?")[0]
