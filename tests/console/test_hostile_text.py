"""Text that is code somewhere is shown as it was written, on every page that shows it (C0)."""

import pytest
from django.db import models
from django.urls import reverse
from django.utils.html import escape

from organizations.models import AuditEntry, Membership, User
from tests.console.inhabited import inhabit
from tests.console.test_lists import SINGLE

MARKUP = "<script>alert(1)</script>"
HOSTILE = {
    "markup": f"{MARKUP} {{{{ 7*7 }}}} {{% now %}} \"'`",
    "right to left": "\u202eסוף\u202c العربية",
    "emoji": "\U0001f469\U0001f3fd\u200d\U0001f680 \u00e9e\u0301",
    "long": ("<i>W</i>" * 25)[:200],
}
# Texts with a grammar of their own, which no form or API lets such text into.
SHAPED = {
    "status", "principal_kind", "timezone", "type", "currency", "target_type", "destination",
    "entity_type",
}  # fmt: skip


def fill(row, text):
    """Put the text into every free text of a row that is stored as text; return those fields."""
    filled = {}
    for field in row._meta.concrete_fields:
        is_text = isinstance(field, (models.CharField, models.TextField)) and not field.choices
        is_free = is_text and not isinstance(field, (models.EmailField, models.URLField))
        if is_free and not field.primary_key and field.name not in SHAPED:
            longest = field.max_length or 200
            filled[field.name] = text[:longest]
        if field.name == "custom_fields":
            filled[field.name] = {text: text}
    if type(row)._meta.proxy:  # its table has a row of another page, and codes are unique
        filled.pop("code", None)
    if filled:
        type(row).objects.filter(pk=row.pk).update(**filled)
    return filled


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_shown_as_it_was_written_on_every_page(console, founded, kind):
    text = HOSTILE[kind]
    rows = inhabit(founded)
    audit = rows.pop(AuditEntry)
    filled = {model: fill(row, text) for model, row in rows.items()}
    User.objects.filter(pk=founded.admin.pk).update(first_name=text[:100], last_name=text[:100])
    entry = AuditEntry.objects.create(
        organization=founded.organization, principal_id=founded.admin.pk, principal_kind="USER",
        action="updated", resource="config:plan", entity_id=audit.entity_id,
        difference={text: [text, {text: [text]}]},
    )  # fmt: skip

    seen = {}
    for model, row in rows.items():
        seen[model, "details"] = console.get(model, "change", row)
        seen[model, "delete"] = console.get(model, "delete", row)
        if model not in SINGLE:
            seen[model, "list"] = console.get(model)
            seen[model, "search"] = console.get(model, q=text[:100])
    seen["history"] = console.get(AuditEntry, entity=str(audit.entity_id))
    seen["entry"] = console.get(AuditEntry, "change", entry)
    seen["dashboard"] = console.client.get(reverse("admin:index"))
    seen["everything"] = console.client.get(reverse("admin:search"), {"s": text, "extended": "1"})

    pages = {}
    for name, answer in seen.items():
        assert answer.status_code in (200, 302, 403), name
        if answer.status_code == 200:
            pages[name] = console.text(answer)
    assert [name for name, page in pages.items() if MARKUP in page] == []
    assert [name for name, page in pages.items() if "<i>W" in page] == []
    assert [name for name, page in pages.items() if " 49 " in page] == []
    shown = escape(text[:40])
    for model, fields in filled.items():
        if "name" in fields and model is not Membership:
            page = pages[model, "details"]
            assert shown in page or shown in page.replace("&quot;", '"'), model
    for name in ("entry", "dashboard"):
        assert shown[:20] in pages[name], name
