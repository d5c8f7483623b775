"""Every way a row leaves the system, and somebody it is kept from (A5.12, A5.13.11).

Each way is walked twice: for an administrator, who must see the mark somewhere (or the walk
proves nothing), and for somebody whom a policy keeps it from, who must see it nowhere.
"""

import gzip
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from billing.bills import lifecycle
from billing.models import Account, Bill, LineItem
from organizations import tokens
from organizations.kernel import changes, clock, principals
from organizations.models import AuditEntry, Event, PermissionPolicy, PrincipalType, ServiceUser
from tests.billing.bills.printed_bills import pages
from tests.clients import ApiClient
from tests.console.clients import Console, make_person
from tests.console.inhabited import inhabit
from tests.contract.routes import routes
from tests.factories import make_attachment, make_founded

pytestmark = pytest.mark.django_db
EVERYTHING = {"effect": "allow", "action": ["*"], "resource": ["*"]}
LINE, STREET, TOTAL = "Hidden-line-4711", "Hidden Street 12", "98765.43"


@dataclass
class Somebody:
    """The same policies as a client of the API and as a person in front of the console."""

    api: ApiClient
    console: Console


@pytest.fixture
def place(db):
    """An inhabited organization; an account, its bill and the line of it carry the marks."""
    founded = make_founded()
    rows = inhabit(founded)
    by = principals.system(founded.organization.pk)
    with changes.editing(rows[Account], by=by) as account:
        account.address = {"addressLine1": STREET}
    LineItem.objects.filter(bill=rows[Bill]).update(description=LINE)
    Bill.objects.filter(pk=rows[Bill].pk).update(total=TOTAL)
    rows[Bill].refresh_from_db()
    lifecycle.approve(rows[Bill], by=by, at=clock.now())
    rows[Bill].refresh_from_db()
    return founded, rows


def somebody(founded, *statements):
    """Return somebody with these statements."""
    policy = PermissionPolicy.objects.create(
        organization=founded.organization, name="Of somebody", statements=list(statements)
    )
    robot = ServiceUser.objects.create(organization=founded.organization, name="somebody")
    person = make_person(founded, None)
    make_attachment(policy, PrincipalType.SERVICEUSER, robot.pk)
    make_attachment(policy, PrincipalType.USER, person.pk)
    key, _ = tokens.make_key(robot, created_by=robot.pk)
    return Somebody(ApiClient(founded, tokens.token_for(key)), Console(person))


def deny(resource, action="config:retrieve"):
    return {"effect": "deny", "action": [action], "resource": [resource]}


def text_of(response: Any) -> str:
    """Return what a response shows: unpacked, and of a PDF the words."""
    raw = b"".join(response) if response.streaming else response.content
    if response.headers.get("Content-Encoding") == "gzip":
        raw = gzip.decompress(raw)
    if raw.startswith(b"%PDF"):
        return " ".join(" ".join(pages(raw)).split())
    return raw.decode("utf-8", "replace")


def api_ways(who: Somebody, rows: dict[Any, Any]):
    """Ask every GET of the API, with the ids of the rows there are."""
    bill, line = rows[Bill], LineItem.objects.get(bill=rows[Bill])
    ids = {
        "account": bill.account_id, "account_id": bill.account_id, "bill": bill.pk,
        "bill_id": bill.pk, "day": "2026-05-31", "frequency": "MONTHLY",
    }  # fmt: skip
    for route in routes():
        if "get" not in route.actions:
            continue
        own = line.pk if route.model is LineItem else None
        row = rows.get(route.model)
        given = {name: ids.get(name, bill.account_id) for name in route.parameters}
        if "id" in given:
            given["id"] = own or (row.pk if row is not None else bill.account_id)
        yield f"GET {route.path}", route.path.format(**{"type": "account", **given}), {}
    yield "GET bills with totals", "bills", {"includeBillTotal": "true"}
    yield "GET audit of the account", "audit", {"entityId": bill.account_id}
    yield "GET events of the bill", "events", {"resourceId": bill.pk}
    yield "GET accounts/search", "accounts/search", {"searchQuery": f"code:{bill.account.code}"}


def written(who: Somebody, rows: dict[Any, Any]):
    """Write what may be written, and yield the answers."""
    bill, account = rows[Bill], rows[Account]
    period = {"lastDateInBillingPeriod": "2026-05-31", "billingFrequency": "MONTHLY"}
    yield "PUT status", who.api.put(f"bills/{bill.pk}/status", {"status": "PENDING"})
    yield "POST preview", who.api.post("bills/preview", {"accountIds": [account.pk], **period})
    yield "POST recalculate", who.api.post("billjobs/recalculate", {"billIds": [str(bill.pk)]})
    account.refresh_from_db()
    body = {
        "name": account.name, "code": account.code, "emailAddress": "a@example.com",
        "address": {"addressLine1": STREET}, "version": account.version,
    }  # fmt: skip
    yield "PUT account", who.api.put(f"accounts/{account.pk}", body)
    yield "DELETE bill", who.api.delete(f"bills/{bill.pk}")


