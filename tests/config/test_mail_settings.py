"""EMAIL_URL says how mail is sent."""

import pytest

from config import environment

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def test_without_an_address_mails_are_printed():
    assert environment.mail("") == {
        "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"
    }


@pytest.mark.parametrize(
    ("url", "port", "ssl", "tls"),
    [
        ("smtp://mail.example.com", 587, False, True),
        ("smtp://mail.example.com:25?tls=false", 25, False, False),
        ("smtps://mail.example.com", 465, True, False),
    ],
)
def test_the_scheme_says_how_the_connection_is_secured(url, port, ssl, tls):
    read = environment.mail(url)

    assert (read["EMAIL_BACKEND"], read["EMAIL_HOST"]) == (SMTP, "mail.example.com")
    assert (read["EMAIL_PORT"], read["EMAIL_USE_SSL"], read["EMAIL_USE_TLS"]) == (port, ssl, tls)


def test_user_and_password_are_unquoted():
    read = environment.mail("smtp://ann%40example.com:p%2Fw@mail.example.com")

    assert (read["EMAIL_HOST_USER"], read["EMAIL_HOST_PASSWORD"]) == ("ann@example.com", "p/w")


@pytest.mark.parametrize("url", ["http://mail.example.com", "mail.example.com", "smtp://"])
def test_anything_else_is_refused(url):
    with pytest.raises(ValueError, match="EMAIL_URL"):
        environment.mail(url)
