"""No page of the console offers a link that its reader is refused: every one is followed.

The principals are those of the tables that routes and pages are held against.
"""

import re
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from billing.models import Account, AccountPlan, Bill, BillJob
from catalog.models import Plan
from organizations.kernel.console import linking
from organizations.kernel.console.permissions import Permissions
from tests import factories
from tests.console.clients import Console, address
from tests.console.inhabited import inhabit
from tests.console.test_every_page import CUSTOM, PAGES, PRINCIPALS, somebody

# Where a link leads, or what a part of the page is fetched from.
LEADS_TO = re.compile(r'(?:<a\b[^>]*?\shref|\shx-get)="([^"]+)"')
ONE_AREA: dict[str, list[dict[str, Any]]] = {
    "reader of accounts": [
        {"effect": "allow", "action": ["config:retrieve"], "resource": ["config:account"]}
    ],
    "keeper of accounts without plans": [
        {"effect": "allow", "action": ["config:*"],
         "resource": ["config:account", "config:accountPlan"]}
    ],
    "reader of bills": [
        {"effect": "allow", "action": ["config:retrieve"], "resource": ["billing:bill"]}
    ],
    "remover of bills": [
        {"effect": "allow", "action": ["config:retrieve", "config:delete"],
         "resource": ["billing:bill"]}
    ],
    "reader of bill jobs": [
        {"effect": "allow", "action": ["config:retrieve"], "resource": ["billing:billJob"]}
    ],
    "reader of plans": [
        {"effect": "allow", "action": ["config:retrieve"],
         "resource": ["config:plan", "config:product"]}
    ],
    "remover who cannot read": [
        {"effect": "allow", "action": ["config:delete"], "resource": ["*"]}
    ],
    "reader of people": [
        {"effect": "allow", "action": ["config:retrieve"],
         "resource": ["config:orgUser", "config:serviceUser", "config:resourceGroup"]}
    ],
}  # fmt: skip


@pytest.fixture
def rows(founded):
    """One row a page; the bill was made by the job, and the job billed the account."""
    rows = inhabit(founded)
    job, bill = rows[BillJob], rows[Bill]
    bill.bill_job, bill.created_by = job, founded.admin.pk
    bill.save()
    chunk = job.chunks.create(number=1)
    job.accounts.create(account=rows[Account], chunk=chunk, status="PARKED", reason="Because.")
    return rows


def look(console: Console, path: str) -> tuple[int, set[str]]:
    """Return a page's status, and the addresses it leads to; none when it does not open."""
    answer = console.client.get(path)
    if answer.status_code != 200 or "text/html" not in answer["Content-Type"]:
        return answer.status_code, set()
    found = {unescape(one) for one in LEADS_TO.findall(console.text(answer))}
    return answer.status_code, {one for one in found if one.startswith("/")}


def places(rows: dict[Any, Any]) -> list[str]:
    """Return the addresses of all pages."""
    of_rows = [
        address(model, verb, rows[model] if verb in {"change", "delete"} else None)
        for model in PAGES
        for verb in ("changelist", "add", "change", "delete")
    ]
    others = [name for name, (_verb, _action, _kind, model) in CUSTOM.items() if model is None]
    named = [f"admin:{name}" if name != "usage_chart" else name for name in others]
    return [reverse("admin:index"), *of_rows, *(reverse(name) for name in named)]


# Nobody and uploaders see nothing but the dashboard; an administrator is refused nowhere.
WALKERS = [name for name in PRINCIPALS if name not in {"nobody", "uploader", "administrator"}]


@pytest.mark.parametrize("name", [*WALKERS, *ONE_AREA])
def test_no_link_of_a_page_leads_to_a_refusal(founded, rows, name):
    console, _ = somebody(founded, (PRINCIPALS | ONE_AREA)[name])
    opened = {path: look(console, path) for path in places(rows)}

    refused, followed = [], {path: status for path, (status, _) in opened.items()}
    for path, (_, links) in opened.items():
        for link in sorted(links):
            if link not in followed:
                followed[link] = console.client.get(link).status_code
            if followed[link] in {403, 404}:
                refused.append(f"{path} -> {link}: {followed[link]}")

    assert refused == []


def test_a_reader_of_accounts_sees_names_of_plans_as_text_and_nothing_to_do(founded, rows):
    console, _ = somebody(founded, ONE_AREA["keeper of accounts without plans"])
    account, plan = rows[Account], rows[Plan]

    page = console.text(console.get(Account, "change", account))
    attached = console.text(console.get(AccountPlan, "change", rows[AccountPlan]))

    assert plan.name in page
    assert plan.name in attached
    assert address(Plan, "change", plan) not in page + attached
    assert "Attach plan" in page
    assert "Run bill" not in page
    assert "Latest bills" not in page
    assert "History" not in page


def test_links_of_a_table_cost_no_query_per_row(founded, rows, django_assert_num_queries):
    accounts = [factories.make_account(founded.organization) for _ in range(20)]
    one_denied = [
        {"effect": "allow", "action": ["all"], "resource": ["*"]},
        {"effect": "deny", "action": ["config:retrieve"],
         "resource": [f"config:account/item/{accounts[0].pk}"]},
    ]  # fmt: skip
    _console, principal = somebody(founded, one_denied)

    class Request:
        organization = founded.organization
        permissions = Permissions(principal)

    linking.to_rows(Request, Account, [accounts[0].pk])  # policies are read once
    with django_assert_num_queries(1):
        found = linking.to_rows(Request, Account, [account.pk for account in accounts])

    assert set(found) == {account.pk for account in accounts[1:]}
