"""Policies in the console: the editor's field, what it asks the server, who has a policy."""

import json

import pytest
from django.urls import reverse

from organizations.models import (
    AuditEntry,
    PermissionPolicy,
    PolicyAttachment,
    ResourceGroup,
)
from tests import factories
from tests.console.clients import Console, address, attach, errors_of, make_person

READ_METERS = [{"effect": "allow", "action": ["CONFIG_RETRIEVE"], "resource": ["config:meter"]}]


def make_policy(founded, **overrides):
    """Make a custom policy."""
    fields = {"name": "Meters", "statements": READ_METERS}
    return PermissionPolicy.objects.create(
        organization=founded.organization, **{**fields, **overrides}
    )


def read(console, statements):
    """Ask the server what statements mean, as the editor does."""
    answer = console.client.post(
        reverse("admin:policy_read"), json.dumps(statements), content_type="text/plain"
    )
    assert answer.status_code == 200
    return answer.json()


def find(console, **query):
    """Search rows or groups, as the editor does."""
    return console.client.get(reverse("admin:policy_targets"), query).json()["found"]


def test_a_policy_keeps_the_spelling_it_was_sent_in(console, founded):
    console.post(PermissionPolicy, "add", name="Meters", statements=json.dumps(READ_METERS))

    row = PermissionPolicy.objects.get(name="Meters")
    assert row.statements == READ_METERS
    assert AuditEntry.objects.get(entity_id=row.pk).action == "created"


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ("", "This field is required."),
        ("[]", "This field is required."),
        ("{", "This is not JSON"),
        ('{"effect":"allow"}', "This has to be a list"),
        ('[{"effect":"perhaps","action":["all"],"resource":["*"]}]', "neither allow nor deny"),
        ('[{"effect":"allow","action":["fly"],"resource":["*"]}]', "not a known action"),
        ('[{"effect":"allow","action":["all"],"resource":["config:met*"]}]', "known resource"),
    ],
)
def test_statements_nobody_understands_are_refused_in_the_form(console, statements, sentence):
    answer = console.post(PermissionPolicy, "add", name="Meters", statements=statements)

    assert sentence in errors_of(answer)["statements"][0]
    assert not PermissionPolicy.objects.filter(name="Meters").exists()


def test_what_statements_mean_is_answered_with_names(console, founded):
    meter = factories.make_meter(founded.organization, name="<Tokens>")
    group = ResourceGroup.objects.create(organization=founded.organization, type="meter", name="EU")
    statements = [
        {
            "effect": "allow",
            "action": ["config:retrieve"],
            "resource": [f"config:meter/item/{meter.pk}", f"config:meter/group/{group.pk}"],
        }
    ]

    answer = read(console, statements)

    (one,) = answer["statements"]
    assert one["sentence"] == "May read the meter “<Tokens>” and every meter in the group “EU”."
    assert (one["warnings"], answer["warnings"]) == ([], [])


def test_what_means_nothing_is_answered_with_the_reason(console):
    assert "is not a known action" in read(console, [
        {"effect": "allow", "action": ["fly"], "resource": ["*"]}
    ])["problem"]  # fmt: skip
    for body in ("", "[", "\x00", "[1]", '"x"', "null"):
        answer = console.client.post(
            reverse("admin:policy_read"), body.encode(), content_type="text/plain"
        )
        assert answer.status_code == 200


def test_rows_of_a_stranger_are_neither_named_nor_found(console):
    theirs = factories.make_meter(factories.make_founded().organization, name="Their meter")

    answer = read(console, [
        {"effect": "allow", "action": ["all"], "resource": [f"config:meter/item/{theirs.pk}"]}
    ])  # fmt: skip

    assert "unknown meter" in answer["statements"][0]["sentence"]
    for text in ("Their", str(theirs.pk), ""):
        assert find(console, type="config:meter", reach="item", q=text) == []


def test_rows_and_groups_are_found_by_name_code_and_id(console, founded):
    meter = factories.make_meter(founded.organization, name="Tokens", code="tok-1")
    group = ResourceGroup.objects.create(organization=founded.organization, type="meter", name="EU")
    person = make_person(founded, None, first_name="Bea", last_name="Stone")

    for text in ("oken", "TOK-1", str(meter.pk)):
        found = find(console, type="config:meter", reach="item", q=text)
        assert found == [{"id": str(meter.pk), "name": "Tokens", "detail": "tok-1"}], text
    assert find(console, type="config:meter", reach="group", q="eu")[0]["id"] == str(group.pk)
    assert find(console, type="config:plan", reach="group", q="eu") == []
    assert find(console, type="config:orgUser", reach="item", q="bea")[0]["id"] == str(person.pk)
    assert find(console, type="no:such", reach="item", q="x") == []


def test_only_rows_one_may_read_are_found(founded):
    factories.make_meter(founded.organization, name="Tokens")
    person = make_person(founded, "Administrator")
    attach(founded, person, make_policy(
        founded, statements=[{"effect": "deny", "action": ["all"], "resource": ["config:meter"]}]
    ))  # fmt: skip

    assert find(Console(person), type="config:meter", reach="item", q="") == []


def test_the_editor_answers_only_people_who_may_see_policies(founded):
    person = Console(make_person(founded, "Billing operations"))

    assert person.client.post(reverse("admin:policy_read"), "[]", "text/plain").status_code == 403
    assert person.client.get(reverse("admin:policy_targets")).status_code == 403


def test_a_managed_policy_is_read_as_sentences_and_cannot_be_saved(console, founded):
    row = PermissionPolicy.objects.get(organization=founded.organization, name="Administrator")

    page = console.text(console.get(PermissionPolicy, "change", row))
    saved = console.post(PermissionPolicy, "change", row, name="Mine", statements="[]")
    deleted = console.post(PermissionPolicy, "delete", row, post="yes")

    assert "May do everything with everything." in page
    assert "<textarea" not in page
    assert (saved.status_code, deleted.status_code) == (403, 403)
    assert PermissionPolicy.objects.filter(pk=row.pk, version=1).exists()


def test_the_list_tells_who_has_a_policy_and_the_page_names_them(console, founded):
    row = make_policy(founded)
    attach(founded, make_person(founded, None, first_name="Bea", last_name="Stone"), row)

    listed = console.get(PermissionPolicy, q="Meters").context["cl"].result_list
    page = console.text(console.get(PermissionPolicy, "change", row))

    assert [one.holder_words for one in listed] == ["1 user"]
    assert "Bea Stone" in page


def test_deleting_a_policy_tells_who_loses_it_and_takes_it_away(console, founded):
    row = make_policy(founded)
    person = make_person(founded, None, first_name="Bea", last_name="Stone")
    attach(founded, person, row)

    asked = console.text(console.get(PermissionPolicy, "delete", row))
    console.post(PermissionPolicy, "delete", row, post="yes")

    assert "Bea Stone" in asked
    assert not PermissionPolicy.objects.filter(pk=row.pk).exists()
    assert not PolicyAttachment.objects.filter(principal_id=person.pk).exists()


def test_of_a_selection_with_managed_policies_these_stay(console, founded):
    rows = PermissionPolicy.objects.filter(organization=founded.organization)
    managed = set(rows.filter(is_managed=True).values_list("name", flat=True))

    console.client.post(
        address(PermissionPolicy, "changelist"),
        {
            "action": "delete_selected",
            "_selected_action": [row.pk for row in rows],
            "confirmed": "yes",
        },
    )

    assert managed
    assert set(rows.values_list("name", flat=True)) == managed
