"""Requests generated from the public contract: no 5xx, and no answer outside of its shapes.

For the groups of operations that are complete. ``CONTRACT`` names the contract file, ``GENERATED``
how many right and how many wrong requests each operation gets (2).
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients import ApiAnswer
from tests.contract import documents, generated, inhabited, published
from tests.contract.inhabited import Inhabited
from tests.contract.refusals import faults
from tests.test_contract import OTHER_SHAPES, OWN_SPELLING

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("GENERATED") or "2")
GROUPS = (
    "OrganizationConfig", "Currency", "CreditReason", "DebitReason", "TransactionType",
    "BillGroupingKey", "CustomField", "OrgUsers", "User", "Invitations", "PermissionPolicy",
    "ResourceGroup", "Support",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Inhabited]:
    """An organization with rows of every kind; a 5xx of its client is an answer, not a crash."""
    with inhabited.shared_database(django_db_blocker):
        settled = inhabited.settle()
        settled.api.client.raise_request_exception = False
        yield settled


@pytest.mark.parametrize("group", GROUPS)
def test_generated_requests_get_answers_of_the_contract(place, group):
    contract = published.contract()
    declared = documents.operations(contract)
    wrong: dict[str, Any] = {}
    seen, good = set(), 0

    def look(operation: tuple[str, str], sent: str, answer: ApiAnswer) -> None:
        nonlocal good
        verb, path = operation
        seen.add(operation)
        found = faults(answer)
        if answer.status == 200 and answer.raw:
            good += 1
            want = declared[verb, documents.shape("/organizations/{}/" + path)]
            if not OTHER_SHAPES.search(path):
                found += [one for one in published.deviations(want, answer.json)
                          if not OWN_SPELLING.search(one)]  # fmt: skip
        if found:
            wrong.setdefault(f"{verb} {path} {found[0][:80]}", (found, sent[:600], answer))

    with inhabited.undone():
        generated.send_all(place, examples=EXAMPLES, sent=look, document=contract, tags=[group])

    assert seen and good
    assert not wrong, "\n".join(f"{where}: {about}" for where, about in wrong.items())