def console_ways(rows: dict[Any, Any]):
    """Name every page of the console: lists, CSV, rows, dashboard, search, choices, PDF."""
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield f"list of {model.__name__}", reverse(f"{name}_changelist"), {}
        yield f"CSV of {model.__name__}", reverse(f"{name}_changelist"), {"export": "csv"}
        yield f"page of {model.__name__}", reverse(f"{name}_change", args=[rows[model].pk]), {}
    bill = rows[Bill]
    line = LineItem.objects.get(bill=bill)
    yield "dashboard", reverse("admin:index"), {}
    yield "search", reverse("admin:search"), {"s": bill.account.name, "extended": "1"}
    yield "PDF", reverse("admin:bill_pdf", args=[bill.pk]), {}
    yield "lines as CSV", reverse("admin:bill_lines", args=[bill.pk]), {}
    yield "explanation", reverse("admin:bill_line_explanation", args=[bill.pk, line.pk]), {}
    place = {"app_label": "billing", "model_name": "bill", "field_name": "account"}
    yield "choices", reverse("admin:autocomplete"), {"term": bill.account.code, **place}
    for entry in AuditEntry.objects.filter(entity_id__in=[bill.pk, bill.account_id]):
        page = reverse("admin:organizations_auditentry_change", args=[entry.pk])
        yield f"audit {entry.resource}", page, {}
    for event in Event.objects.filter(resource_id__in=[bill.pk, bill.account_id]):
        page = reverse("admin:organizations_event_change", args=[event.pk])
        yield f"event {event.name}", page, {}


def showing(who: Somebody, rows: dict[Any, Any], *marks: str) -> set[str]:
    """Return the names of the ways on which one of the marks is seen."""
    seen = {}
    for name, path, query in api_ways(who, rows):
        seen[name] = who.api.get(path, **query).raw.decode("utf-8", "replace")
    answer = who.api.get(f"bills/{rows[Bill].pk}/pdf")
    seen["API PDF"] = " ".join(pages(answer.raw)) if answer.status == 200 else ""
    for name, path, query in console_ways(rows):
        response = who.console.client.get(path, query)
        assert response.status_code < 500, name
        seen[name] = text_of(response)
    for name, answer in written(who, rows):
        assert answer.status < 500, (name, answer)
        seen[name] = answer.raw.decode()
    return {name for name, text in seen.items() if any(mark in text for mark in marks)}


KEPT = {
    "lines": (
        lambda rows: [deny("billing:billLineItem")],
        (LINE,),
        {"GET bills", "GET bills/{id}", "API PDF", "PDF", "page of Bill", "explanation",
         "GET lineitems", "PUT status", "DELETE bill"},
    ),
    "a bill": (
        lambda rows: [deny(f"billing:bill/item/{rows[Bill].pk}")],
        (TOTAL, "98,765.43", LINE),
        {"GET bills with totals", "GET bills/{id}", "API PDF", "PDF", "list of Bill", "CSV of Bill",
         "page of Bill", "GET events of the bill", "PUT status", "DELETE bill",
         "page of Account", "event billing.bill.updated"},
    ),
    "all bills": (
        lambda rows: [deny("billing:bill")],
        (TOTAL, "98,765.43"),
        {"GET bills/{id}", "dashboard"},
    ),
    "an account": (
        lambda rows: [deny(f"config:account/item/{rows[Account].pk}")],
        (STREET,),
        {"GET accounts", "GET accounts/{id}", "GET accounts/search", "GET audit of the account",
         "page of Account", "PUT account", "audit config:account",
         "event configuration.account.updated"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kept", KEPT)
def test_what_a_policy_keeps_is_seen_on_no_way_out(place, kept):
    founded, rows = place
    statements, marks, _shown = KEPT[kept]

    seen = showing(somebody(founded, EVERYTHING, *statements(rows)), rows, *marks)

    assert seen == set()


@pytest.mark.parametrize("kept", KEPT)
def test_whoever_may_read_it_sees_it_on_these_ways(place, kept):
    founded, rows = place
    _statements, marks, shown = KEPT[kept]

    seen = showing(somebody(founded, EVERYTHING), rows, *marks)

    assert shown - seen == set()


def test_a_document_without_some_lines_says_so(place):
    founded, rows = place
    who = somebody(founded, EVERYTHING, deny("billing:billLineItem"))

    answer = who.api.get(f"bills/{rows[Bill].pk}/pdf")

    assert "Some lines are not shown." in " ".join(pages(answer.raw))


def test_a_write_answers_id_and_version_to_whoever_may_not_read(place):
    founded, rows = place
    who = somebody(founded, EVERYTHING, deny(f"billing:bill/item/{rows[Bill].pk}"))

    answer = who.api.put(f"bills/{rows[Bill].pk}/status", {"status": "PENDING"})

    assert answer.json == {"id": str(rows[Bill].pk), "version": rows[Bill].version + 1}


def test_a_preview_needs_the_right_to_read_lines(place):
    founded, rows = place
    who = somebody(founded, EVERYTHING, deny("billing:billLineItem"))
    body = {
        "accountIds": [str(rows[Account].pk)],
        "lastDateInBillingPeriod": "2026-05-31",
        "billingFrequency": "MONTHLY",
    }

    assert who.api.post("bills/preview", body).status == 403


@pytest.mark.parametrize("denied", ["billing:bill", "billing:bill/item/{bill}"])
def test_named_bills_are_not_calculated_again_by_whoever_may_not_update_them(place, denied):
    founded, rows = place
    resource = denied.format(bill=rows[Bill].pk)
    who = somebody(founded, EVERYTHING, deny(resource, "config:update"))

    refused = who.api.post("billjobs/recalculate", {"billIds": [str(rows[Bill].pk)]})

    assert refused.status == 403
    assert not rows[Bill].bill_job_id
