"""Every word of an enum and every flag that is taken comes back as it was sent."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract import documents, inhabited, published
from tests.contract.inhabited import Inhabited
from tests.test_contract import writes

pytestmark = pytest.mark.django_db

# Answered in our own spelling (A5.9), worked out (PLN-5), without effect and not answered (A3.1).
IN_OTHER_WORDS = {"effect", "action", "bespoke", "m3terUser"}
# What else has to be sent with a word: a charge's kind of line (CHG-6).
GOES_WITH = {("charges", "AD_HOC"): {"lineItemType": "AD_HOC", "entityId": None}}


@pytest.fixture(scope="module")
def place(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Inhabited]:
    """An organization with rows of every kind."""
    with inhabited.shared_database(django_db_blocker):
        yield inhabited.settle()


def choices(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield field and value for each word and flag at the top of a body."""
    contract = published.contract()
    for name, one in documents.resolved(contract, schema).get("properties", {}).items():
        one = documents.resolved(contract, one)
        if name in IN_OTHER_WORDS:
            continue
        if one.get("type") == "boolean":
            yield from ((name, True), (name, False))
        for word in one.get("enum", ()):
            yield name, word


def test_what_was_chosen_is_kept_or_refused_by_name(place):
    wrong, kept = [], 0
    for verb, path, body, schema in writes(place):
        for name, value in choices(schema):
            with inhabited.undone():
                more = GOES_WITH.get((path, value), {}) if name == "entityType" else {}
                answer = place.api.call(verb, path, {**body, name: value, **more})
                if answer.status == 200:
                    item = f"{path}/{answer.json['id']}" if verb == "POST" else path
                    read = place.api.get(item)
                    stored = read.json if read.status == 200 else answer.json
            if answer.status == 200 and name in answer.json:
                kept += 1
                if (answer.json[name], stored.get(name)) != (value, value):
                    wrong.append(f"{verb} {path} {name} = {value!r}: {answer.json[name]!r}")
            elif answer.status == 200:
                wrong.append(f"{verb} {path} {name} = {value!r}: not answered")
            elif name not in str(answer.json.get("errors")):
                wrong.append(f"{verb} {path} {name} = {value!r}: {answer}")

    assert kept > 50
    assert not wrong, "\n".join(wrong)
