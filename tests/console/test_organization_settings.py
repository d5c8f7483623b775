"""Pick lists and custom fields in the console (C12)."""

import json

from organizations.models import CreditReason, Currency, CustomFieldDefaults
from tests.console.clients import address, errors_of


def test_pick_lists_are_archived_and_restored_together(console, founded):
    rows = [
        CreditReason.objects.create(organization=founded.organization, name=name, code=name)
        for name in ("goodwill", "failure")
    ]
    page, selected = address(CreditReason, "changelist"), [row.pk for row in rows]

    console.client.post(page, {"action": "archive", "_selected_action": selected[:1]}, follow=True)
    answer = console.client.post(
        page, {"action": "archive", "_selected_action": selected}, follow=True
    )
    console.client.post(page, {"action": "restore", "_selected_action": selected[1:]})

    found = CreditReason.objects.values_list("name", "is_archived", "version")
    assert set(found) == {("goodwill", True, 2), ("failure", False, 3)}
    assert [str(one) for one in answer.context["messages"]] == ["1 archived, 1 were so already."]


def test_the_billing_currency_is_not_archived(console, founded):
    dollar = Currency.objects.get(organization=founded.organization)

    answer = console.client.post(
        address(Currency, "changelist"),
        {"action": "archive", "_selected_action": [dollar.pk]},
        follow=True,
    )

    dollar.refresh_from_db()
    assert not dollar.is_archived
    assert "billing currency" in str(next(iter(answer.context["messages"])))


def test_custom_fields_are_a_table_for_each_kind_of_entity(console, founded):
    row = CustomFieldDefaults.objects.get(organization=founded.organization)
    rows = '[{"name":"Credit limit","kind":"number","value":"5000"}]'

    console.post(CustomFieldDefaults, "change", row, for_account=rows)

    row.refresh_from_db()
    assert row.for_account == {"Credit limit": 5000}


def test_more_than_25_custom_fields_are_refused(console, founded):
    row = CustomFieldDefaults.objects.get(organization=founded.organization)
    rows = [{"name": f"f{n}", "kind": "text", "value": "x"} for n in range(26)]

    answer = console.post(CustomFieldDefaults, "change", row, for_account=json.dumps(rows))

    assert errors_of(answer)["for_account"] == ["At most 25 fields."]
    row.refresh_from_db()
    assert row.for_account == {}
