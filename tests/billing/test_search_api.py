"""Searching accounts and bills (B5)."""

import pytest

from organizations.kernel.api import search
from tests.catalog import bodies


@pytest.fixture
def found(api):
    """Five accounts, and a function that returns the names a search finds."""
    for name, code in (
        ("Acme Europe", "acme-eu"),
        ("Acme America", "acme-us"),
        ("Big Acme", "big"),
        ("Zebra: 100%_sure", "zebra"),
        ("Omega", "omega"),
    ):
        bodies.made_account(api, name=name, code=code, purchaseOrderNumber=f"PO-{code}")

    def search(query, **more):
        answer = api.get("accounts/search", searchQuery=query, **more)
        assert answer.status == 200, answer
        return [row["name"] for row in answer.json["data"]]

    return search


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name~acme", {"Acme Europe", "Acme America", "Big Acme"}),
        ("name~Acme E", {"Acme Europe"}),
        ("name~cme", set()),
        ("name:Omega", {"Omega"}),
        ("name:omega", set()),
        ("name~100%", {"Zebra: 100%_sure"}),
        ("name~100_", set()),
        ("code:big", {"Big Acme"}),
        ("codes:big,omega", {"Big Acme", "Omega"}),
        ("name~acme$code:big", {"Big Acme"}),
        ("code>=omega", {"Omega", "Zebra: 100%_sure"}),
        ("name:Zebra: 100%_sure", {"Zebra: 100%_sure"}),
        ("dtCreated>2001-01-01$code:big", {"Big Acme"}),
        ("purchaseOrderNumber:PO-zebra", {"Zebra: 100%_sure"}),
    ],
)
def test_terms_are_joined_by_and(found, query, names):
    assert set(found(query)) == names


def test_or_joins_all_terms_and_an_empty_query_finds_everything(found):
    assert set(found("code:big$code:omega", operator="OR")) == {"Big Acme", "Omega"}
    assert len(found("")) == 5


def test_results_are_sorted_newest_first_unless_said_otherwise(found):
    assert found("name~acme") == ["Big Acme", "Acme America", "Acme Europe"]
    assert found("name~acme", sortBy="name") == ["Acme America", "Acme Europe", "Big Acme"]
    assert found("name~acme", sortBy="name", sortOrder="DESC")[0] == "Big Acme"


def test_pages_go_by_document_number(api, found):
    first = api.get("accounts/search", sortBy="name", pageSize=3).json
    second = api.get("accounts/search", sortBy="name", pageSize=3, fromDocument=3).json

    assert first["nextToken"] == "3"
    assert len(first["data"]) == 3
    assert (len(second["data"]), second["nextToken"]) == (2, None)
    assert api.get("accounts/search", fromDocument=10000).json["data"] == []


def test_no_token_leads_beyond_what_may_be_asked_for(api, found, monkeypatch):
    monkeypatch.setattr(search, "DEEPEST", 3)

    def page(first):
        body = api.get("accounts/search", pageSize=2, fromDocument=first).json
        return len(body["data"]), body["nextToken"]

    assert [page(0), page(1), page(2), page(3)] == [(2, "2"), (2, "3"), (2, None), (2, None)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"searchQuery": "name"}, "searchQuery"),
        ({"searchQuery": "email:x"}, "searchQuery"),
        ({"searchQuery": "name:a$"}, "searchQuery"),
        ({"searchQuery": "dtCreated>soon"}, "searchQuery"),
        ({"searchQuery": "id:1"}, "searchQuery"),
        ({"operator": "XOR"}, "operator"),
        ({"sortBy": "password"}, "sortBy"),
        ({"sortOrder": "UP"}, "sortOrder"),
        ({"fromDocument": "10001"}, "fromDocument"),
        ({"fromDocument": "-1"}, "fromDocument"),
        ({"pageSize": "101"}, "pageSize"),
        ({"searchQuery": "name~\x00"}, "searchQuery"),
    ],
)
def test_what_cannot_be_understood_is_refused(api, query, field):
    answer = api.get("accounts/search", **query)

    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == field


@pytest.mark.parametrize("value", ["'; drop table x; --", "(", "[", "\\", "*", "a{2}", ".*", "%"])
def test_hostile_phrases_find_nothing_and_break_nothing(found, value):
    assert found(f"name~{value}") == []


def test_bills_are_searched_by_their_own_fields(api):
    assert api.get("bills/search", searchQuery="locked:false$billDate>=2024-01-01").status == 200
    assert api.get("bills/search", searchQuery="billDate~2024").status == 400
    assert api.get("bills/search", searchQuery="status:PENDING").status == 400


def test_an_instant_is_compared_as_it_is_shown(api, found):
    shown = api.get("accounts/search", searchQuery="code:big").json["data"][0]["dtCreated"]

    def has(comparator):
        return "Big Acme" in found(f"dtCreated{comparator}{shown}")

    assert [has(one) for one in (":", ">=", "<=", ">", "<")] == [True, True, True, False, False]


def test_the_beginning_of_an_id_finds_its_row(api, found):
    whole = api.get("accounts/search", searchQuery="code:big").json["data"][0]["id"]

    assert found(f"id~{whole[:30].upper()}") == ["Big Acme"]
    assert found(f"id~{whole}") == ["Big Acme"]
    assert found("id~%") == found("id~no id at all") == []
