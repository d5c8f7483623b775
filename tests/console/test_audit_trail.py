"""The audit trail in the console: filters, pages by key, differences, seals, History (C14)."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Meter, Product
from organizations import seals
from organizations.admin import differences
from organizations.kernel import changes, clock, principals
from organizations.models import AuditEntry, Currency, PermissionPolicy
from tests import factories
from tests.console.clients import Console, address, attach, make_person
from tests.console.inhabited import inhabit
from tests.console.test_every_page import somebody

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)


def make_entries(founded, count, **fields):
    """Make entries as they stand in the trail."""
    return AuditEntry.objects.bulk_create(
        AuditEntry(
            organization=founded.organization,
            **{
                "principal_id": founded.admin.pk,
                "principal_kind": "USER",
                "action": "updated",
                "resource": "config:plan",
                "entity_id": uuid.uuid4(),
                **fields,
            },
        )
        for _ in range(count)
    )


def shown(console, **query):
    """Return the numbers of the entries a list shows."""
    answer = console.get(AuditEntry, **query)
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


def test_pages_go_on_behind_the_last_row_while_rows_arrive(console, founded):
    entries = [row.pk for row in make_entries(founded, 120)][::-1]
    first = console.get(AuditEntry).context["cl"]
    make_entries(founded, 7)

    second = console.client.get(reverse("admin:organizations_auditentry_changelist") + first.older)
    older = second.context["cl"]
    back = console.client.get(
        reverse("admin:organizations_auditentry_changelist") + older.newer
    ).context["cl"]

    assert [row.pk for row in first.result_list] == entries[:50]
    assert [row.pk for row in older.result_list] == entries[50:100]
    assert [row.pk for row in back.result_list] == entries[:50]
    assert first.newer == ""


def test_the_last_page_leads_no_further(console, founded):
    oldest = AuditEntry.objects.filter(organization=founded.organization).order_by("pk")[3]

    page = console.get(AuditEntry, before=str(oldest.pk)).context["cl"]

    assert len(page.result_list) == 3
    assert (page.older, page.newer != "") == ("", True)


def test_the_trail_is_never_counted(console, founded):
    make_entries(founded, 60)

    with CaptureQueriesContext(connection) as queries:
        console.get(AuditEntry)

    assert not any("COUNT(" in query["sql"].upper() for query in queries)


def test_the_trail_is_filtered_by_everything(console, founded):
    key, entity = uuid.uuid4(), uuid.uuid4()
    other = make_person(founded, None)
    (one,) = make_entries(
        founded, 1, action="deleted", resource="config:meter", entity_id=entity,
        access_key_id=key, principal_id=other.pk, is_allowed=False, request_id="abc-1",
        at=clock.now() - timedelta(days=400),
    )  # fmt: skip
    make_entries(founded, 3)
    long_ago = {"at_from_0": "2020-01-01", "at_from_1": "00:00",
                "at_to_0": f"{clock.now() - timedelta(days=300):%Y-%m-%d}",
                "at_to_1": "00:00"}  # fmt: skip

    for query in (
        {"who": str(other.pk)},
        {"key": str(key)},
        {"action": "deleted"},
        {"resource": "config:meter"},
        {"entity": str(entity)},
        {"outcome": "denied"},
        {"q": "abc-1"},
        {"q": str(entity)},
        {"q": str(other.pk)},
        {"q": str(one.pk)},
        long_ago,
        {name: value for name, value in long_ago.items() if name[-1] == "0"},
        {"at_to_0": long_ago["at_to_0"], "at_to_1": ""},
    ):
        assert shown(console, **query) == [one.pk], query
    for query in ({"key": "no id"}, {"entity": "x"}, {"who": "x"}, {"q": "nothing"}):
        assert shown(console, **query) == [], query


def test_a_day_without_a_time_is_the_whole_day(console, founded):
    noon = datetime(2026, 3, 5, 12, tzinfo=UTC)
    (one,) = make_entries(founded, 1, at=noon)

    assert shown(console, at_from_0="2026-03-05", at_to_0="2026-03-05") == [one.pk]
    assert shown(console, at_from_0="2026-03-05", at_from_1="12:00:01", at_to_0="2026-03-05") == []
    assert shown(console, at_to_0="2026-03-05", at_to_1="11:59") == []
    assert shown(console, at_from_0="2026-03-05", at_to_0="2026-03-05", at_to_1="x") == [one.pk]
    assert shown(console, at_from_0="2026-03-05", at_to_0="2026-03-05", at_to_1="12:00") == [one.pk]

    page = console.get(AuditEntry, at_from_0="2026-03-05", at_to_0="2026-03-05").content.decode()
    assert "Enter a valid" not in page
    assert "23:59:59" in page


@pytest.mark.parametrize(
    "query",
    [
        {"before": "x"}, {"before": "9" * 30}, {"after": "-1"}, {"outcome": "perhaps"},
        {"at_from_0": "x"}, {"before": "5", "after": "5"}, {"who": "\U0001f600"},
    ],
)  # fmt: skip
def test_no_filter_breaks_the_trail(console, query):
    assert console.get(AuditEntry, **query).status_code in (200, 302)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_every_page_of_an_entity_links_to_its_history(console, founded, model):
    row = inhabit(founded)[model]
    (entry,) = (
        make_entries(founded, 1, entity_id=getattr(row, "entity_id", row.pk))
        if (model is AuditEntry)
        else make_entries(founded, 1, entity_id=row.pk)
    )

    page = console.get(model, "change", row)

    link = page.context["history_url"]
    assert f'href="{link}"' in console.text(page)
    history = console.client.get(link).context["cl"].result_list
    assert entry.pk in {row.pk for row in history}
    assert {row.entity_id for row in history} == {entry.entity_id}


def test_the_difference_goes_down_to_the_parts_that_changed():
    before = {"a": [{"effect": "allow", "action": ["x"]}], "same": 1}
    lines = differences.lines(
        {
            "permissionPolicy": [
                [before],
                [{**before, "a": [{"effect": "deny", "action": ["x"]}]}],
            ],
            "version": [1, 2],
            "name": [None, "New"],
            "code": ["old", ""],
        }
    )

    assert [(line.field, line.before, line.after, line.kind) for line in lines] == [
        ("permissionPolicy[0].a[0].effect", "allow", "deny", "changed"),
        ("name", "–", "New", "added"),
        ("code", "old", "–", "removed"),
        ("version", "1", "2", "changed"),
    ]


def test_an_entry_tells_who_when_from_where_and_what(console, founded):
    console.post(Product, "add", name="Vectors", code="vectors", custom_fields="[]")
    entry = AuditEntry.objects.get(resource="config:product")

    page = console.text(console.get(AuditEntry, "change", entry))

    for text in (founded.admin.email, "127.0.0.1", "vectors", "not sealed yet", entry.request_id):
        assert text in page, text


def test_a_refused_page_stands_in_the_trail(founded):
    person = make_person(founded, "Administrator")
    attach(founded, person, PermissionPolicy.objects.create(
        organization=founded.organization, name="No meters",
        statements=[{"effect": "deny", "action": ["config:*"], "resource": ["config:meter"]}],
    ))  # fmt: skip
    meter = factories.make_meter(founded.organization)

    answers = [
        Console(person).get(Meter),
        Console(person).post(Meter, "change", meter, name="Mine"),
        Console(person).post(Meter, "delete", meter, post="yes"),
        Console(person).get(Meter, "add"),
    ]

    assert {answer.status_code for answer in answers} == {403}
    rows = AuditEntry.objects.filter(is_allowed=False, principal_id=person.pk).order_by("pk")
    assert list(rows.values_list("action", "resource", "entity_id")) == [
        ("config:retrieve", "config:meter", None),
        ("config:update", "config:meter", meter.pk),
        ("config:delete", "config:meter", meter.pk),
        ("config:create", "config:meter", None),
    ]


def test_seals_are_listed_with_the_tail_that_is_not_sealed_yet(console, founded, monkeypatch):
    seals.advance()
    monkeypatch.setattr(seals, "SETTLES", timedelta(seconds=-1))
    monkeypatch.setattr(seals, "_is_settled", lambda seal: True)
    seals.advance()
    sealed_to = AuditEntry.objects.order_by("-pk").first()
    make_entries(founded, 4)

    answer = console.client.get(reverse("admin:audit_seals"))
    entry = console.text(console.get(AuditEntry, "change", sealed_to))

    trail = answer.context["trail"]
    assert (trail.unsealed, trail.sealed_to) == (4, sealed_to.pk)
    assert trail.blocks[0].hash in console.text(answer)
    assert "verify_audit" in console.text(answer)
    assert "sealed in block" in entry


def test_seals_need_the_permission_to_read_the_trail(founded):
    person = Console(make_person(founded, "Billing operations"))

    assert person.client.get(reverse("admin:audit_seals")).status_code == 403


def entries(console, **query):
    """Return name and address of what each listed entry is about."""
    rows = console.get(AuditEntry, **query).context["cl"].result_list
    return {row.entity_id: (row.entity_name, row.entity_url) for row in rows}


def test_the_audit_trail_names_what_is_there_and_what_is_gone(console, founded):
    by = principals.system(founded.organization.pk)
    kept = factories.make_product(founded.organization, name="Vectors")
    gone = factories.make_product(founded.organization, name="Images", code="images")
    with changes.editing(kept, by=by) as changed:
        changed.name = "Embeddings"
    changes.delete(gone, by=by)

    found = entries(console, resource="config:product")

    assert found == {
        kept.pk: ("Embeddings", address(Product, "change", kept)),
        gone.pk: ("Images", ""),
    }
    page = console.text(console.get(AuditEntry, resource="config:product"))
    assert str(kept.pk) in page
    assert str(gone.pk) in page


def test_an_auditor_learns_no_names_of_rows_beyond_what_entries_tell(founded):
    currency = Currency.objects.filter(organization=founded.organization).first()
    by = principals.system(founded.organization.pk)
    with changes.editing(currency, by=by) as changed:
        changed.max_decimal_places = 4
    reading = [{"effect": "allow", "action": ["audit:retrieve"], "resource": ["audit:*"]}]
    auditor, _ = somebody(founded, reading)

    found = entries(auditor, resource="config:currency", action="updated")

    assert found == {currency.pk: ("", "")}
    assert entries(Console(founded.admin), resource="config:currency", action="updated") == {
        currency.pk: (currency.code, address(Currency, "change", currency))
    }
