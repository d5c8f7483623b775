"""Any text in any string of any resource: a 400 that names its field, or stored and shown as sent.

Every place gets a few of the texts, another few at the next place; ``GENERATED`` (any value)
gives every place all of them.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from organizations.kernel import exact_json
from tests.clients import ApiAnswer
from tests.contract import bodies, hostile, inhabited
from tests.contract.inhabited import Inhabited
from tests.contract.refusals import faults

pytestmark = pytest.mark.django_db

TEXTS: tuple[str, ...] = (
    *hostile.TEXTS,
    "",
    " ",
    "\t",
    "a\x00b",
    "a\x01\x1f\x7f\x85b",
    "a\r\nX-Injected: 1",
    "1e999999999",
    "9" * 5_000,
    "\U0010ffff",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "../../etc/passwd",
    "null",
    "x" * 100_000,
)
AT_A_PLACE = len(TEXTS) if os.environ.get("GENERATED") else 5
# Fields whose value is compared or written in another form, by the rule that says so.
REWRITTEN = {
    "startDate": "B6.5", "endDate": "B6.5", "dtEndAccess": "B6.5", "dtExpiry": "B6.5",
    "secret": "C5: masked", "apiKey": "C5", "email": "A2.3: in lower case",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Inhabited]:
    """An organization with rows of every kind; a 5xx of its client is an answer, not a crash."""
    with inhabited.shared_database(django_db_blocker):
        settled = inhabited.settle()
        settled.api.client.raise_request_exception = False
        yield settled


def strings(body: dict[str, Any]) -> Iterator[hostile.Path]:
    """Yield where a string stands in a body, and where the name of a custom field does."""
    for where in hostile.places(body):
        if isinstance(hostile.value_at(body, where), str):
            yield where


def fault(sent: str, where: hostile.Path, answers: list[ApiAnswer]) -> str | None:
    """Return what is wrong with the answers to a body with a text at a place."""
    first = answers[0]
    if found := [one for answer in answers for one in faults(answer)]:
        return ", ".join(found)
    if first.status == 200:
        if where[-1] in REWRITTEN:
            return None
        for answer in answers:
            seen = answer.json
            for step in where:
                seen = seen[step]
            # Where a value is optional, an empty text counts as absent (B4.6).
            if seen != sent and not (sent == "" and seen is None):
                return f"shown as {seen!r:.80}"
        return None
    named = [error["field"] for error in first.json.get("errors", [])]
    if first.status != 400 or not any(name.startswith(str(where[0])) for name in named):
        return f"{first.status} for {named}"
    return None


@pytest.mark.parametrize("path", [path for path, _ in bodies.CREATED])
def test_a_text_is_refused_at_its_field_or_stored_and_shown_as_sent(place, path):
    body = bodies.another(dict(bodies.CREATED)[path], place.made)
    wrong, tried = [], 0
    for number, where in enumerate(strings(body)):
        for step in range(AT_A_PLACE):
            text = TEXTS[(number * AT_A_PLACE + step) % len(TEXTS)]
            with inhabited.undone():
                made = place.api.post(path, hostile.replaced(body, where, text))
                answers = [made]
                if made.status == 200:
                    answers.append(place.api.get(f"{path}/{made.json['id']}"))
            tried += 1
            if found := fault(text, where, answers):
                wrong.append(f"{where} = {text!r:.60}: {found} ({made})")

    assert tried >= AT_A_PLACE
    assert not wrong, "\n".join(wrong)


NAMES = ["a\x00b", "", " ", "x" * 100_000, "{{7*7}}", "'; --", "\U0001f3f3", "__proto__", "a.b[0]"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:20]))
def test_a_name_of_a_custom_field_is_refused_or_shown_as_sent(place, name):
    with inhabited.undone():
        made = place.api.post("products", {"name": "N", "code": "c", "customFields": {name: "x"}})

    assert faults(made) == []
    if made.status == 200:
        assert made.json["customFields"] == {name: "x"}
    else:
        assert [error["field"].split(".")[0] for error in made.json["errors"]] == ["customFields"]


@pytest.mark.parametrize(("address", "body"), [
    ("organizationconfig", {"billPrefix": "{{7*7}}'; --"}),
    ("customfields", {"product": {"a\x00b": "x"}}),
    ("customfields", {"product": {"{{7*7}}": "<script>"}}),
    ("support", {"dtEndSupportUsersAccess": "'; DROP TABLE x; --"}),
])  # fmt: skip
def test_the_single_rows_of_an_organization_hold_texts_as_sent_or_refuse_them(place, address, body):
    with inhabited.undone():
        row = place.api.get(address).json
        answer = place.api.put(address, {**row, **body})

        assert faults(answer) == []
        if answer.status == 200:
            (field,) = body
            assert answer.json[field] == place.api.get(address).json[field] == body[field]
        else:
            assert answer.status == 400 and answer.json["errors"]


def test_of_keys_given_twice_the_last_one_counts_everywhere(place):
    wrong = []
    for path, build in bodies.CREATED:
        body = exact_json.dumps(bodies.another(build, place.made))
        with inhabited.undone():
            made = place.api.post(path, b'{"name":"first","name":7,' + body[1:])
        if made.status != 200 or faults(made):
            wrong.append((path, made))

    assert not wrong


def test_ten_megabytes_are_refused_by_every_resource(place):
    for path, _ in bodies.CREATED:
        answer = place.api.post(path, b'{"name":"' + b"x" * 10_000_000 + b'"}')

        assert (answer.status, answer.json["status"]) == (413, 413), path
