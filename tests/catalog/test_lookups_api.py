"""Lookup tables over the API: revisions, statuses, data, and what is refused (usage.md 15)."""

from decimal import Decimal

import pytest

from catalog.models import LookupRow, LookupTable, LookupTableRevision
from organizations.models import AuditEntry, Event
from tests.catalog.bodies import made, meter
from tests.contract import bodies_lookups as bodies

UK, US = {"country": "UK", "rate": Decimal("0.8")}, {"country": "US", "rate": Decimal("0.9")}


def table(api, code="discount_vol_rates"):
    return made(api, "lookuptables", {"name": "Rates", "code": code})


def revision(api, owner, *, items=(), keys=("country",), fields=None, name="R"):
    """Make a draft, with items if there are any; returns its address and how it looks."""
    fields = fields or [("country", "STRING"), ("rate", "NUMBER")]
    body = {
        "name": name,
        "fields": [{"name": one, "type": kind} for one, kind in fields],
        "keys": list(keys),
    }
    path = f"lookuptables/{owner['id']}/revisions"
    row = made(api, path, body)
    address = f"{path}/{row['id']}"
    if items:
        answer = api.put(f"{address}/data", {"items": list(items)})
        assert answer.status == 200, answer
    return address, row


def set_status(api, address, status):
    version = api.get(address).json["version"]
    return api.put(f"{address}/status", {"status": status, "version": version})


def refused(answer, *fields):
    assert answer.status == 400, answer
    assert [one["field"] for one in answer.json["errors"]] == list(fields), answer


def test_a_table_shows_its_published_revision_when_asked(api):
    owner = table(api)
    address, _ = revision(api, owner, items=[UK, US])
    assert (
        api.get(f"lookuptables/{owner['id']}?additional=activeRevision").json["activeRevision"]
        is None
    )

    assert set_status(api, address, "PUBLISHED").status == 200

    listed = api.get("lookuptables?codes=discount_vol_rates&additional=activeRevision").json
    assert [one["activeRevision"]["itemCount"] for one in listed["data"]] == [2]
    assert api.get(f"lookuptables/{owner['id']}").json["activeRevision"] is None
    # The list of event types is closed (B2): tables are in the audit trail only.
    names = Event.objects.values_list("name", flat=True)
    assert not [name for name in names if "lookup" in name]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"keys": ["nosuch"]}, ["keys"]),
        ({"keys": ["gpu", "gpu"]}, ["keys"]),
        ({"keys": ["gpu", "rate", "vendor"]}, ["keys"]),
        ({"keys": []}, ["keys"]),
        ({"keys": ["a", "b", "c", "d", "e", "f"]}, ["keys"]),
        ({"fields": [{"name": "gpu", "type": "STRING"}]}, ["fields"]),
        ({"fields": [{"name": "gpu", "type": "STRING"}] * 2}, ["fields", "keys"]),
        ({"fields": [{"name": "gpu", "type": "STRING"}, {"name": "1", "type": "NUMBER"}]},
         ["fields[1].name"]),
        ({"fields": [{"name": "gpu", "type": "TEXT"}, {"name": "x", "type": "NUMBER"}]},
         ["fields[0].type"]),
        ({"name": ""}, ["name"]),
    ],
)  # fmt: skip
def test_fields_and_keys_that_do_not_fit_are_refused(api, change, fields):
    path = f"lookuptables/{table(api)['id']}/revisions"

    answer = api.post(path, {**bodies.revision({}), **change})

    refused(answer, *fields)
    assert not LookupTableRevision.objects.exists()


def test_publishing_archives_the_one_that_was_published(api):
    owner = table(api)
    (first, _), (second, _) = revision(api, owner), revision(api, owner)
    assert set_status(api, first, "PUBLISHED").json["status"] == "PUBLISHED"

    assert set_status(api, second, "PUBLISHED").json["version"] == 2

    assert api.get(first).json["status"] == "ARCHIVED"
    assert LookupTableRevision.objects.filter(status="PUBLISHED").count() == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [("PUBLISHED", "DRAFT"), ("PUBLISHED", "PUBLISHED"), ("ARCHIVED", "DRAFT"),
     ("ARCHIVED", "PUBLISHED"), ("DRAFT", "DRAFT")],
)  # fmt: skip
def test_a_status_goes_forward_only(api, before, after):
    address, _ = revision(api, table(api))
    if before != "DRAFT":
        set_status(api, address, before)

    refused(set_status(api, address, after), "status")

    assert api.get(address).json["status"] == before


def test_a_status_needs_the_version_that_is_stored(api):
    address, _ = revision(api, table(api))

    refused(api.put(f"{address}/status", {"status": "PUBLISHED"}), "version")
    assert api.put(f"{address}/status", {"status": "PUBLISHED", "version": 9}).status == 409

    assert api.get(address).json["status"] == "DRAFT"


def test_items_are_added_and_replaced_by_key_and_others_stay(api):
    address, _ = revision(api, table(api), items=[UK, US])
    data = api.get(f"{address}/data").json

    answer = api.put(
        f"{address}/data?additional=lookupKey",
        {"items": [{"country": "UK", "rate": 0.5}, {"country": "FR"}], "version": data["version"]},
    )

    assert answer.json["version"] == data["version"] + 1
    assert answer.json["items"] == [
        {"country": "UK", "rate": Decimal("0.5"), "lookupKey": "UK"},
        {"country": "FR", "rate": None, "lookupKey": "FR"},
    ]
    assert api.get(f"{address}/data").json["items"] == [
        {"country": "FR", "rate": None},
        {"country": "UK", "rate": Decimal("0.5")},
        {"country": "US", "rate": Decimal("0.9")},
    ]
    assert api.get(address).json["itemCount"] == 3
    assert AuditEntry.objects.filter(resource="config:lookupTableData").count() == 2


