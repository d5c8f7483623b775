"""The page of a meter shows how to send, in programs that run as they stand, and what arrived."""

import os
import shutil
import subprocess
import sys

import pytest
from django.urls import reverse

from catalog.admin import sending
from catalog.models import Meter, Product
from organizations.kernel import clock, exact_json
from tests.billing.usage.stored import accept, item, stored
from tests.console.clients import Console, make_person
from tests.factories import make_account, make_founded, make_meter, make_product

FIELDS = [
    {"category": "MEASURE", "code": "gb", "name": "Stored", "unit": "GiBy"},
    {"category": "COST", "code": "paid", "name": "Paid", "unit": "USD"},
    {"category": "WHERE", "code": "region", "name": "Region", "unit": None},
]
# What hurts in one of the languages, and may stand in a code.
ODD = 'it\'s 100% \\n $HOME `id` """ <b>'


@pytest.fixture
def meter(founded):
    make_account(founded.organization, code="acme")
    return make_meter(founded.organization, name="Storage", code="storage", data_fields=FIELDS)


def test_the_page_has_the_address_and_samples_with_every_field(console, founded, meter, settings):
    settings.PUBLIC_URL = "https://billing.example.com"

    answer = console.get(Meter, "change", meter)
    samples = dict(answer.context["sending"]["samples"])
    (sent,) = exact_json.loads(samples["JSON"])["measurements"]

    address = f"https://billing.example.com/organizations/{founded.organization.pk}/measurements"
    assert list(samples) == ["JSON", "cURL", "JavaScript", "Python", "Java"]
    assert all(address in samples[name] for name in samples if name != "JSON")
    assert (sent["meter"], sent["account"]) == ("storage", "acme")
    assert sent["measure"] == {"gb": 1} and sent["cost"] == {"paid": 1}
    assert sent["where"] == {"region": "region"}
    assert address in console.text(answer) and 'data-copy-from="sample-5"' in console.text(answer)


PROGRAMS = {
    "cURL": ("bash", "send.sh"), "JavaScript": ("node", "send.mjs"),
    "Python": (sys.executable, "send.py"), "Java": ("java", "Send.java"),
}  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_sends_a_measurement_as_it_stands(founded, name, live_server, tmp_path):
    runner, file = PROGRAMS[name]
    if shutil.which(runner) is None:
        pytest.skip(f"{runner} is not installed here")
    make_account(founded.organization, code="acme")
    odd = make_meter(founded.organization, name="Odd", code=ODD, data_fields=FIELDS)
    address = f"{live_server.url}/organizations/{founded.organization.pk}/measurements"
    program = dict(sending.samples(odd, "acme", live_server.url, address))[name]
    (tmp_path / file).write_text(program)

    done = subprocess.run(
        [runner, str(tmp_path / file)],
        env={**os.environ, "ACCESS_KEY_ID": founded.access_key_id,
             "API_SECRET": founded.api_secret},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert "accepted" in done.stdout, done.stderr
    assert stored(founded.organization, "fields->>'region'") == ["region"]


def arrived(console, meter, **asked):
    return console.client.get(reverse("admin:meter_arrived", args=[meter.pk]), asked)


def send(founded, **fields):
    at = clock.now()
    accept(founded.organization, item(ts=at.isoformat(), **fields), at=at)


@pytest.mark.django_db
def test_what_arrived_is_shown_newest_first_and_by_account(console, founded, meter):
    fields = {"cost": {"paid": 2}, "where": {"region": "<eu>"}}
    make_account(founded.organization, code="other")
    send(founded, uid="first", measure={"gb": 1}, **fields)
    send(founded, uid="second", measure={"gb": 12.5}, account="other", **fields)

    whole = arrived(console, meter)
    one = arrived(console, meter, account="acme", days="1")
    none = arrived(console, meter, account="nobody")
    part = console.text(arrived(console, meter, part="1"))

    assert [row["uid"] for row in whole.context["rows"]] == ["second", "first"]
    assert whole.context["names"] == ["gb", "paid", "region"]
    assert whole.context["rows"][0]["values"] == ["12.5", "2", "<eu>"]
    assert [row["uid"] for row in one.context["rows"]] == ["first"]
    assert "There is no account with the code nobody." in console.text(none)
    assert "second" in part and "first" not in part and "<html" not in part
    assert "&lt;eu&gt;" in part


@pytest.mark.django_db
@pytest.mark.parametrize("asked", [{"days": "x"}, {"part": "-1"}, {"part": "²"}])
def test_odd_questions_are_answered(console, meter, asked):
    assert arrived(console, meter, **asked).status_code == 200


@pytest.mark.django_db
def test_strangers_find_no_meter_and_who_may_not_ask_sees_no_usage(console, founded, meter):
    stranger = Console(make_person(make_founded(), "Administrator"))
    nobody = Console(make_person(founded, None))

    assert arrived(stranger, meter).status_code == 404
    assert arrived(nobody, meter).status_code == 403


@pytest.mark.django_db
def test_a_product_shows_its_children_by_tab(console, founded):
    meter = make_meter(founded.organization, product=make_product(founded.organization))
    text = console.text(console.get(Product, "change", meter.product))

    assert 'data-tab="Meters (1)"' in text and 'data-tab="Plans (0)"' in text
