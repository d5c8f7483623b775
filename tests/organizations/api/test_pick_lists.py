"""Pick lists and custom fields over the API."""

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
