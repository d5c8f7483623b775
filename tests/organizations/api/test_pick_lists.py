"""Pick lists and custom fields over the API."""

import json

import pytest

from organizations.models import Event
from tests.catalog.test_catalogue_api import refused

LISTS = {
    "creditreasons": {},
    "debitreasons": {},
    "transactiontypes": {},
    "billgroupingkeys": {"exclusive": True},
}


@pytest.mark.parametrize(("path", "more"), LISTS.items())
def test_an_entry_is_made_read_archived_listed_and_deleted(api, path, more):
    address = f"picklists/{path}"
    made = api.post(address, {"name": "Goodwill", "code": "GOODWILL", **more}).json

    archived = api.put(f"{address}/{made['id']}", {**made, "archived": True}).json

    assert (made["archived"], archived["archived"], archived["version"]) == (False, True, 2)
    assert api.get(address, archived="false").json["data"] == []
    assert api.get(address, codes="GOODWILL").json["data"] == [archived]
    refused(api.post(address, {"name": "Again", "code": "GOODWILL", **more}), "code")
    refused(api.post(address, {"name": "Bad", "code": "1 bad", **more}), "code")
    assert api.delete(f"{address}/{made['id']}").json == archived
    assert api.get(f"{address}/{made['id']}").status == 404


def test_only_entities_on_the_closed_list_have_events(api):
    for path, more in LISTS.items():
        api.post(f"picklists/{path}", {"name": "X", **more})

    names = set(Event.objects.filter(name__startswith="configuration.").values_list("name"))

    assert ("configuration.creditreason.created",) in names
    assert ("configuration.transactiontype.created",) in names
    assert not any("debitreason" in name or "groupingkey" in name for (name,) in names)


def test_a_grouping_key_says_whether_it_is_exclusive(api):
    refused(api.post("picklists/billgroupingkeys", {"name": "K"}), "exclusive")


def test_custom_fields_are_one_document_and_a_missing_map_empties_it(api):
    document = api.get("customfields").json
    body = {**document, "account": {"tier": "gold", "seats": 5}, "product": {"x": "y"}}

    changed = api.put("customfields", body).json
    again = api.put("customfields", {"version": 2, "account": {"tier": "gold"}}).json

    assert (document["version"], document["account"]) == (1, {})
    assert changed["account"] == {"tier": "gold", "seats": 5}
    assert (again["account"], again["product"], again["version"]) == ({"tier": "gold"}, {}, 3)
    assert api.put("customfields", {"version": 1}).status == 409


@pytest.mark.parametrize(
    "values", [{"x": True}, {"x": None}, {"x": []}, {str(n): 1 for n in range(26)}, {"": 1}]
)
def test_custom_fields_hold_at_most_25_texts_or_numbers(api, values):
    document = api.get("customfields").json

    answer = api.put("customfields", {**document, "account": values})

    assert answer.status == 400
    assert answer.json["errors"][0]["field"].startswith("account")
    assert api.get("customfields").json == document


def test_custom_fields_keep_names_with_spaces_and_numbers_as_they_were_written(api):
    document = api.get("customfields").json
    names = {"CRM number": 5, "größe": 0.50, "x" * 200: "", "flag": "true"}

    answer = api.put("customfields", {**document, "contract": names})

    assert answer.status == 200, answer
    for written in (b'"CRM number":5,', '"größe":0.5'.encode(), b'"flag":"true"'):
        assert written in answer.raw.replace(b": ", b":").replace(b", ", b",")
    assert api.get("customfields").json == answer.json


@pytest.mark.parametrize("name", ["", "x" * 201, "a\tb", "a\x00", "a\x7f", "a\x85b", "a\ud800"])
def test_a_custom_field_without_a_proper_name_is_refused(api, name):
    document = api.get("customfields").json

    for path, body in (
        ("customfields", {**document, "plan": {name: 1}}),
        ("products", {"name": "P", "code": "p", "customFields": {name: 1}}),
    ):
        call = api.put if path == "customfields" else api.post
        assert call(path, json.dumps(body, default=str).encode()).status == 400, path

    assert api.get("customfields").json == document
    assert api.get("products").json["data"] == []


def test_an_entity_has_at_most_a_hundred_custom_fields_and_a_put_without_them_deletes_them(api):
    hundred = {f"field {n}": n for n in range(100)}
    more = {**hundred, "one more": 1}

    made = api.post("products", {"name": "P", "code": "p", "customFields": hundred})

    assert made.json["customFields"] == hundred
    refused(api.post("products", {"name": "P", "code": "q", "customFields": more}), "customFields")
    emptied = api.put(f"products/{made.json['id']}", {"name": "P", "code": "p", "version": 1})
    assert emptied.json["customFields"] == {}


def test_a_code_is_of_letters_and_ascii_digits(api):
    for code in ("a٣", "a²", "Ⅷ"):
        refused(api.post("picklists/creditreasons", {"name": "X", "code": code}), "code")
    assert api.post("picklists/creditreasons", {"name": "X", "code": "größe_1"}).status == 200


@pytest.mark.parametrize("path", ["accounts", "plantemplates"])
def test_an_archived_currency_stays_where_it_is_used_and_is_chosen_nowhere_else(api, path):
    euro = api.post("picklists/currency", {"name": "Euro", "code": "EUR"}).json
    product = api.post("products", {"name": "P", "code": "p"}).json
    body = {
        "accounts": {"name": "A", "code": "a", "emailAddress": "a@example.com"},
        "plantemplates": {
            "name": "T", "code": "t", "productId": product["id"], "billFrequency": "MONTHLY",
            "standingCharge": 0,
        },
    }[path]  # fmt: skip
    made = api.post(path, {**body, "currency": "EUR"}).json

    assert api.put(f"picklists/currency/{euro['id']}", {**euro, "archived": True}).status == 200
    renamed = api.put(f"{path}/{made['id']}", {**made, "name": "Renamed"})
    other = api.put(f"{path}/{made['id']}", {**renamed.json, "currency": "USD"})
    back = api.put(f"{path}/{made['id']}", {**other.json, "currency": "EUR"})

    assert (renamed.status, other.status) == (200, 200)
    refused(back, "currency")
    refused(api.post(path, {**body, "code": "b", "currency": "EUR"}), "currency")


def test_a_currency_in_use_keeps_its_code(api):
    euro = api.post("picklists/currency", {"name": "Euro", "code": "EUR"}).json
    account = api.post(
        "accounts",
        {"name": "A", "code": "a", "emailAddress": "a@example.com", "currency": "EUR"},
    ).json
    path = f"picklists/currency/{euro['id']}"

    answer = api.put(path, {**euro, "code": "XEU"})
    refused(answer, "code")
    assert "1 account" in answer.json["message"]
    assert api.put(path, {**euro, "name": "The euro"}).status == 200
    api.put(f"accounts/{account['id']}", {**account, "currency": "USD"})
    assert api.put(path, {**euro, "code": "XEU", "version": 2}).status == 200
