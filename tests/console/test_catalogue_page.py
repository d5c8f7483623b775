"""The catalogue as code in the console: nothing is changed before it was shown and confirmed."""

import pytest
from django.urls import reverse

from catalog.models import Product
from organizations.models import PermissionPolicy
from tests.catalog.test_catalogue_over_api import FILE
from tests.console.clients import Console, attach, make_person


def send(console, **fields):
    return console.client.post(reverse("admin:catalogue_as_code"), fields, follow=True)


def test_a_file_is_shown_then_applied_and_can_be_downloaded(console):
    asked = send(console, text=FILE)
    before = Product.objects.count()
    done = send(console, text=FILE, seen=asked.context["seen"], confirmed="yes")
    file = console.client.get(reverse("admin:catalogue_as_code"), {"download": ""})

    assert "products cloud" in console.text(asked) and before == 0
    assert "2 to create, 0 to change, 0 to delete" in console.text(done)
    assert Product.objects.get().code == "cloud"
    assert "code: cloud" in file.content.decode()


def test_a_catalogue_that_moved_since_is_shown_again_and_nothing_is_applied(console):
    again = send(console, text=FILE, seen="other", confirmed="yes")

    assert "Look again" in console.text(again) and "products cloud" in console.text(again)
    assert not Product.objects.exists()


@pytest.mark.parametrize("text", ["", "format: [", "\x00", FILE.replace("10.5", "-1")])
def test_a_wrong_file_is_told_and_nothing_is_changed(console, text):
    answer = send(console, text=text, confirmed="yes")

    assert answer.status_code == 200 and "Nothing is changed" in console.text(answer)
    assert not Product.objects.exists()


def test_each_change_needs_a_policy_that_allows_it(founded):
    reader = PermissionPolicy.objects.create(
        organization=founded.organization,
        name="Reads",
        statements=[{"effect": "allow", "action": ["config:retrieve"], "resource": ["config:*"]}],
    )
    person = make_person(founded, None)
    attach(founded, person, reader)

    reading = Console(person).client.get(reverse("admin:catalogue_as_code"))
    trying = send(Console(person), text=FILE)
    nobody = Console(make_person(founded, None))

    assert (reading.status_code, trying.status_code) == (200, 403)
    assert nobody.client.get(reverse("admin:catalogue_as_code")).status_code == 403
    assert not Product.objects.exists()