def test_data_that_are_there_are_changed_with_their_version_only(api):
    address, _ = revision(api, table(api), items=[UK])

    refused(api.put(f"{address}/data", {"items": [US]}), "version")
    assert api.put(f"{address}/data", {"items": [US], "version": 1}).status == 409
    assert api.put(f"{address}/data/US", {"item": US, "version": 1}).status == 409

    assert LookupRow.objects.count() == 1


def test_all_that_is_wrong_with_items_is_told_and_nothing_is_stored(api):
    address, _ = revision(api, table(api))

    answer = api.put(
        f"{address}/data",
        {
            "items": [
                {"country": "UK", "rate": "0.8"},
                {"country": 5, "rate": 1},
                {"rate": 1},
                {"country": "", "rate": 1},
                {"country": "FR", "price": 1},
                [],
                UK,
            ]
        },
    )

    refused(
        answer, "items[0].rate", "items[1].country", "items[2].country", "items[3].country",
        "items[4].price", "items[5]",
    )  # fmt: skip
    assert not LookupRow.objects.exists()
    assert api.get(f"{address}/data").json["version"] == 1


def test_at_most_2000_items_are_taken_at_once(api):
    address, _ = revision(api, table(api))
    many = [{"country": f"c{n}", "rate": n} for n in range(2001)]

    refused(api.put(f"{address}/data", {"items": many}), "items")
    assert api.put(f"{address}/data", {"items": many[:2000]}).status == 200

    assert len(api.get(f"{address}/data").json["items"]) == 2000
    assert len(api.get(f"{address}/data?limit=7").json["items"]) == 7
    refused(api.get(f"{address}/data?limit=2001"), "limit")


def test_one_item_is_read_written_and_deleted_by_its_keys(api):
    fields = [("region", "STRING"), ("size", "NUMBER"), ("rate", "NUMBER")]
    address, _ = revision(api, table(api), fields=fields, keys=["size", "region"])

    put = api.put(f"{address}/data/1.50,eu?additional=lookupKey", {"item": {"rate": 3}})

    assert put.json["items"] == [
        {"region": "eu", "size": Decimal("1.5"), "rate": 3, "lookupKey": "1.5,eu"}
    ]
    version = put.json["version"]
    body = {"item": {"region": "us", "rate": 3}, "version": version}
    refused(api.put(f"{address}/data/1.5,eu", body), "item")
    assert api.put(f"{address}/data/1.5", {"item": {"rate": 3}}).status == 404
    assert api.get(f"{address}/data/1.5,eu").json["items"][0]["rate"] == 3
    assert api.get(f"{address}/data/2,eu").status == 404
    gone = api.call("DELETE", f"{address}/data/1.5,eu", {"version": version})
    assert (gone.status, gone.json["version"]) == (200, version + 1)
    assert api.get(address).json["itemCount"] == 0


def test_a_comma_in_one_of_several_keys_has_a_backslash(api):
    fields = [("a", "STRING"), ("b", "STRING"), ("rate", "NUMBER")]
    items = [{"a": "x,y", "b": "z", "rate": 1}, {"a": "x", "b": "y,z", "rate": 2}]
    address, _ = revision(api, table(api), fields=fields, keys=["a", "b"], items=items)

    assert api.get(f"{address}/data/x\\,y,z").json["items"][0]["rate"] == 1
    assert api.get(f"{address}/data/x,y\\,z").json["items"][0]["rate"] == 2


def test_published_data_are_frozen(api):
    address, _ = revision(api, table(api), items=[UK])
    set_status(api, address, "PUBLISHED")
    version = api.get(f"{address}/data").json["version"]

    refused(api.put(f"{address}/data", {"items": [US], "version": version}), "items")
    refused(api.put(f"{address}/data/US", {"item": US, "version": version}), "items")
    refused(api.delete(f"{address}/data"), "items")
    refused(api.delete(f"{address}/data/UK"), "items")

    assert LookupRow.objects.count() == 1


def test_fields_do_not_change_while_there_are_data(api):
    address, row = revision(api, table(api), items=[UK])
    body = {**row, "keys": ["country"], "fields": [*row["fields"], {"name": "x", "type": "STRING"}]}

    refused(api.put(address, body), "fields")
    assert api.delete(f"{address}/data").json == {"result": "All items were deleted."}
    assert api.put(address, body).status == 200

    assert len(api.get(address).json["fields"]) == 3


def test_what_calculations_look_up_in_is_neither_deleted_nor_renamed(api):
    owner = table(api)
    address, _ = revision(api, owner, items=[UK])
    set_status(api, address, "PUBLISHED")
    calculation = 'tokens * Lookup.findNumber("discount_vol_rates", "rate", 1, "region")'
    derived = [{"category": "MEASURE", "code": "x", "name": "X", "unit": "1",
                "calculation": calculation}]  # fmt: skip
    made(api, "meters", meter(derivedFields=derived))

    assert api.delete(address).status == 400
    assert api.delete(f"lookuptables/{owner['id']}").status == 400
    refused(api.put(f"lookuptables/{owner['id']}", {**owner, "code": "other"}), "code")

    assert LookupTable.objects.get().code == "discount_vol_rates"
    assert LookupTableRevision.objects.count() == 1


def test_a_draft_is_deleted_with_its_data(api):
    owner = table(api)
    address, _ = revision(api, owner, items=[UK])
    assert api.delete(f"lookuptables/{owner['id']}").status == 400

    assert api.delete(address).status == 200

    assert not LookupRow.objects.exists()
    assert api.delete(f"lookuptables/{owner['id']}").status == 200
